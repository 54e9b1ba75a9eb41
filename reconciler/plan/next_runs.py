"""Next runs of a plan: what starts each workflow by the clock, before and after its change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from typing import Final

from reconciler.plan.model import Action, Create, Plan, ScheduleChange, SetPaused, Update, live_id
from reconciler.schedules import (
    Basis,
    KnownRules,
    Observation,
    ScheduledWorkflow,
    Triggers,
    learn_rules,
)
from reconciler.timestamps import parse_timestamp
from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow import Listed, Live, schedules

_SECOND: Final = timedelta(seconds=1)


def known_rules(
    live: Iterable[Live], listed: Iterable[Listed], now: datetime, zone: tzinfo | None = None
) -> KnownRules:
    """Return how the platform reads schedules, as what it says is scheduled shows.

    Args:
        live: Live workflows.
        listed: Others, as the list shows them.
        now: When they were read.
        zone: The time zone, where a user has given it.
    """
    bodies = [
        *(item.body.raw for item in live if not item.paused),
        *(item.health for item in listed if not is_paused(item)),
    ]
    return learn_rules((found for body in bodies for found in _observations(body)), now, zone)


def _observations(body: JsonObject) -> Iterator[Observation]:
    for trigger in map(as_object, as_list(body.get("triggers"))):
        cron, scheduled = trigger.get("cron"), trigger.get("scheduled")
        if isinstance(cron, str) and isinstance(scheduled, str):
            with suppress(ValueError, OverflowError):
                yield Observation(cron, parse_timestamp(scheduled))


def with_next_runs(plan: Plan, now: datetime) -> Plan:
    """Return a plan whose new and changed schedules have their next run.

    Args:
        plan: The plan.
        now: The moment after which runs are looked for.
    """
    live = {identity: found for action in plan.actions if (found := _live(action)) and (identity := found.id)}
    changed = {
        action.name: workflow
        for action in plan.actions
        if isinstance(action, Create | Update | SetPaused)
        and (workflow := scheduled_workflow(action, live)).changed
        and (workflow.after.crons or (workflow.before and workflow.before.crons))
    }
    if not changed:
        return plan
    known = known_rules(live.values(), (*plan.orphaned, *plan.unmanaged), now)
    actions = tuple(
        dataclasses.replace(action, next_run=_next_run(changed[action.name], known, now))
        if action.name in changed and isinstance(action, Create | Update | SetPaused)
        else action
        for action in plan.actions
    )
    return dataclasses.replace(plan, actions=actions)


def _next_run(workflow: ScheduledWorkflow, known: KnownRules, now: datetime) -> ScheduleChange:
    before, after = workflow.before, workflow.after
    return ScheduleChange(
        before=before.next_run(now, known.rules) if before else None,
        after=after.next_run(now, known.rules),
        first=before is None or not before.crons,
        paused=after.paused,
        zone=known.rules.zone,
        assumed=known.zone is Basis.ASSUMED,
    )


def _live(action: Action) -> Live | None:
    found = getattr(action, "live", None)
    return found if isinstance(found, Live) else None


def scheduled_workflow(action: Action, live: Mapping[int, Live]) -> ScheduledWorkflow:
    """Return the workflow of an action, with its triggers as they are and as the action leaves them.

    Args:
        action: The action.
        live: The live workflows, by id.
    """
    identity = live_id(action)
    found = live.get(identity) if identity is not None else None
    former = found.body.raw if found else {}
    body, paused = former, found.paused if found else False
    match action:
        case Create():
            body, paused = action.desired.body.raw, action.pause
        case Update():
            body, paused = action.desired.body.raw, paused if action.paused is None else action.paused
        case SetPaused():
            paused = action.paused
        case _:
            pass
    return ScheduledWorkflow(
        name=action.name,
        before=triggers_of(former, paused=found.paused) if found else None,
        after=triggers_of(body, paused=paused),
        changed=found is None or _differ(former, body, switched=found.paused != paused),
        concurrent=allows_concurrency(body),
    )


def _differ(former: JsonObject, body: JsonObject, *, switched: bool) -> bool:
    """Return whether a body has other schedules, or the same ones, which are paused or resumed."""
    after = schedules(body)
    return schedules(former) != after or (switched and bool(after))


def triggers_of(body: JsonObject, *, paused: bool) -> Triggers:
    """Return what starts a workflow by the clock, from its body or its entry in the list."""
    crons = (as_object(trigger).get("cron") for trigger in as_list(body.get("triggers")))
    texts = dict.fromkeys(cron for cron in crons if isinstance(cron, str) and cron)
    return Triggers(crons=tuple(texts), paused=paused)


def allows_concurrency(body: JsonObject) -> bool:
    """Return whether a workflow may run several times at once."""
    return as_object(body.get("metadata")).get("allowConcurrentExecution") is True


def is_paused(item: Listed) -> bool:
    """Return whether the list shows a workflow as paused."""
    return item.health.get("status") == "Paused"
