"""Forecast of the executions that schedules start, and of what manifests change. Sends nothing but GET."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial

from reconciler.client import NotFoundException, Workflow
from reconciler.concurrency import read_all
from reconciler.errors import UsageError
from reconciler.executions import ExecutionFilter, read_executions
from reconciler.manifests import Manifest
from reconciler.operations.engine import Engine, load_valid, open_engine
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import (
    Plan,
    Scope,
    Selection,
    Snapshot,
    allows_concurrency,
    is_paused,
    known_rules,
    live_id,
    make_plan,
    scheduled_workflow,
    triggers_of,
)
from reconciler.schedules import (
    Forecast,
    ScheduledWorkflow,
    TooManyRunsError,
    learn_rules,
    make_forecast,
    percentile_90,
)
from reconciler.secrecy import Redactor
from reconciler.timestamps import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOptions:
    """What to forecast.

    Args:
        until: The end; `None` for `lasts` from now.
        lasts: The time from now.
        selection: The workflows to include; all by default.
        zone: The time zone of the platform's clock; `None` to learn it.
        coming: The number of next starts of each schedule.
        sampled: The number of executions that a workflow's duration is taken from; 0 reads none.
        offline: Whether to forecast the manifests alone, without asking the tenant.
        show_unmanaged: Whether to include live workflows that are neither in Git nor owned.
    """

    until: datetime | None = None
    lasts: timedelta = timedelta(hours=24)
    selection: Selection = field(default_factory=Selection)
    zone: tzinfo | None = None
    coming: int = 3
    sampled: int = 20
    offline: bool = False
    show_unmanaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastResult:
    """A forecast.

    Args:
        forecast: The forecast.
        offline: Whether it is of the manifests alone.
        without: The number of workflows without a schedule.
        redactor: Removes known secrets from text about it.
    """

    forecast: Forecast
    offline: bool
    without: int
    redactor: Redactor


def forecast(
    settings: Settings,
    options: ForecastOptions | None = None,
    listener: Listener | None = None,
    *,
    now: datetime | None = None,
    env: Mapping[str, str] = os.environ,
) -> ForecastResult:
    """Return when schedules start what, as the manifests describe it, and as it is now where that differs.

    Args:
        settings: The manifests and the tenant.
        options: What to forecast; the next 24 hours of all workflows by default.
        listener: Receives findings and requests.
        now: The start of the forecast; the current time by default.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: It ends before it begins, or there is too much of it.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: Something cannot be read.
    """
    options, listener = options or ForecastOptions(), listener or Listener()
    now = (now or utc_now()).replace(microsecond=0)
    until = options.until or now + options.lasts
    if until <= now:
        raise UsageError("the forecast ends before it begins", hint="Choose a later time for --until.")
    settings.require_environment()
    settings.require_manifests()
    if options.offline:
        loaded = load_valid(settings, env, listener, options.selection, looks=True)
        workflows = list(_of_manifests(loaded.manifests, options.selection))
        known = learn_rules((), now, options.zone)
        redactor = Redactor.of(loaded.secrets)
    else:
        scope = Scope(
            selection=options.selection, whole=settings.whole, show_unmanaged=options.show_unmanaged
        )
        with open_engine(
            settings, env, purpose="forecast", selection=options.selection, listener=listener, looks=True
        ) as engine:
            snapshot = engine.snapshot(scope)
            plan = make_plan(snapshot, engine.options, scope)
            known = known_rules(snapshot.live.values(), snapshot.unmanaged, now, options.zone)
            workflows = _with_durations(list(_of_plan(plan, snapshot)), plan, engine, options.sampled)
            redactor = engine.redactor
    try:
        made = make_forecast(workflows, now, until, known, coming=options.coming)
    except TooManyRunsError:
        raise UsageError(
            "the forecast has too many runs", hint="Choose an earlier end, or fewer workflows with --target."
        ) from None
    return ForecastResult(
        forecast=made,
        offline=options.offline,
        without=len(workflows) - len(made.workflows),
        redactor=redactor,
    )


def _of_manifests(manifests: Iterable[Manifest], selection: Selection) -> Iterator[ScheduledWorkflow]:
    manifests = tuple(manifests)
    resolved = selection.resolved(frozenset(manifest.name for manifest in manifests))
    for manifest in manifests:
        if resolved.takes(manifest.name):
            yield ScheduledWorkflow(
                name=manifest.name,
                after=triggers_of(manifest.body, paused=manifest.settings.paused is True),
                concurrent=allows_concurrency(manifest.body),
            )


def _of_plan(plan: Plan, snapshot: Snapshot) -> Iterator[ScheduledWorkflow]:
    for action in plan.actions:
        yield scheduled_workflow(action, snapshot.live)
    for item in (*plan.orphaned, *plan.unmanaged):
        body = snapshot.live[item.id].body.raw if item.id in snapshot.live else item.health
        triggers = triggers_of(body, paused=is_paused(item))
        yield ScheduledWorkflow(
            name=item.name,
            before=triggers,
            after=triggers,
            concurrent=allows_concurrency(body),
            orphaned=item in plan.orphaned,
            unmanaged=item in plan.unmanaged,
        )


def _with_durations(
    workflows: list[ScheduledWorkflow], plan: Plan, engine: Engine, sampled: int
) -> list[ScheduledWorkflow]:
    """Return the workflows with how long their last executions took; one request for each with a schedule."""
    ids = {action.name: identity for action in plan.actions if (identity := live_id(action)) is not None}
    ids |= {item.name: item.id for item in (*plan.orphaned, *plan.unmanaged)}
    wanted = [ids[item.name] for item in workflows if item.after.crons and item.name in ids]
    if not sampled:
        return workflows
    api = Workflow(engine.session.as_read_only())
    found = read_all(
        partial(_durations, api, sampled),
        wanted,
        engine.settings.concurrency,
        partial(engine.on_progress, "reading executions"),
    )
    return [
        replace(item, duration=percentile_90(took), sampled=len(took))
        for item in workflows
        for took in [found.get(ids.get(item.name, 0), ())]
    ]


def _durations(api: Workflow, sampled: int, workflow_id: int) -> tuple[float, ...]:
    """Return the seconds that the last executions took which have ended; none of a workflow that is gone."""
    with suppress(NotFoundException):
        found = read_executions(api, workflow_id, ExecutionFilter(count=sampled))
        return tuple(item.seconds for item in found if item.seconds is not None and item.seconds >= 0)
    return ()
