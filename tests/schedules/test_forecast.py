"""The forecast as a pure value: durations, bounds, and schedules that cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from reconciler.schedules import (
    KnownRules,
    ScheduledWorkflow,
    TooManyRunsError,
    Triggers,
    make_forecast,
    percentile_90,
)

_START = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
_DAY = timedelta(days=1)


def _workflow(
    name: str, *crons: str, duration: float | None = None, paused: bool = False
) -> ScheduledWorkflow:
    return ScheduledWorkflow(name=name, after=Triggers(crons=crons, paused=paused), duration=duration)


def test_percentile_90() -> None:
    """Nine of ten durations are no longer; of few, the longest."""
    assert percentile_90([float(number) for number in range(1, 21)]) == 18.0
    assert percentile_90([3.0, 1.0]) == 3.0
    assert percentile_90([]) is None


def test_two_schedules_of_one_workflow_overlap() -> None:
    """Starts are merged over the schedules, and the one after the forecast counts."""
    two = _workflow("two", "0 13 * * *", "10 13 * * *", duration=601.0)
    (found,) = make_forecast([two], _START, _START + _DAY, KnownRules()).workflows
    assert found.overlap is not None
    assert (found.overlap.count, found.overlap.shortest) == (1, 600.0)
    last = _workflow("last", "55 11 * * *", "5 12 * * *", duration=900.0)
    (found,) = make_forecast([last], _START, _START + _DAY, KnownRules()).workflows
    assert found.overlap is not None
    assert found.overlap.first == _START + _DAY + timedelta(minutes=5)
    enough = _workflow("two", "0 13 * * *", "10 13 * * *", duration=600.0)
    assert make_forecast([enough], _START, _START + _DAY, KnownRules()).workflows[0].overlap is None


def test_the_load_counts_what_still_runs() -> None:
    """An execution counts in each hour that another one starts in while it runs."""
    workflows = [
        _workflow("long", "0 13 * * *", duration=7200.0),
        _workflow("short", "30 * * * *", duration=60.0),
    ]
    hours = make_forecast(workflows, _START, _START + timedelta(hours=4), KnownRules()).hours
    assert [(load.hour.hour, load.starts, load.running) for load in hours] == [
        (12, 1, 1),
        (13, 2, 2),
        (14, 1, 2),
        (15, 1, 1),
    ]


def test_a_duration_beyond_all_dates() -> None:
    """A duration that a platform makes up is survived: it counts to the end of the forecast."""
    endless = _workflow("endless", "0 13,15 * * *", duration=1e12)
    forecast = make_forecast([endless], _START, _START + timedelta(hours=6), KnownRules())
    assert [load.running for load in forecast.hours] == [1, 2]
    assert forecast.workflows[0].overlap is not None


def test_what_has_no_runs() -> None:
    """A paused workflow has none; nor has a schedule that cannot be read, which says why."""
    workflows = [_workflow("off", "0 13 * * *", paused=True), _workflow("odd", "0 25 * * *"), _workflow("no")]
    odd, off = make_forecast(workflows, _START, _START + _DAY, KnownRules()).workflows
    assert (off.count, off.next_after) == (0, None)
    assert odd.schedules[0].error.startswith("invalid hour '25'")
    assert (odd.count, odd.next_after) == (0, None)


def test_too_many_runs() -> None:
    """A forecast is bounded, whatever the schedules of a tenant are."""
    with pytest.raises(TooManyRunsError):
        make_forecast([_workflow("often", "* * * * * ?")], _START, _START + _DAY, KnownRules(), most=1000)
