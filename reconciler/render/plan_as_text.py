"""A plan as text: each workflow with its changes, reasons, warnings and notes, then the counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.plan import (
    Action,
    BlockedDelete,
    Create,
    Delete,
    Plan,
    Unchanged,
    Update,
    count_origins,
    live_id,
)
from reconciler.render.action_lines import about, changed_groups, redacted
from reconciler.render.actions import ACTIONS, WORDS, action_name, count_actions, summed
from reconciler.render.change_lines import lines_text
from reconciler.render.layout import hanging, titled
from reconciler.render.markup import paint
from reconciler.render.plan_as_json import shown_body
from reconciler.render.shared_changes import Manner, SharedChanges, manner_of, shared_changes
from reconciler.render.trees import step_lines
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import Listed

_ORPHANED: Final = (
    "owned by this repository, no manifest in Git any more; to delete it, pass --prune; to keep it, restore "
    "its manifest or run adopt NAME"
)
"""What a plan says of an orphan that it does not delete."""

_INDENT: Final = "      "
_LONG: Final = 20
"""The number of changed workflows above which a plan begins with the counts, too."""

_MOST_NAMED: Final = 40
"""The most workflows that share a change and are named."""

_NO_CHANGE: Final = ("unchanged", "blocked")


def plan_text(
    plan: Plan,
    redactor: Redactor,
    *,
    bodies: bool = False,
    grouped: bool = True,
    width: int | None = None,
) -> str:
    """Return `plan` as text, without any secret; unchanged workflows are only counted.

    Args:
        plan: The plan.
        redactor: Removes known secrets.
        bodies: Whether to show the body of each create and update, and each workflow by itself.
        grouped: Whether to show a change that many workflows share once.
        width: The columns of the terminal; `None` for lines of any length.
    """
    return "\n".join(_PlanText(redactor, bodies=bodies, width=width).lines(plan, grouped=grouped))


class _PlanText:
    """The lines of a plan.

    Args:
        redactor: Removes known secrets.
        bodies: Whether to show bodies.
        width: The columns of the terminal; `None` for lines of any length.
    """

    def __init__(self, redactor: Redactor, *, bodies: bool, width: int | None) -> None:
        self._redactor = redactor
        self._bodies = bodies
        self._width = width

    def lines(self, plan: Plan, *, grouped: bool) -> Iterator[str]:
        """Yield all lines; those of a long plan begin with the counts, too."""
        changing = [action for action in plan.actions if not isinstance(action, Unchanged)]
        shared = shared_changes(changing) if grouped and not self._bodies else SharedChanges()
        left_out = {id(update) for update in shared.updates}
        alone = [action for action in changing if id(action) not in left_out]
        if len(alone) > _LONG:
            yield from (*self._fitted(plan_summary(plan), "", "bold"), "")
        for action in alone:
            if shared.updates and not isinstance(action, Delete | BlockedDelete):
                yield from self._shared(shared)  # after the deletes, which come first
                shared = SharedChanges()
            yield from (*self._action(action), "")
        if shared.updates:
            yield from self._shared(shared)
        yield from self._rest(plan)

    def _rest(self, plan: Plan) -> Iterator[str]:
        for action in plan.actions:
            if isinstance(action, Unchanged):
                for note in action.notes:
                    yield from self._fitted(f"note: {action.name}: {self._redactor.prose(note)}", "")
        for item in plan.orphaned:
            yield from self._fitted(_orphaned(item), "")
        for item in plan.unmanaged:
            yield from self._fitted(_unmanaged(item), "")
        if plan.refusal:
            yield from self._marked("blocked: ", "red", plan.refusal, "")
        yield from self._fitted(plan_summary(plan), "", "bold")

    def _fitted(self, text: str, indent: str = _INDENT, colour: str = "") -> Iterator[str]:
        """Yield a text as lines that fit; those that follow the first are indented further."""
        for line in hanging(printable(text), self._width, first=indent, rest=f"{indent}  "):
            yield paint(line, colour) if colour else line

    def _marked(self, word: str, colour: str, prose: str, indent: str = _INDENT) -> Iterator[str]:
        """Yield a text of which only the first word is coloured."""
        first, *rest = self._fitted(word + self._redactor.prose(prose), indent)
        yield first.replace(word, paint(word, colour), 1)
        yield from rest

    def _action(self, action: Action) -> Iterator[str]:
        words = WORDS[action_name(action)]
        identity = live_id(action)
        subject = action.name + (f" (id {identity})" if identity is not None else "")
        origin = f"  ({action.origin.value})" if action.origin else ""
        head = f"{words.sign} {action_name(action):<7}  {printable(subject)}{origin}"
        where = printable(str(action.source)) if action.source else ""
        yield from titled(head, where, words.colour, self._width, _INDENT)
        for text in about(action, self._redactor):
            yield from self._fitted(text)
        for lines in changed_groups(action, self._redactor, bodies=self._bodies):
            yield from lines_text(lines, _INDENT, self._width)
        for warning in action.warnings:
            yield from self._marked("warning: ", "yellow", warning)
        for note in action.notes:
            yield from self._fitted(f"note: {self._redactor.prose(note)}")
        if self._bodies and isinstance(action, Create | Update):
            shown = json.dumps(shown_body(action, self._redactor), indent=2)
            yield from (_INDENT + line for line in shown.splitlines())

    def _shared(self, shared: SharedChanges) -> Iterator[str]:
        """Yield the changes that several workflows share, with the names of these."""
        words = WORDS["update"]
        head = f"{words.sign} update   {len(shared.updates)} workflows alike"
        yield from titled(head, "", words.colour, self._width, _INDENT)
        for (method, reason, notes), names in _manners(shared).items():
            listed_below = shared.changes and len(names) == len(shared.updates)
            these = "" if listed_below else f" ({_named_workflows(names)})"
            yield from self._fitted(f"by {method}: {self._redactor.prose(reason)}{these}")
            for note in notes:
                yield from self._fitted(f"note: {self._redactor.prose(note)}")
        alike = {update.name for update in shared.updates}
        for change, workflows in shared.changes:
            first, *rest = step_lines(redacted(change, self._redactor))
            those = [name for name in workflows if name in alike]
            others = [name for name in workflows if name not in alike]
            listed = f"{len(workflows)} workflows: {_some(those)}"
            listed += f"; with changes of their own, below: {_some(others)}" if others else ""
            listed += f"  ({change.origin.value})" if change.origin else ""
            yield from lines_text(
                [first._replace(text=f"{first.text} in {listed}"), *rest], _INDENT, self._width
            )
        yield ""


def _manners(shared: SharedChanges) -> dict[Manner, list[str]]:
    """Return the names of the updates by what is said of them besides their changes."""
    found: dict[Manner, list[str]] = {}
    for update in shared.updates:
        found.setdefault(manner_of(update), []).append(update.name)
    return found


def _named_workflows(names: Sequence[str]) -> str:
    return f"{len(names)} {'workflow' if len(names) == 1 else 'workflows'}: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    """Return the names, separated by commas; the last ones of many are counted."""
    more = f" and {len(names) - _MOST_NAMED} more; --no-group shows each" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _unmanaged(item: Listed) -> str:
    owners = sorted(item.ownership.owners) if item.ownership else []
    owned = f", owned by {', '.join(owners)}" if owners else ""
    return f"unmanaged: {item.name} (id {item.id}{owned}): no manifest in Git"


def _orphaned(item: Listed) -> str:
    return f"orphaned: {item.name} (id {item.id}): {_ORPHANED}"


def plan_summary(plan: Plan) -> str:
    """Return the number of workflows for each action, in one line."""
    counts = count_actions(plan)
    left = f" {len(plan.orphaned)} orphaned." if plan.orphaned else ""
    left += f" {plan.unselected} not selected." if plan.unselected else ""
    if not plan.actions and plan.unselected:
        return f"No changes. None of {plan.unselected} manifests is selected; check the spelling of the name."
    if not plan.changes_anything:
        return f"No changes. {_in_sync(counts['unchanged'], restores=plan.restores)}.{left}"
    return f"Plan: {_in_words(counts)}.{left}{_origins(plan)}"


def plans_total(plans: Iterable[Plan]) -> str:
    """Return the number of workflows of several plans for each action, in words."""
    return _in_words(summed(map(count_actions, plans))) or "no workflows"


def _in_words(counts: Mapping[str, int]) -> str:
    words = {name: name if name in _NO_CHANGE else f"to {name}" for name in ACTIONS}
    return ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts.get(name))


def _origins(plan: Plan) -> str:
    """Return how many differences come from where; empty where nothing is known."""
    counts = count_origins(plan)
    if plan.base:
        return f" Since {plan.base}: {_listed(counts)}."
    found = {name: number for name, number in counts.items() if number}
    more = ""
    if plan.unknown_origins:
        found["unknown"] = plan.unknown_origins
        more = " (plan --base REV shows more)"
    return f" Since the last apply: {_listed(found)}{more}." if found else ""


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _in_sync(number: int, *, restores: bool) -> str:
    if restores:
        return (
            "1 workflow is as in its backup" if number == 1 else f"{number} workflows are as in their backups"
        )
    return "1 workflow matches Git" if number == 1 else f"{number} workflows match Git"
