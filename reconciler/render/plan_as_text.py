"""A plan as text: each workflow with its changes, reasons, warnings and notes, then the counts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Final

from reconciler.plan import (
    HIDDEN,
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    Plan,
    SetPaused,
    Unchanged,
    Update,
    live_id,
)
from reconciler.render.actions import ACTIONS, action_name, count_actions
from reconciler.render.plan_as_json import shown_body
from reconciler.render.styling import paint
from reconciler.secrecy import Redactor, redact
from reconciler.text import clip, printable
from reconciler.values import ABSENT, Absent, JsonValue, display_path, dump_compact
from reconciler.workflow import FieldChange, Listed

_SIGNS: Final = {
    "delete": ("-", "red"),
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "rename": ("~", "yellow"),
    "pause": ("=", "cyan"),
    "resume": ("=", "cyan"),
    "blocked": ("!", "red"),
}
_INDENT: Final = "      "
_LONGEST_VALUE: Final = 120
_CONTEXT: Final = 40
_NO_CHANGE: Final = ("unchanged", "blocked")


def plan_text(plan: Plan, redactor: Redactor, *, bodies: bool = False) -> str:
    """Return `plan` as text, without any secret; unchanged workflows are only counted.

    Args:
        plan: The plan.
        redactor: Removes known secrets.
        bodies: Whether to show the body of each create and update.
    """
    lines: list[str] = []
    notes: list[str] = []
    for action in plan.actions:
        if not isinstance(action, Unchanged):
            lines += [*_action(action, redactor, bodies=bodies), ""]
        else:
            notes += [
                _line(f"note: {action.name}: {redactor.prose(note)}", indent="") for note in action.notes
            ]
    lines += notes
    lines += [_unmanaged(item) for item in plan.unmanaged]
    if plan.refusal:
        lines += [paint("blocked: ", "red") + printable(redactor.prose(plan.refusal))]
    return "\n".join([*lines, plan_summary(plan)])


def _unmanaged(item: Listed) -> str:
    owners = sorted(item.ownership.owners) if item.ownership else []
    owned = f", owned by {', '.join(owners)}" if owners else ""
    return printable(f"unmanaged: {item.name} (id {item.id}{owned}): no manifest in Git")


def plan_summary(plan: Plan) -> str:
    """Return the number of workflows for each action, in one line."""
    counts = count_actions(plan)
    words = [
        f"{counts[name]} {name if name in _NO_CHANGE else f'to {name}'}" for name in ACTIONS if counts[name]
    ]
    left = f" {plan.unselected} not selected." if plan.unselected else ""
    if not plan.actions and plan.unselected:
        return f"No changes. None of {plan.unselected} manifests is selected; check the spelling of the name."
    if not plan.changes_anything:
        return f"No changes. {_counted(len(plan.actions))} Git.{left}"
    return f"Plan: {', '.join(words)}.{left}"


def _counted(number: int) -> str:
    return "1 workflow matches" if number == 1 else f"{number} workflows match"


def _action(action: Action, redactor: Redactor, *, bodies: bool) -> Iterator[str]:
    name = action_name(action)
    sign, colour = _SIGNS[name]
    identity = live_id(action)
    subject = action.name + (f" (id {identity})" if identity is not None else "")
    head = f"{sign} {name:<7}  {printable(subject)}"
    where = paint(printable(str(action.source)), "dim") if action.source else ""
    yield ("  " + paint(head, colour) + "  " + where).rstrip()
    for text in _details(action, redactor):
        yield _line(text)
    for warning in action.warnings:
        yield _INDENT + paint("warning: ", "yellow") + printable(redactor.prose(warning))
    for note in action.notes:
        yield _line(f"note: {redactor.prose(note)}")
    if bodies and isinstance(action, Create | Update):
        shown = json.dumps(shown_body(action, redactor), indent=2)
        yield from (_INDENT + line for line in shown.splitlines())


def _line(text: str, *, indent: str = _INDENT) -> str:
    return indent + printable(text)


def _details(action: Action, redactor: Redactor) -> Iterator[str]:
    yield from about(action, redactor)
    if isinstance(action, Update | SetPaused):
        yield from (change_text(redacted(change, redactor)) for change in action.changes)


def redacted(change: FieldChange, redactor: Redactor) -> FieldChange:
    """Return a masked change without the known secrets of the run."""
    before, after = (
        ABSENT if value is ABSENT else redact(value, redactor, change.path)
        for value in (change.before, change.after)
    )
    return dataclasses.replace(change, before=before, after=after)


def about(action: Action, redactor: Redactor) -> Iterator[str]:
    """Yield the method and the reason of an action, in lines not yet printable."""
    match action:
        case Create():
            steps = list(action.desired.body.steps)
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


def change_text(change: FieldChange) -> str:
    """Return the change of a field in one line, not yet printable."""
    path = display_path(change.path)
    if change.sensitive:
        return f"{path}: {_verb(change)} (sensitive)"
    if change.before is ABSENT:
        return f"{path}: added {_value(change.after)}"
    if change.after is ABSENT:
        was = "a write-only field" if change.before == HIDDEN else f"was {_value(change.before)}"
        return f"{path}: removed ({was})"
    if isinstance(change.before, list) and isinstance(change.after, list):
        return f"{path}: {_list_change(change.before, change.after)}"
    if isinstance(change.before, str) and isinstance(change.after, str):
        return f"{path}: {_text_change(change.before, change.after)}"
    return f"{path}: {_value(change.before)} -> {_value(change.after)}"


def _text_change(before: str, after: str) -> str:
    """Return both texts, long ones from shortly before the first difference."""
    pairs = zip(before, after, strict=False)
    parts = (place for place, (old, new) in enumerate(pairs) if old != new)
    shared = next(parts, min(len(before), len(after)))
    cut = max(0, shared - _CONTEXT) if max(len(before), len(after)) > _LONGEST_VALUE else 0
    lead = "…" if cut else ""
    return f"{lead}{_value(before[cut:])} -> {lead}{_value(after[cut:])}"


def _verb(change: FieldChange) -> str:
    if change.before is ABSENT:
        return "added"
    return "removed" if change.after is ABSENT else "changed"


def _list_change(before: list[JsonValue], after: list[JsonValue]) -> str:
    old, new = {dump_compact(item) for item in before}, {dump_compact(item) for item in after}
    parts = [
        f"{word} {clip(', '.join(sorted(items)), _LONGEST_VALUE)}"
        for word, items in (("removed", old - new), ("added", new - old))
        if items
    ]
    return ", ".join(parts) or f"{_value(before)} -> {_value(after)}"


def _value(value: JsonValue | Absent) -> str:
    if value is ABSENT:
        return "nothing"
    return HIDDEN if value == HIDDEN else clip(dump_compact(value), _LONGEST_VALUE)
