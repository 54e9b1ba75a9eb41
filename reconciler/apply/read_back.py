"""Comparison of a workflow, as it reads back after a write, with what was sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.api import TenantReader
from reconciler.apply.report import UnverifiedError
from reconciler.client import NotFoundException, RetryPolicy
from reconciler.plan import (
    CompareOptions,
    Comparison,
    Create,
    Desired,
    PlatformFacts,
    Update,
    compare,
    describe,
    masked,
    reads_back,
)
from reconciler.secrecy import SecretFields
from reconciler.values import ABSENT, JsonValue, Path, display_path, dump_compact
from reconciler.workflow import FieldChange, Live, Ownership, Rewrite

_MOST_IGNORED = 10
_NAME: Final[Path] = ("name",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a workflow must read back as.

    Args:
        desired: The workflow as its manifest describes it.
        ownership: Who owns it.
        webhooks: The UUIDs of webhook URLs that must still be there.
        sensitive: The secret fields.
    """

    desired: Desired
    ownership: Ownership
    webhooks: frozenset[str] = frozenset()
    sensitive: SecretFields = field(default_factory=SecretFields)

    @staticmethod
    def of(action: Create | Update, webhooks: frozenset[str] = frozenset()) -> Wanted:
        """Return what the workflow of `action` must read back as."""
        return Wanted(
            desired=action.desired,
            ownership=action.ownership,
            webhooks=webhooks,
            sensitive=action.sensitive,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A workflow whose read-back no longer changes.

    Args:
        live: The workflow.
        changes: The fields that do not read back as sent.
        rewrites: Those of which the workflow's tags know that already.
        write_only: The fields that were sent and are not returned, with what was sent.
    """

    live: Live
    changes: tuple[FieldChange, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    write_only: tuple[tuple[Path, JsonValue], ...] = field(repr=False)

    @staticmethod
    def of(live: Live, comparison: Comparison) -> Verified:
        """Return a workflow with what its comparison found."""
        return Verified(
            live=live,
            changes=comparison.changes,
            rewrites=comparison.rewrites,
            write_only=comparison.write_only,
        )


class ReadBack:
    """Reads workflows back after they were written.

    Args:
        api: The tenant.
        options: The choices of the run.
        policy: The limits of tries and waits.
    """

    def __init__(self, api: TenantReader, options: CompareOptions, policy: RetryPolicy) -> None:
        self._api = api
        self._options = options
        self._policy = policy

    def verified(
        self,
        workflow_id: int,
        wanted: Wanted,
        facts: PlatformFacts,
        shows: Callable[[Live], bool],
    ) -> Verified:
        """Return the workflow once it reads back as wanted; a platform may need a moment to show a write.

        Where digests are kept, so is a workflow returned that reads back otherwise and no longer changes.
        What only the last read shows is read once more: one that lags may show the write no earlier.

        Args:
            workflow_id: The workflow.
            wanted: What it must read back as.
            facts: What the platform is known to do.
            shows: Returns whether its tags are those that were sent, or may be; they are waited for.

        Raises:
            UnverifiedError: It does not, also after some time; the fields are named, with what to do.
            ReconcilerError: It cannot be read.
        """
        pauses, last_pause = iter(self._policy.settle), self._policy.settle[-1:]
        live: Live | None = None
        while True:
            try:
                before, live = live, describe(self._api, workflow_id, live)
            except NotFoundException:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self._policy.sleep(pause)
                continue
            comparison = self._compared(live, wanted, facts)
            lost = bool(wanted.webhooks - live.webhooks)
            disowned = live.ownership != wanted.ownership
            as_sent = not comparison.changes and not lost and not disowned
            stable = before is not None and live.unchanged_since(before)
            pause = None
            if not as_sent or not shows(live):
                pause = next(pauses, None)
            if pause is None and not as_sent and not stable and last_pause:
                pause, last_pause = last_pause[0], ()
            if pause is None:
                if not as_sent and (lost or disowned or not stable or not self._may_be_kept(comparison)):
                    raise unsettled(comparison.changes, wanted, lost=lost, disowned=disowned)
                return Verified.of(live, comparison)
            self._policy.sleep(pause)

    def judged_again(self, live: Live, wanted: Wanted, facts: PlatformFacts) -> Verified:
        """Return a workflow that was verified, judged by what is known of the platform since."""
        return Verified.of(live, self._compared(live, wanted, facts))

    def _may_be_kept(self, comparison: Comparison) -> bool:
        """Whether tags may say that fields read back otherwise: all but the name, by which it is found."""
        return self._options.remember and all(change.path != _NAME for change in comparison.changes)

    def is_as_sent(self, live: Live, wanted: Wanted, facts: PlatformFacts) -> bool:
        """Return whether a workflow is as wanted now, and ours."""
        return live.ownership == wanted.ownership and not self._compared(live, wanted, facts).changes

    def _compared(self, live: Live, wanted: Wanted, facts: PlatformFacts) -> Comparison:
        return compare(live, wanted.desired, self._options, facts, just_written=True)


def replaced(changes: Sequence[FieldChange], wanted: Wanted) -> UnverifiedError:
    """Return the error of a workflow that another write replaced while it was verified.

    Args:
        changes: The fields that read back otherwise.
        wanted: What it must read back as.
    """
    lines = reads_back(changes, wanted.sensitive)
    return UnverifiedError(
        "it was written, and at the same time another run, or somebody at the platform, wrote it, too: "
        + "; ".join(lines or ["its tags are those of the other write"]),
        hint="The other write stays. Plan again.",
    )


def overwrote(changes: Sequence[FieldChange], wanted: Wanted) -> UnverifiedError:
    """Return the error of a workflow whose second write replaced another write.

    Args:
        changes: The fields that the other write had changed.
        wanted: What it reads back as now.
    """
    lines = reads_back(changes, wanted.sensitive)
    return UnverifiedError(
        "it is as it was sent now; but at the same time another run, or somebody at the platform, "
        "wrote it, too, and that was overwritten: " + "; ".join(lines),
        hint="If the other value is the right one, write it again; else nothing needs to be done.",
    )


def unsettled(
    changes: tuple[FieldChange, ...], wanted: Wanted, *, lost: bool = False, disowned: bool = False
) -> UnverifiedError:
    """Return the error of a workflow that was written and does not read back as wanted.

    Args:
        changes: The fields that read back otherwise.
        wanted: What it must read back as.
        lost: Whether a webhook URL is gone that must still be there.
        disowned: Whether its owner is another one.
    """
    lines = reads_back(changes, wanted.sensitive)
    if lost:
        lines.append(
            "the webhook has a new URL, although the old one should have been kept: update its callers"
        )
    if disowned:
        names = ", ".join(wanted.ownership.tag_names)
        lines.append(f"the ownership tags do not read back as sent ({names or 'none'})")
    return UnverifiedError("it was written, but " + "; ".join(lines), hint=_advice(changes, wanted.sensitive))


def _advice(changes: tuple[FieldChange, ...], sensitive: SecretFields) -> str:
    """Return what to do about fields that read back otherwise: first what holds, then what has a price."""
    hints = [
        f"The platform keeps another spelling: write name: {dump_compact(kept)}."
        for change in changes
        if change.path == _NAME and (kept := masked(change, sensitive).before) is not ABSENT
    ]
    paths = [dump_compact(display_path(change.path)) for change in changes if change.path != _NAME]
    if paths:
        hints.append(
            "If the platform sets these fields itself, write the values that it keeps; or ignore the fields, "
            "so that later changes of them in Git are not sent either: "
            f"reconcile: {{ignore: [{', '.join(paths[:_MOST_IGNORED])}]}}"
        )
    return " ".join(hints)
