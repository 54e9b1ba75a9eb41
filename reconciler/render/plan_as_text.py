"""A plan as text: each workflow with its changes, reasons, warnings and notes, then the counts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.plan import (
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    Plan,
    SetPaused,
    Unchanged,
    Update,
    count_origins,
    live_id,
)
from reconciler.render.actions import ACTIONS, WORDS, action_name, count_actions, summed
from reconciler.render.change_lines import Line, change_lines
from reconciler.render.markup import paint
from reconciler.render.new_workflow import new_workflow_lines
from reconciler.render.plan_as_json import changes_of, shown_body
from reconciler.secrecy import Redactor, redact
from reconciler.text import clip, printable
from reconciler.values import ABSENT
from reconciler.workflow import FieldChange, Listed

_ORPHANED: Final = "owned by this repository, no manifest in Git any more; to delete it, pass --prune"
"""What a plan says of an orphan that it does not delete."""

_INDENT: Final = "      "
_NO_CHANGE: Final = ("unchanged", "blocked")


def plan_text(plan: Plan, redactor: Redactor, *, bodies: bool = False) -> str:
    """Return `plan` as text, without any secret; unchanged workflows are only counted.

    With `bodies`, it shows the body of each create and update.
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
    lines += [_orphaned(item) for item in plan.orphaned]
    lines += [_unmanaged(item) for item in plan.unmanaged]
    if plan.refusal:
        lines += [paint("blocked: ", "red") + printable(redactor.prose(plan.refusal))]
    return "\n".join([*lines, plan_summary(plan)])


def _unmanaged(item: Listed) -> str:
    owners = sorted(item.ownership.owners) if item.ownership else []
    owned = f", owned by {', '.join(owners)}" if owners else ""
    return printable(f"unmanaged: {item.name} (id {item.id}{owned}): no manifest in Git")


def _orphaned(item: Listed) -> str:
    return printable(f"orphaned: {item.name} (id {item.id}): {_ORPHANED}")


def plan_summary(plan: Plan) -> str:
    """Return the number of workflows for each action, in one line."""
    counts = count_actions(plan)
    left = f" {len(plan.orphaned)} orphaned." if plan.orphaned else ""
    left += f" {plan.unselected} not selected." if plan.unselected else ""
    if not plan.actions and plan.unselected:
        return f"No changes. None of {plan.unselected} manifests is selected; check the spelling of the name."
    if not plan.changes_anything:
        return f"No changes. {_counted(counts['unchanged'])} Git.{left}"
    return f"Plan: {_in_words(counts)}.{left}{_origins(plan)}"


def plans_total(plans: Iterable[Plan]) -> str:
    """Return the number of workflows of several plans for each action, in words."""
    return _in_words(summed(map(count_actions, plans))) or "no workflows"


def _in_words(counts: Mapping[str, int]) -> str:
    words = {name: name if name in _NO_CHANGE else f"to {name}" for name in ACTIONS}
    return ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts.get(name))


def _origins(plan: Plan) -> str:
    """Return how many differences come from where; empty where they are not attributed."""
    if not plan.base:
        return ""
    words = [f"{number} {name}" for name, number in count_origins(plan).items()]
    return f" Since {plan.base}: {', '.join(words)}."


def _counted(number: int) -> str:
    return "1 workflow matches" if number == 1 else f"{number} workflows match"


def _action(action: Action, redactor: Redactor, *, bodies: bool) -> Iterator[str]:
    name = action_name(action)
    identity = live_id(action)
    subject = action.name + (f" (id {identity})" if identity is not None else "")
    origin = f"  ({action.origin.value})" if action.origin else ""
    head = f"{WORDS[name].sign} {name:<7}  {printable(subject)}{origin}"
    where = paint(printable(str(action.source)), "dim") if action.source else ""
    yield ("  " + paint(head, WORDS[name].colour) + "  " + where).rstrip()
    for text in _details(action, redactor, bodies=bodies):
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


def _details(action: Action, redactor: Redactor, *, bodies: bool) -> Iterator[str]:
    yield from about(action, redactor)
    for head, *rest in changed_groups(action, redactor, bodies=bodies):
        yield head.text
        yield from (f"  {line.sign} {line.text}" for line in rest)


def changed_groups(action: Action, redactor: Redactor, *, bodies: bool) -> list[list[Line]]:
    """Return the lines of each field that an action changes.

    Of a create those are the fields that decide safety; none with `bodies`, which show all of them.
    """
    if isinstance(action, Create) and bodies:
        return []
    changes = [redacted(change, redactor) for change in changes_of(action)]
    return new_workflow_lines(changes) if isinstance(action, Create) else list(map(_marked_lines, changes))


def _marked_lines(change: FieldChange) -> list[Line]:
    """Return the lines of a change; the first one ends with its origin, where that is known."""
    head, *rest = change_lines(change)
    return [head._replace(text=f"{head.text}  ({change.origin.value})") if change.origin else head, *rest]


def redacted(change: FieldChange, redactor: Redactor) -> FieldChange:
    """Return a masked change without the known secrets of the run."""
    before, after = (
        ABSENT if value is ABSENT else redact(value, redactor, change.path)
        for value in (change.before, change.after)
    )
    names_before, names_after = (
        {path: redactor.text(name) for path, name in names.items()}
        for names in (change.names_before, change.names_after)
    )
    return dataclasses.replace(
        change, before=before, after=after, names_before=names_before, names_after=names_after
    )


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
