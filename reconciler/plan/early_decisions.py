"""Early decisions about workflows: each is made when its workflow is read, while others are still being read.

A decision depends on what the platform is known to do, which is certain once all workflows are read. So each
is made by what is known until then, and made again if something else was learned after it. That a workflow is
in sync mostly depends on no such fact, and then nothing more than that need be kept of it.
"""

from __future__ import annotations

import dataclasses
import threading
from contextlib import suppress
from typing import NamedTuple

from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.deciding import decide_match
from reconciler.plan.expectations import Expectations
from reconciler.plan.model import Action, SetPaused, Update
from reconciler.plan.platform_facts import DefaultResource, PlatformFacts, ShownKinds, shown_kinds
from reconciler.values import Packed, as_object
from reconciler.workflow import Live


class EarlyDecision(NamedTuple):
    """An action, and what it was decided by.

    Args:
        action: The action.
        manifest: The manifest.
        options: The choices of the run.
        facts: What was known of the platform; `None` where the action is the same whatever that is.
    """

    action: Action
    manifest: Manifest
    options: CompareOptions
    facts: PlatformFacts | None

    def is_about(self, manifest: Manifest, options: CompareOptions) -> bool:
        """Return whether it was decided by a manifest and the choices of a run."""
        return self.manifest is manifest and self.options == options


class ReadWorkflow(NamedTuple):
    """A live workflow that was read, and what is known of it since.

    Args:
        id: Its id.
        kept: The workflow, packed: its answer alone where it is certainly in sync, since then hardly anything
            needs it; `None` once it was forgotten.
        kinds: The kinds of write-only fields that it shows, and those that it has and does not show.
        updated: The time of its last change, in seconds since the epoch; `None` where it is not returned.
        fingerprint: As that of `Live`; empty where no cache keeps what is read.
        decision: What was decided when it was read; `None` for nothing.
    """

    id: int
    kept: Live | Packed | None
    kinds: ShownKinds
    updated: float | None
    fingerprint: str = ""
    decision: EarlyDecision | None = None

    @property
    def live(self) -> Live | None:
        """The workflow, packed; `None` once it was forgotten."""
        if isinstance(self.kept, Packed):
            return Live.of(self.id, as_object(self.kept.value)).packed()
        return self.kept

    def forgotten(self, manifest: Manifest, options: CompareOptions) -> ReadWorkflow:
        """Return the same without the workflow, if it is in sync with `manifest` whatever else is read."""
        made = self.decision
        certain = made is not None and made.facts is None and made.is_about(manifest, options)
        return self._replace(kept=None) if certain else self

    def action_for(self, manifest: Manifest, options: CompareOptions, facts: PlatformFacts) -> Action:
        """Return the action for the workflow, which `manifest` matches; raises what `decide_match` does."""
        made = self.decision
        if (
            made is not None
            and made.is_about(manifest, options)
            and (made.facts is None or made.facts == facts)
        ):
            return made.action
        live = self.live
        if live is None:
            raise AssertionError("a workflow was forgotten that is not certainly in sync")
        return decide_match(manifest, live, options, facts).action


class EarlyDecisions:
    """The decisions that are made while workflows are read; usable from many threads at once.

    Args:
        options: The choices of the run.
        expected: What the profile of the tenant says.
        cached: Whether a cache keeps what is read.
    """

    def __init__(self, options: CompareOptions, expected: Expectations, *, cached: bool) -> None:
        self._options = options
        self._cached = cached
        self._lock = threading.Lock()
        self._facts = PlatformFacts(expected=expected)

    def taken(self, live: Live, manifest: Manifest | None, default: DefaultResource) -> ReadWorkflow:
        """Return what a plan keeps of a workflow that was just read.

        Args:
            live: The workflow.
            manifest: The manifest that is probably about it; `None` for none.
            default: The default resource, as far as it is known until now.
        """
        kinds = shown_kinds(live, self._options)
        facts = self._learned(kinds, default)
        fingerprint = live.fingerprint if self._cached else ""
        decision = None if manifest is None else self._decision(manifest, live, facts)
        kept: Live | Packed
        if decision is not None and decision.facts is None:
            kept = Packed.of(live.body.raw)
        else:
            kept = live.packed()
            if decision is not None and isinstance(decision.action, Update | SetPaused):
                decision = decision._replace(action=dataclasses.replace(decision.action, live=kept))
        return ReadWorkflow(
            id=live.id,
            kept=kept,
            kinds=kinds,
            updated=live.updated,
            fingerprint=fingerprint,
            decision=decision,
        )

    def _decision(self, manifest: Manifest, live: Live, facts: PlatformFacts) -> EarlyDecision | None:
        with suppress(ReconcilerError):  # raised when its turn comes, if it still is an error then
            decision = decide_match(manifest, live, self._options, facts)
            return EarlyDecision(
                action=decision.action,
                manifest=manifest,
                options=self._options,
                facts=facts if decision.needs_facts else None,
            )
        return None

    def _learned(self, kinds: ShownKinds, default: DefaultResource) -> PlatformFacts:
        """Return what is known of the platform, with what a workflow shows."""
        with self._lock:
            known = self._facts
            if known.default_resource is not default:
                known = known._replace(default_resource=default)
            self._facts = known.with_kinds([kinds])
            return self._facts
