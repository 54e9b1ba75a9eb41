"""Lines of an action, whatever the format: how and why it is done, and what it changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime

from reconciler.plan import (
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    ScheduleChange,
    SetPaused,
    Unchanged,
    Update,
)
from reconciler.render.change_lines import Line
from reconciler.render.plan_as_json import changes_of
from reconciler.render.times import clock_time
from reconciler.render.trees import new_workflow_lines, step_lines
from reconciler.secrecy import Redactor, redact
from reconciler.text import clip
from reconciler.values import ABSENT
from reconciler.workflow import FieldChange


def changed_groups(action: Action, redactor: Redactor, *, bodies: bool) -> list[list[Line]]:
    """Return the lines of each field that an action changes.

    Of a create, and of a step that comes or goes, those are the fields that decide safety. Of a create there
    are none with `bodies`, which show all of them.
    """
    if isinstance(action, Create) and bodies:
        return []
    changes = [redacted(change, redactor) for change in changes_of(action)]
    return new_workflow_lines(changes) if isinstance(action, Create) else list(map(_marked_lines, changes))


def _marked_lines(change: FieldChange) -> list[Line]:
    """Return the lines of a masked change; the first one ends with its origin, where that is known."""
    head, *rest = step_lines(change)
    return [head._replace(text=f"{head.text}  ({change.origin.value})") if change.origin else head, *rest]


def redacted(change: FieldChange, redactor: Redactor) -> FieldChange:
    """Return a masked change without the known secrets of the run."""
    before, after = (
        ABSENT if value is ABSENT else redact(value, redactor, change.path)
        for value in (change.before, change.after)
    )
    shown = change.with_sides(before, after, sensitive=change.sensitive)
    if not change.names_before and not change.names_after:
        return shown
    names_before, names_after = (
        {path: redactor.text(name) for path, name in names.items()}
        for names in (change.names_before, change.names_after)
    )
    return dataclasses.replace(shown, names_before=names_before, names_after=names_after)


def about(action: Action, redactor: Redactor) -> Iterator[str]:
    """Yield the method and the reason of an action, in lines not yet printable."""
    match action:
        case Create():
            steps = list(action.desired.unpacked().body.steps)
            word = "step" if len(steps) == 1 else "steps"
            yield f"{len(steps)} {word}: {clip(', '.join(steps), 200)}"
            if action.pause:
                yield "paused"
        case Update():
            yield f"by {action.method.value}: {redactor.prose(action.reason)}"
        case Blocked() | BlockedDelete():
            yield redactor.prose(action.reason)
        case Delete():
            yield "no manifest in Git any more"
        case SetPaused() | Unchanged():
            pass
    if action.next_run is not None:
        yield next_run_text(action.next_run)


def next_run_text(run: ScheduleChange) -> str:
    """Return the next run before and after a change: `next run: Sat 28 Nov 2026 06:00 → 05:00 UTC`."""
    zone = f"{run.zone}{' (assumed)' if run.assumed else ''}"
    zoned = f" {zone}"
    after = "none (paused)" if run.paused else _moment(run.after, run)
    ends = run.after is not None and not run.paused
    if run.first:
        return f"first run: {after}{zoned if ends else ''}"
    before = _moment(run.before, run)
    if ends:
        return f"next run: {before} → {after}{zoned}"
    return f"next run: {before}{zoned if run.before else ''} → {after}"


def _moment(moment: datetime | None, run: ScheduleChange) -> str:
    return "none" if moment is None else clock_time(moment.astimezone(run.zone))
