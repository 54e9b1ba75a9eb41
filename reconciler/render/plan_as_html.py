"""A plan as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.plan import Action, Create, Plan, Refusal, Unchanged, Update, live_id
from reconciler.render.actions import ACTIONS, action_name, count_actions
from reconciler.render.html_report import Change, Count, Entry, html_report
from reconciler.render.plan_as_text import about, changed_groups, plan_summary
from reconciler.render.step_graph_as_svg import graph_svg, marks_of
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import StepGraph

_ORDER: Final = ("delete", "blocked")
"""The actions that are read first."""


def plan_html(plan: Plan, redactor: Redactor, environment: str | None = None) -> str:
    """Return `plan` as a page, without any secret: deletes and blocked workflows first.

    Args:
        plan: The plan.
        redactor: Removes known secrets.
        environment: The name of the environment to show at the top.
    """
    numbers = count_actions(plan)
    counts = [Count(name, numbers[name]) for name in ACTIONS]
    counts.append(Count("orphaned", len(plan.orphaned)))
    facts = [f"Environment: {environment}"] if environment else []
    facts += [f"Blocked: {redactor.prose(plan.refusal)}"] if plan.refusal else []
    actions = sorted(plan.actions, key=_importance)
    orphans = (
        Entry(
            name=printable(item.name),
            word="orphaned",
            facts=(f"id {item.id}",),
            remarks=("owned by this repository, no manifest in Git any more; to delete it, pass --prune",),
        )
        for item in plan.orphaned
    )
    entries = [*(_entry(action, redactor) for action in actions), *orphans]
    return html_report("Plan", plan_summary(plan), counts, entries, facts)


def _importance(action: Action) -> int:
    name = action_name(action)
    if name in _ORDER:
        return _ORDER.index(name)
    return len(_ORDER) + isinstance(action, Unchanged)


def _entry(action: Action, redactor: Redactor) -> Entry:
    identity = live_id(action)
    facts = [f"id {identity}"] if identity is not None else []
    facts += [printable(str(action.source))] if action.source else []
    facts += [action.origin.value] if action.origin else []
    remarks = [printable(text) for text in about(action, redactor)]
    remarks += [f"warning: {printable(redactor.prose(text))}" for text in action.warnings]
    remarks += [f"note: {printable(redactor.prose(text))}" for text in action.notes]
    return Entry(
        name=printable(action.name),
        word=action_name(action),
        facts=tuple(facts),
        remarks=tuple(remarks),
        changes=() if isinstance(action, Refusal) else tuple(_changes(action, redactor)),
        drawings=tuple(_drawings(action)),
    )


def _changes(action: Action, redactor: Redactor) -> Iterator[Change]:
    for lines in changed_groups(action, redactor, bodies=False):
        yield Change.of_lines(lines)


def _drawings(action: Action) -> Iterator[tuple[str, str]]:
    """Yield the step graph of a new workflow, and those before and after an update of its steps."""
    if isinstance(action, Create):
        after = StepGraph.of(action.desired.body)
        yield "Steps", graph_svg(after, {}, f"Steps of {action.name}")
    if not isinstance(action, Update):
        return
    changed = {
        str(change.path[1]) for change in action.changes if change.path[0] == "steps" and change.path[1:]
    }
    if not changed:
        return
    before, after = StepGraph.of(action.live.body), StepGraph.of(action.desired.body)
    marks = marks_of(before, after, changed)
    if before.parents != after.parents:
        yield "Steps before", graph_svg(before, marks, f"Steps of {action.name} before")
    yield "Steps after", graph_svg(after, marks, f"Steps of {action.name} after")
