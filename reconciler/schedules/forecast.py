"""Forecast: what runs when, what overlaps, how much runs in each hour, and what a clock change does. Pure."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice, pairwise
from typing import Final

from reconciler.schedules.cron import cron_error
from reconciler.schedules.learning import KnownRules
from reconciler.schedules.runs import (
    END,
    ClockChange,
    SchedulerRules,
    clock_changes,
    next_run,
    runs_between,
)

_SECOND: Final = timedelta(seconds=1)
_YEAR: Final = timedelta(days=366)
_TIMES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """What starts a workflow by the clock.

    Args:
        crons: Its cron expressions.
        paused: Whether it is paused, so that nothing starts.
    """

    crons: tuple[str, ...] = ()
    paused: bool = False

    @property
    def readable(self) -> tuple[str, ...]:
        """The expressions that can be reckoned with."""
        return tuple(cron for cron in self.crons if not cron_error(cron))

    def runs(self, start: datetime, end: datetime, rules: SchedulerRules) -> Iterator[datetime]:
        """Yield the starts from `start` until before `end`, in order; none while it is paused."""
        if not self.paused:
            yield from heapq.merge(*(runs_between(cron, start, end, rules) for cron in self.readable))

    def next_run(self, after: datetime, rules: SchedulerRules) -> datetime | None:
        """Return the first start after a moment; `None` for none, or while it is paused."""
        crons = () if self.paused else self.readable
        return min(filter(None, (next_run(cron, after, rules) for cron in crons)), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledWorkflow:
    """A workflow with its triggers before and after a change.

    Args:
        name: Its name.
        before: What starts it now; `None` where it does not exist yet, or nothing is known of it.
        after: What starts it once the manifests are applied.
        changed: Whether the two differ.
        duration: The 90th percentile of the duration of its last executions, in seconds; `None` if unknown.
        sampled: The number of executions that the duration is from.
        concurrent: Whether it may run several times at once.
        orphaned: Whether it has no manifest any more.
        unmanaged: Whether it is neither in Git nor owned.
    """

    name: str
    before: Triggers | None = None
    after: Triggers
    changed: bool = False
    duration: float | None = None
    sampled: int = 0
    concurrent: bool = False
    orphaned: bool = False
    unmanaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRuns:
    """The runs of one schedule of a workflow.

    Args:
        cron: The cron expression.
        error: Why it cannot be read; empty if it can.
        coming: Its next starts, also after the forecast.
        runs: Its starts within the forecast.
    """

    cron: str
    error: str = ""
    coming: tuple[datetime, ...] = ()
    runs: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Starts of a workflow while an earlier execution of it may still run.

    Args:
        shortest: The shortest time between two starts, in seconds.
        count: The number of starts that are closer to the one before than an execution lasts.
        first: The first of them.
    """

    shortest: float
    count: int
    first: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowForecast:
    """The forecast of one workflow.

    Args:
        workflow: The workflow.
        schedules: The runs of each of its schedules.
        next_before: Its next start as things are.
        next_after: Its next start once the manifests are applied.
        runs_before: The number of its starts within the forecast, as things are.
        overlap: How it overlaps with itself; `None` if it does not, or its duration is unknown.
        overlap_before: The same as things are, where the manifests change its schedules.
    """

    workflow: ScheduledWorkflow
    schedules: tuple[ScheduleRuns, ...]
    next_before: datetime | None
    next_after: datetime | None
    runs_before: int
    overlap: Overlap | None
    overlap_before: Overlap | None = None

    @property
    def count(self) -> int:
        """The number of its starts within the forecast."""
        return sum(len(schedule.runs) for schedule in self.schedules)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourLoad:
    """What happens in one hour of the platform's clock.

    Args:
        hour: When it begins.
        starts: The number of starts.
        starts_before: The same, as things are.
        running: The most executions that are estimated to run at once.
    """

    hour: datetime
    starts: int
    starts_before: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEffect:
    """What a clock change does to one schedule.

    Args:
        change: The change.
        name: The name of the workflow.
        cron: The cron expression.
        times: The first times, as the clock shows them, that it skips or shows twice.
        count: The number of all of them.
    """

    change: ClockChange
    name: str
    cron: str
    times: tuple[datetime, ...]
    count: int

    @property
    def twice(self) -> bool:
        """Whether the schedule starts twice at these times, rather than never."""
        return self.change.after < self.change.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What runs within a time, and what is special about it.

    Args:
        start: The first moment.
        end: The moment after the last one.
        known: How the platform reads the schedules.
        workflows: The workflows with a schedule, by name.
        hours: The hours in which something starts.
        changes: The changes of the clock in the year after `start`.
        effects: What those do.
    """

    start: datetime
    end: datetime
    known: KnownRules
    workflows: tuple[WorkflowForecast, ...]
    hours: tuple[HourLoad, ...] = ()
    changes: tuple[ClockChange, ...] = ()
    effects: tuple[ClockEffect, ...] = field(default=())

    @property
    def changed(self) -> tuple[WorkflowForecast, ...]:
        """The workflows whose schedules the manifests change."""
        return tuple(item for item in self.workflows if item.workflow.changed)


class TooManyRunsError(ValueError):
    """A forecast of more runs than can be shown."""


def make_forecast(  # noqa: PLR0913 - the last two by name
    workflows: Iterable[ScheduledWorkflow],
    start: datetime,
    end: datetime,
    known: KnownRules,
    *,
    coming: int = 1,
    most: int = 500_000,
) -> Forecast:
    """Return the forecast of workflows.

    Args:
        workflows: The workflows; those without any schedule are left out.
        start: The first moment.
        end: The moment after the last one.
        known: How the platform reads the schedules.
        coming: The number of next starts of each schedule.
        most: The number of runs that is too many.

    Raises:
        TooManyRunsError: There are more than that.
    """
    rules, left = known.rules, most
    found: list[WorkflowForecast] = []
    before: list[datetime] = []
    for workflow in sorted(workflows, key=lambda item: item.name):
        if not workflow.after.crons and not (workflow.before and workflow.before.crons):
            continue
        schedules = tuple(
            _schedule(workflow.after, cron, start, end, rules, coming, left) for cron in workflow.after.crons
        )
        left -= sum(len(schedule.runs) for schedule in schedules)
        earlier = workflow.before if workflow.changed else None
        runs_before = list(islice(earlier.runs(start, end, rules), left + 1)) if earlier else []
        left -= len(runs_before)
        if left < 0:
            raise TooManyRunsError
        if not workflow.changed:
            runs_before = [run for schedule in schedules for run in schedule.runs]
        before += runs_before
        next_after = workflow.after.next_run(start - _SECOND, rules)
        found.append(
            WorkflowForecast(
                workflow=workflow,
                schedules=schedules,
                next_before=earlier.next_run(start - _SECOND, rules) if earlier else None,
                next_after=next_after,
                runs_before=len(runs_before),
                overlap=_overlap(
                    workflow.duration,
                    workflow.after,
                    [run for one in schedules for run in one.runs],
                    end,
                    rules,
                ),
                overlap_before=_overlap(workflow.duration, earlier, runs_before, end, rules)
                if earlier
                else None,
            )
        )
    changes = tuple(clock_changes(rules.zone, start, start + _YEAR))
    return Forecast(
        start=start,
        end=end,
        known=known,
        workflows=tuple(found),
        hours=_hours(found, before, end - start, rules),
        changes=changes,
        effects=tuple(_effects(found, changes, rules)),
    )


def percentile_90(durations: Sequence[float]) -> float | None:
    """Return the duration that nine of ten do not exceed; `None` without any."""
    return sorted(durations)[math.ceil(len(durations) * 0.9) - 1] if durations else None


def _schedule(  # noqa: PLR0913, PLR0917 - what runs, when, and how many at most
    triggers: Triggers,
    cron: str,
    start: datetime,
    end: datetime,
    rules: SchedulerRules,
    coming: int,
    most: int,
) -> ScheduleRuns:
    error = cron_error(cron)
    if error or triggers.paused:
        return ScheduleRuns(cron=cron, error=error)
    runs = tuple(islice(runs_between(cron, start, end, rules), most + 1))
    more = runs_between(cron, end, END, rules)
    return ScheduleRuns(cron=cron, coming=tuple(islice(chain(runs, more), coming)), runs=runs)


def _overlap(
    duration: float | None,
    triggers: Triggers,
    runs: Iterable[datetime],
    end: datetime,
    rules: SchedulerRules,
) -> Overlap | None:
    """Return how a workflow overlaps with itself, until the first start after the forecast."""
    if duration is None:
        return None
    later = triggers.next_run(end - _SECOND, rules)
    starts = [*sorted(runs), *([later] if later else [])]
    close = [(after - before, after) for before, after in pairwise(starts)]
    close = [(gap, at) for gap, at in close if gap.total_seconds() < duration]
    if not close:
        return None
    return Overlap(shortest=min(close)[0].total_seconds(), count=len(close), first=close[0][1])


def _hours(
    found: Iterable[WorkflowForecast], before: Iterable[datetime], lasts: timedelta, rules: SchedulerRules
) -> tuple[HourLoad, ...]:
    starts: Counter[datetime] = Counter()
    events: list[tuple[datetime, int]] = []
    for item in found:
        ends = timedelta(seconds=min(item.workflow.duration or 0, lasts.total_seconds()))
        for schedule in item.schedules:
            for run in schedule.runs:
                starts[_hour(run, rules)] += 1
                events += [(run, 1), (run + ends, -1)] if ends else []
    earlier = Counter(_hour(run, rules) for run in before)
    running = _most_at_once(events, rules)
    return tuple(
        HourLoad(hour=hour, starts=starts[hour], starts_before=earlier[hour], running=running[hour])
        for hour in sorted({*starts, *earlier})
    )


def _hour(moment: datetime, rules: SchedulerRules) -> datetime:
    """Return the beginning of an hour, by the platform's clock."""
    shown = moment.astimezone(rules.zone)
    return moment - timedelta(minutes=shown.minute, seconds=shown.second)


