"""A plan as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from reconciler.plan import Action, Create, Plan, Refusal, Unchanged, Update, live_id
from reconciler.render.action_lines import about, changed_groups
from reconciler.render.actions import ACTIONS, action_name, count_actions
from reconciler.render.html_report import Change, Count, ReportEntry, html_report
from reconciler.render.plan_as_text import plan_summary
from reconciler.render.step_graph_as_svg import graph_svg, marks_of
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import StepGraph

_ORDER: Final = ("delete", "blocked")
"""The actions that are read first."""


class EnvironmentPlan(NamedTuple):
    """A plan, the environment that it is for (`None` for no name), and what removes its secrets."""

    environment: str | None
    plan: Plan
    redactor: Redactor


def plan_html(plan: Plan, redactor: Redactor, environment: str | None = None) -> str:
    """Return `plan` as a page, without any secret: deletes and blocked workflows first.

    Args:
        plan: The plan.
        redactor: Removes known secrets.
        environment: The name of the environment to show at the top.
    """
    facts = [f"Environment: {environment}"] if environment else []
    entries = _entries(plan, redactor, ())
    return _page([plan], plan_summary(plan), entries, [*facts, *_refusal(plan, redactor)])


def plans_html(plans: Sequence[EnvironmentPlan], summary: str) -> str:
    """Return the plans of several environments as one page; takes the line to show at the top."""
    entries = [
        entry
        for environment, plan, redactor in plans
        for entry in _entries(plan, redactor, (environment,) if environment else ())
    ]
    facts = [
        f"{environment}: {text}"
        for environment, plan, redactor in plans
        for text in (plan_summary(plan), *_refusal(plan, redactor))
    ]
    return _page([item.plan for item in plans], summary, entries, facts)


def _page(plans: Sequence[Plan], summary: str, entries: Iterable[ReportEntry], facts: Iterable[str]) -> str:
    numbers = [count_actions(plan) for plan in plans]
    counts = [Count(name, sum(number[name] for number in numbers)) for name in ACTIONS]
    counts.append(Count("orphaned", sum(len(plan.orphaned) for plan in plans)))
    return html_report("Plan", summary, counts, entries, facts)


def _refusal(plan: Plan, redactor: Redactor) -> list[str]:
    return [f"Blocked: {redactor.prose(plan.refusal)}"] if plan.refusal else []


def _entries(plan: Plan, redactor: Redactor, facts: tuple[str, ...]) -> Iterator[ReportEntry]:
    for action in sorted(plan.actions, key=_importance):
        yield _entry(action, redactor, facts)
    for item in plan.orphaned:
        yield ReportEntry(
            name=printable(item.name),
            word="orphaned",
            facts=(*facts, f"id {item.id}"),
            remarks=("owned by this repository, no manifest in Git any more; to delete it, pass --prune",),
        )


def _importance(action: Action) -> int:
    name = action_name(action)
    if name in _ORDER:
        return _ORDER.index(name)
    return len(_ORDER) + isinstance(action, Unchanged)


def _entry(action: Action, redactor: Redactor, first_facts: tuple[str, ...]) -> ReportEntry:
    identity = live_id(action)
    facts = [*map(printable, first_facts)]
    facts += [f"id {identity}"] if identity is not None else []
    facts += [printable(str(action.source))] if action.source else []
    facts += [action.origin.value] if action.origin else []
    remarks = [printable(text) for text in about(action, redactor)]
    remarks += [f"warning: {printable(redactor.prose(text))}" for text in action.warnings]
    remarks += [f"note: {printable(redactor.prose(text))}" for text in action.notes]
    return ReportEntry(
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
