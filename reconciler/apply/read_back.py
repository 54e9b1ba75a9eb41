"""Comparison of a workflow, as it reads back after a write, with what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field

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
)
from reconciler.secrecy import SecretFields
from reconciler.text import clip, printable
from reconciler.values import ABSENT, Absent, JsonValue, Path, display_path, dump_compact
from reconciler.workflow import FieldChange, Live, Ownership

_SHOWN = 10


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
    """A workflow that reads back as it was sent.

    Args:
        live: The workflow.
        write_only: The fields that were sent and are not returned, with what was sent.
    """

    live: Live
    write_only: tuple[tuple[Path, JsonValue], ...] = field(repr=False)


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

    def verified(self, workflow_id: int, wanted: Wanted, facts: PlatformFacts) -> Verified:
        """Return the workflow once it reads back as wanted; a platform may need a moment to show a write.

        Raises:
            UnsettledError: It does not, also after some time; the fields are named, with what to do.
            ReconcilerError: It cannot be read.
        """
        pauses = iter(self._policy.settle)
        while True:
            try:
                return self._verified_now(workflow_id, wanted, facts)
            except (NotFoundException, UnverifiedError):
                pause = next(pauses, None)
                if pause is None:
                    raise
                self._policy.sleep(pause)

    def _verified_now(self, workflow_id: int, wanted: Wanted, facts: PlatformFacts) -> Verified:
        live = describe(self._api, workflow_id)
        comparison = self._compared(live, wanted, facts)
        lost = wanted.webhooks - live.webhooks
        disowned = live.ownership != wanted.ownership
        if comparison.changes or lost or disowned:
            raise _unsettled(comparison.changes, wanted, lost=bool(lost), disowned=disowned)
        return Verified(live=live, write_only=comparison.write_only)

    def is_as_sent(self, live: Live, wanted: Wanted, facts: PlatformFacts) -> bool:
        """Return whether a workflow is as wanted now, and ours."""
        return live.ownership == wanted.ownership and not self._compared(live, wanted, facts).changes

    def _compared(self, live: Live, wanted: Wanted, facts: PlatformFacts) -> Comparison:
        return compare(live, wanted.desired, self._options, facts, just_written=True)


def _unsettled(
    changes: tuple[FieldChange, ...], wanted: Wanted, *, lost: bool, disowned: bool
) -> UnverifiedError:
    shown = [masked(change, wanted.sensitive) for change in changes[:_SHOWN]]
    lines = [
        f"{display_path(change.path)} reads back as {_words(change.before)}, not {_words(change.after)}"
        for change in shown
    ]
    if len(changes) > _SHOWN:
        lines.append(f"and {len(changes) - _SHOWN} more fields")
    if lost:
        lines.append(
            "the webhook has a new URL, although the old one should have been kept: update its callers"
        )
    if disowned:
        names = ", ".join(wanted.ownership.tag_names)
        lines.append(f"the ownership tags do not read back as sent ({names or 'none'})")
    paths = ", ".join(dump_compact(display_path(change.path)) for change in shown)
    hint = (
        f"If the platform sets these fields itself, ignore them: reconcile: {{ignore: [{paths}]}}"
        if shown
        else ""
    )
    return UnverifiedError("it was written, but " + "; ".join(lines), hint=hint)


def _words(value: JsonValue | Absent) -> str:
    return "nothing" if value is ABSENT else clip(printable(dump_compact(value)), 80)