def _most_at_once(events: list[tuple[datetime, int]], rules: SchedulerRules) -> Counter[datetime]:
    """Return the most executions at once in each hour in which one starts.

    Args:
        events: When an execution starts (1) or ends (-1).
        rules: The clock that the hours are by.
    """
    most: Counter[datetime] = Counter()
    running = 0
    for moment, change in sorted(events):  # an end comes before a start at the same moment
        running += change
        hour = _hour(moment, rules)
        most[hour] = max(most[hour], running)
    return most


def _effects(
    found: Iterable[WorkflowForecast], changes: Iterable[ClockChange], rules: SchedulerRules
) -> Iterator[ClockEffect]:
    """Yield what a change of the clock does to schedules that do not run through it hour by hour."""
    for change in changes:
        shown = [change.at.replace(tzinfo=None) + offset for offset in (change.before, change.after)]
        low, high = sorted(shown)
        for item in found:
            for schedule in item.schedules:
                if schedule.error or item.workflow.after.paused:
                    continue
                cron = rules.read(schedule.cron)
                times = list(cron.times(low, high))
                beside = (
                    next(cron.times(*span), None)
                    for span in ((low - (high - low), low), (high, high + (high - low)))
                )
                if times and not all(beside):
                    yield ClockEffect(
                        change=change,
                        name=item.workflow.name,
                        cron=schedule.cron,
                        times=tuple(times[:_TIMES_SHOWN]),
                        count=len(times),
                    )
