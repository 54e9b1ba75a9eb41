"""Reads a written workflow back and says, field by field, what did not become what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.api import TenantReader
from reconciler.apply.report import UnsettledError
from reconciler.plan import DefaultResource, LiveWorkflow, Tenancy
from reconciler.plan.comparing import Comparison, compare, needs_default_resource
from reconciler.plan.ignoring import Pattern
from reconciler.plan.masking import masked
from reconciler.plan.tenant import describe
from reconciler.retrying import Timing
from reconciler.secrecy import SecretFields
from reconciler.text import clip, printable
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Path,
    as_object,
    display_path,
    dump_compact,
)
from reconciler.workflow.diff import FieldChange
from reconciler.workflow.ownership import Ownership

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a workflow is to read back as.

    Args:
        name: Its name.
        desired: Its body.
        ignored: The fields that are left to others.
        marks: Whose it is to be.
        webhooks: The UUIDs of webhook URLs that must still be there.
        sensitive: Which fields are secrets.
    """

    name: str
    desired: JsonObject = field(repr=False)
    marks: Ownership
    ignored: tuple[Pattern, ...] = ()
    webhooks: frozenset[str] = frozenset()
    sensitive: SecretFields = field(default_factory=SecretFields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A workflow that reads back as it was sent.

    Args:
        live: The workflow.
        untold: The fields that were sent and are not told, with what was sent.
    """

    live: LiveWorkflow
    untold: tuple[tuple[Path, JsonValue], ...] = field(repr=False)


class ReadBack:
    """Reads workflows back after they were written.

    Args:
        api: The tenant.
        default_resource: Asked only where a step's resources differ.
        timing: How long to wait until a write shows.
    """

    def __init__(self, api: TenantReader, default_resource: DefaultResource, timing: Timing) -> None:
        self._api = api
        self._default_resource = default_resource
        self._timing = timing

    def settled(self, workflow_id: int, wanted: Wanted, tenancy: Tenancy) -> Settled:
        """Return the workflow once it reads back as wanted; a platform may need a moment to show a write.

        Raises:
            UnsettledError: It does not, also after some time; the fields are named, with what to do.
            ReconcilerError: It cannot be read.
        """
        pauses = iter(self._timing.settle)
        while True:
            live = describe(self._api, workflow_id)
            comparison = self._compared(live, wanted, tenancy)
            lost = wanted.webhooks - live.webhooks
            unmarked = live.marks != wanted.marks
            if not comparison.changes and not lost and not unmarked:
                return Settled(live=live, untold=comparison.untold)
            pause = next(pauses, None)
            if pause is None:
                raise _unsettled(comparison.changes, wanted, lost=bool(lost), unmarked=unmarked)
            self._timing.sleep(pause)

    def is_as_sent(self, live: LiveWorkflow, wanted: Wanted, tenancy: Tenancy) -> bool:
        """Return whether a workflow is as wanted now."""
        return live.marks == wanted.marks and not self._compared(live, wanted, tenancy).changes

    def _compared(self, live: LiveWorkflow, wanted: Wanted, tenancy: Tenancy) -> Comparison:
        needed = needs_default_resource(live.body, wanted.desired)
        return compare(
            live=live.body,
            desired=wanted.desired,
            name=wanted.name,
            tenancy=tenancy,
            default_resource=self._default_resource() if needed else {},
            ignored=wanted.ignored,
            just_written=True,
        )


def _unsettled(
    changes: tuple[FieldChange, ...], wanted: Wanted, *, lost: bool, unmarked: bool
) -> UnsettledError:
    shown = [masked(change, wanted.sensitive) for change in changes[:_SHOWN]]
    lines = [
        f"{display_path(change.path)} reads back as {_words(change.before)}, not {_words(change.after)}"
        for change in shown
    ]
    if len(changes) > _SHOWN:
        lines.append(f"and {len(changes) - _SHOWN} more fields")
    if lost:
        lines.append("the webhook has a new URL, although it was to be kept: tell whoever calls the old one")
    if unmarked:
        names = ", ".join(str(as_object(tag)["name"]) for tag in wanted.marks.tags())
        lines.append(f"the tags that say whose it is do not read back as sent ({names or 'none'})")
    paths = ", ".join(dump_compact(display_path(change.path)) for change in shown)
    hint = (
        f"If the platform sets these itself, leave them to it: reconcile: {{ignore: [{paths}]}}"
        if shown
        else ""
    )
    return UnsettledError("it was written, but " + "; ".join(lines), hint=hint)


def _words(value: JsonValue | Absent) -> str:
    return "nothing" if value is ABSENT else clip(printable(dump_compact(value)), 80)
