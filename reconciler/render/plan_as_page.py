"""A plan as a report: deletes first, then conflicts and what is blocked, then the rest by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Final

from reconciler.plan import (
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    Plan,
    Refusal,
    SetPaused,
    Unchanged,
    Update,
    count_origins,
    live_id,
)
from reconciler.render.action_lines import about, changed_groups
from reconciler.render.actions import action_name, count_actions
from reconciler.render.plan_as_json import changed_steps, shown_body
from reconciler.render.plan_as_text import plan_summary
from reconciler.render.report_page import (
    Count,
    EntriesInTurn,
    Fact,
    Remark,
    ReportEntry,
    ReportPage,
    StepChange,
)
from reconciler.secrecy import Redactor
from reconciler.workflow import Listed, Origin, StepGraph

_ORPHANED: Final = "orphaned: owned by this repository, no manifest in Git any more"
_SIDES: Final = Fact("Changes", "live now → what apply writes")
"""Which side of a change is which."""

_REST: Final = "The job's log has the whole plan, and `plan` with the same paths and options shows it."


def plan_page(
    plan: Plan, redactor: Redactor, *, environment: str | None = None, bodies: bool = False
) -> ReportPage:
    """Return `plan` as a report, without any secret.

    Args:
        plan: The plan.
        redactor: Removes known secrets.
        environment: The name of the environment to show at the top.
        bodies: Whether to show the body of each create and update.
    """
    return ReportPage(
        kind="plan",
        title="Plan",
        summary=plan_summary(plan),
        facts=(
            *environment_fact(environment),
            *([Fact("Blocked", redactor.prose(plan.refusal), stands_out=True)] if plan.refusal else []),
            *([_SIDES] if any(isinstance(action, Update | SetPaused) for action in plan.actions) else []),
        ),
        counts=plan_counts(plan),
        origins=tuple(Count(*item) for item in count_origins(plan).items()),
        entries=EntriesInTurn(make=partial(_entries, plan, redactor, bodies=bodies), words=_words(plan)),
        rest=_REST,
    )


def environment_fact(environment: str | None) -> tuple[Fact, ...]:
    """Return the fact that a report is about this environment; none without a name."""
    return (Fact("Environment", environment),) if environment else ()


def plan_counts(plan: Plan) -> tuple[Count, ...]:
    """Return the number of workflows of a plan by what is done with them, or their state."""
    lists = {"orphaned": len(plan.orphaned), "unmanaged": len(plan.unmanaged)}
    return tuple(Count(*item) for item in {**count_actions(plan), **lists}.items())


def _words(plan: Plan) -> frozenset[str]:
    """Return the words and marks of the entries of a plan."""
    lists = {"orphaned": plan.orphaned, "unmanaged": plan.unmanaged}
    return frozenset(word for word, items in lists.items() if items).union(*map(action_words, plan.actions))


def action_words(action: Action) -> tuple[str, ...]:
    """Return the word and the marks of the entry of an action."""
    return action_name(action), *(origin.value for origin in _origins(action))


def _entries(plan: Plan, redactor: Redactor, *, bodies: bool) -> Iterator[ReportEntry]:
    in_order = sorted(plan.actions, key=_importance)
    for action in in_order:
        if not isinstance(action, Unchanged):
            yield action_entry(action, redactor, bodies=bodies)
    for item in plan.orphaned:
        yield ReportEntry(
            name=item.name,
            word="orphaned",
            id=item.id,
            remarks=(
                Remark("", "to delete it, pass --prune; to keep it, restore its manifest or run adopt NAME"),
            ),
            list_under=_ORPHANED,
        )
    for item in plan.unmanaged:
        yield _unmanaged(item)
    for action in in_order:
        if isinstance(action, Unchanged):
            yield action_entry(action, redactor)


def _importance(action: Action) -> tuple[int, bool]:
    if isinstance(action, Delete):
        return 0, False
    if _is_conflict(action):
        return 1, False
    if isinstance(action, Refusal):
        return 2, False
    return (4, not action.notes) if isinstance(action, Unchanged) else (3, False)


def _is_conflict(action: Action) -> bool:
    return Origin.CONFLICT in _origins(action)


def _origins(action: Action) -> list[Origin]:
    """Return where the differences of an action come from, in the order of their kinds."""
    found = {action.origin}
    if isinstance(action, Update | SetPaused):
        found |= {change.origin for change in action.changes}
    return [origin for origin in Origin if origin in found]


def _unmanaged(item: Listed) -> ReportEntry:
    owners = ", ".join(sorted(item.ownership.owners)) if item.ownership else ""
    return ReportEntry(
        name=item.name,
        word="unmanaged",
        id=item.id,
        remarks=(Remark("", f"owned by {owners}"),) if owners else (),
        list_under="unmanaged",
    )


def action_entry(action: Action, redactor: Redactor, *, bodies: bool = False) -> ReportEntry:
    """Return the entry of an action, without any secret; with `bodies`, with the body that it sends."""
    refused = isinstance(action, Refusal)
    word, *marks = action_words(action)
    remarks = [Remark("Reason", action.reason)] if isinstance(action, Blocked | BlockedDelete) else []
    remarks += [Remark("Warning", text) for text in action.warnings]
    remarks += [Remark("Note", text) for text in action.notes]
    groups = [] if refused else changed_groups(action, redactor, bodies=bodies)
    return ReportEntry(
        name=action.name,
        word=word,
        id=live_id(action),
        place=str(action.source) if action.source else "",
        marks=tuple(marks),
        about=() if refused or isinstance(action, Delete) else tuple(about(action, redactor)),
        remarks=tuple(remark._replace(text=redactor.prose(remark.text)) for remark in remarks),
        changes=tuple(map(tuple, groups)),
        body=_body_lines(action, redactor) if bodies and isinstance(action, Create | Update) else (),
        steps=_steps(action),
        is_first=refused or isinstance(action, Delete) or _is_conflict(action),
        list_under="unchanged" if isinstance(action, Unchanged) else "",
    )


def _body_lines(action: Create | Update, redactor: Redactor) -> tuple[str, ...]:
    return tuple(json.dumps(shown_body(action, redactor), indent=2).splitlines())


def _steps(action: Action) -> StepChange | None:
    """Return the steps of a new workflow, and those before and after an update that changes some."""
    if isinstance(action, Create):
        return StepChange(after=StepGraph.of(action.desired.unpacked().body))
    if not isinstance(action, Update):
        return None
    changed = changed_steps(action.changes)
    if not changed:
        return None
    before, after = StepGraph.of(action.live.body), StepGraph.of(action.desired.body)
    return StepChange(before=before, after=after, changed=changed)
