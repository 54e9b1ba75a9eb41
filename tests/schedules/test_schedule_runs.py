"""Runs of a schedule: exactly the moments at which the clock of a zone shows a time of the expression."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import DEPTH, LAWS

from reconciler.emulator.firing import shows
from reconciler.schedules import Cron, SchedulerRules, clock_changes, cron_error, next_run, runs_between

_UTC = timezone.utc
_LONDON = ZoneInfo("Europe/London")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=_UTC)


_NEXT = [
    # five fields: 0 and 7 are Sunday, 1 is Monday
    ("0 6 * * *", "2026-11-27 05:59:59", "2026-11-27 06:00:00"),
    ("0 6 * * *", "2026-11-27 06:00:00", "2026-11-28 06:00:00"),
    ("0 6 * * 1", "2026-11-27 06:00:00", "2026-11-30 06:00:00"),
    ("0 6 * * 0", "2026-11-27 06:00:00", "2026-11-29 06:00:00"),
    ("0 6 * * 7", "2026-11-27 06:00:00", "2026-11-29 06:00:00"),
    ("0 6 * * 5-7", "2026-11-28 06:00:00", "2026-11-29 06:00:00"),
    ("0 6 * * FRI-MON", "2026-11-30 06:00:00", "2026-12-04 06:00:00"),
    ("0 6 * * 5-5", "2026-11-27 06:00:00", "2026-12-04 06:00:00"),
    ("0 6 * * 5L", "2026-11-27 06:00:00", "2026-12-25 06:00:00"),
    ("0 6 1 * MON", "2026-11-30 06:00:00", "2026-12-01 06:00:00"),
    ("0 6 */2 * MON", "2026-11-30 06:00:00", "2026-12-07 06:00:00"),
    ("0 22-2/3 * * *", "2026-11-27 22:00:00", "2026-11-28 01:00:00"),
    ("*/7 * * * *", "2026-11-27 05:56:00", "2026-11-27 06:00:00"),
    ("0 0 29 2 *", "2026-11-27 05:59:59", "2028-02-29 00:00:00"),
    ("0 0 31 * *", "2026-11-27 05:59:59", "2026-12-31 00:00:00"),
    # six and seven: 1 is Sunday, 2 is Monday
    ("0 0 6 ? * 2", "2026-11-27 06:00:00", "2026-11-30 06:00:00"),
    ("0 0 6 ? * 1", "2026-11-27 06:00:00", "2026-11-29 06:00:00"),
    ("0 0 6 ? * 7", "2026-11-27 06:00:00", "2026-11-28 06:00:00"),
    ("0 0 6 ? * L", "2026-11-27 06:00:00", "2026-11-28 06:00:00"),
    ("0 0 6 ? * 6L", "2026-11-27 06:00:00", "2026-12-25 06:00:00"),
    ("0 0 6 ? * 6#3", "2026-11-27 06:00:00", "2026-12-18 06:00:00"),
    ("0 0 6 ? * 6#5,2", "2026-11-27 06:00:00", "2026-11-30 06:00:00"),
    ("30 0/15 6 * * ?", "2026-11-27 06:00:30", "2026-11-27 06:15:30"),
    ("0 0 6 L * ?", "2026-11-27 06:00:00", "2026-11-30 06:00:00"),
    ("0 0 6 L-3 * ?", "2026-11-27 06:00:00", "2026-12-28 06:00:00"),
    ("0 0 6 LW * ?", "2027-01-01 00:00:00", "2027-01-29 06:00:00"),
    ("0 0 6 1W * ?", "2027-04-30 00:00:00", "2027-05-03 06:00:00"),
    ("0 0 6 15W * ?", "2027-05-01 00:00:00", "2027-05-14 06:00:00"),
    ("0 0 6 31W 2,4,5 ?", "2027-01-01 00:00:00", "2027-05-31 06:00:00"),
    ("0 0 6 1 1 ? 2030/3", "2026-11-27 06:00:00", "2030-01-01 06:00:00"),
]


@pytest.mark.parametrize(("expression", "after", "expected"), _NEXT)
def test_next_run(expression: str, after: str, expected: str) -> None:
    """The first start after a moment, of each form and each special character."""
    assert next_run(expression, _at(after)) == _at(expected)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 0 1 1 ? 2020", "0 0 0 31 4,6 ?"])
def test_no_next_run(expression: str) -> None:
    """A schedule that never starts again has no next run, in any zone."""
    assert next_run(expression, _at("2026-11-27")) is None
    assert next_run(expression, _at("2026-11-27"), SchedulerRules(zone=_LONDON)) is None


def test_an_invalid_expression_says_why() -> None:
    """The reason is that of the check of manifests."""
    with pytest.raises(ValueError, match="invalid hour '25'"):
        next_run("0 25 * * *", _at("2026-11-27"))


@pytest.mark.parametrize(
    ("expression", "crontab_sunday", "quartz_sunday", "weekday"),
    [
        ("0 6 * * 1", 0, 1, "Mon"),
        ("0 6 * * 1", 1, 1, "Sun"),
        ("0 6 * * MON", 1, 1, "Mon"),
        ("0 6 * * 0", 1, 1, "Sat"),
        ("0 0 6 ? * 1", 0, 1, "Sun"),
        ("0 0 6 ? * 1", 0, 0, "Mon"),
        ("0 0 6 ? * 7", 0, 0, "Sun"),
        ("0 0 6 ? * 2#1", 0, 0, "Tue"),
    ],
)
def test_the_number_of_sunday(expression: str, crontab_sunday: int, quartz_sunday: int, weekday: str) -> None:
    """A platform may count weekdays otherwise than the form does; names mean the same everywhere."""
    rules = SchedulerRules(crontab_sunday=crontab_sunday, quartz_sunday=quartz_sunday)
    found = next_run(expression, _at("2026-11-27"), rules)
    assert found is not None
    assert f"{found:%a}" == weekday


def test_a_clock_that_changes() -> None:
    """What the clock skips starts nothing, what it shows twice starts twice, the rest keeps its time."""
    rules = SchedulerRules(zone=_LONDON)
    spring = list(runs_between("30 * * * *", _at("2027-03-28"), _at("2027-03-28 03:00"), rules))
    assert [f"{run.astimezone(_LONDON):%H:%M}" for run in spring] == ["00:30", "02:30", "03:30"]
    autumn = list(runs_between("30 * * * *", _at("2027-10-30 23:00"), _at("2027-10-31 02:00"), rules))
    assert [f"{run.astimezone(_LONDON):%H:%M}" for run in autumn] == ["00:30", "01:30", "01:30"]
    assert len(list(runs_between("30 1 * * *", _at("2027-01-01"), _at("2028-01-01"), rules))) == 365
    skipped = runs_between("30 1 28 3 *", _at("2027-01-01"), _at("2028-01-01"), rules)
    assert not list(skipped)


def test_clock_changes_of_a_zone() -> None:
    """Each change with its moment and both offsets; none of a clock that never changes."""
    found = list(clock_changes(_LONDON, _at("2027-01-01"), _at("2028-01-01")))
    assert [change.at for change in found] == [_at("2027-03-28 01:00"), _at("2027-10-31 01:00")]
    assert [(change.before, change.after) for change in found] == [
        (timedelta(), timedelta(hours=1)),
        (timedelta(hours=1), timedelta()),
    ]
    assert not list(clock_changes(_UTC, _at("2027-01-01"), _at("2028-01-01")))


# --- laws


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    span = st.one_of(number, st.tuples(number, number).map("-".join))
    steps = st.integers(1, max(high // 2, 1)).map(str)
    part = st.one_of(span, st.just("*"), st.tuples(st.one_of(span, st.just("*")), steps).map("/".join))
    return st.lists(part, min_size=1, max_size=3).map(",".join)


_SPECIAL_DAYS = st.sampled_from(["L", "LW", "L-1", "L-30", "1W", "15W", "30W", "31W"])
_NAMES = st.sampled_from(["MON", "fri-mon", "SUN-TUE", "Sat/1"])


def _weekday(low: int) -> st.SearchStrategy[str]:
    number = st.integers(low, 7).map(str)
    special = st.one_of(
        number.map("{}L".format),
        st.tuples(number, st.integers(1, 5).map(str)).map("#".join),
        st.just("L"),
        st.just("FRIL"),
        st.just("tue#2"),
        _NAMES,
    )
    return st.one_of(st.just("?"), _field(low, 7), st.lists(special, min_size=1, max_size=2).map(",".join))


def _month_day() -> st.SearchStrategy[str]:
    special = st.lists(_SPECIAL_DAYS, min_size=1, max_size=2).map(",".join)
    return st.one_of(st.just("?"), st.just("*"), _field(1, 31), special)


_MONTH = st.one_of(st.just("*"), _field(1, 12), st.sampled_from(["JAN-MAR", "nov-feb", "dec"]))
_CRONTAB = st.tuples(_field(0, 59), _field(0, 23), _month_day(), _MONTH, _weekday(0)).map(" ".join)
_QUARTZ = st.one_of(
    st.tuples(_field(0, 59), _field(0, 59), _field(0, 23), _month_day(), _MONTH, _weekday(1)).map(" ".join),
    st.tuples(
        st.just("0"),
        _field(0, 59),
        _field(0, 23),
        _month_day(),
        _MONTH,
        _weekday(1),
        st.sampled_from(["*", "2026-2028", "2027/2", "2027"]),
    ).map(" ".join),
)
_ZONES = st.sampled_from(
    ["UTC", "Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata", "Pacific/Apia"]
)


@settings(LAWS, max_examples=20 * DEPTH)
@given(
    expression=st.one_of(_CRONTAB, _QUARTZ),
    day=st.dates(date(2026, 1, 1), date(2029, 1, 1)),
    sunday=st.sampled_from([None, 0, 1]),
)
def test_days_are_those_of_a_naive_reading(expression: str, day: date, sunday: int | None) -> None:
    """Over four months the days are exactly those of which each field says yes."""
    assert cron_error(expression) == ""
    cron = Cron.parse(expression, sunday)
    days = [day + timedelta(days=number) for number in range(120)]
    at = time(cron.hours[0], cron.minutes[0], cron.seconds[0])
    expected = [one for one in days if shows(expression, datetime.combine(one, at), sunday)]
    assert list(cron.days(days[0], days[-1])) == expected


@settings(LAWS, max_examples=5 * DEPTH)
@given(
    expression=st.one_of(_CRONTAB, _QUARTZ),
    zone=_ZONES,
    start=st.one_of(
        st.sampled_from([_at("2027-03-27 23:50"), _at("2027-10-31 00:40"), _at("2026-04-04 14:50")]),
        st.integers(0, 63_000_000).map(lambda second: _at("2026-01-01") + timedelta(seconds=second)),
    ),
)
def test_runs_are_those_of_a_clock_that_is_watched(expression: str, zone: str, start: datetime) -> None:
    """Second by second over ten minutes: no run is missed, and none is added."""
    rules = SchedulerRules(zone=ZoneInfo(zone))
    # The day is decided above; here the times are, so any day will do.
    fields = expression.split()
    times = " ".join([*fields[: len(fields) - 3 - (len(fields) == 7)], "*", "*", "*"])
    seconds = [start + timedelta(seconds=number) for number in range(600)]
    expected = [
        moment for moment in seconds if shows(times, moment.astimezone(rules.zone).replace(tzinfo=None))
    ]
    assert list(runs_between(times, start, start + timedelta(seconds=600), rules)) == expected
    first = next_run(times, start - timedelta(seconds=1), rules)
    assert first is not None
    assert first == expected[0] if expected else first >= start + timedelta(seconds=600)


@pytest.mark.parametrize(
    "zone", ["Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca"]
)
def test_a_year_of_minutes_in_a_zone(zone: str) -> None:
    """Every minute of a year starts once, whatever the clock does, and in order."""
    rules = SchedulerRules(zone=ZoneInfo(zone))
    start, end = _at("2027-01-01"), _at("2028-01-01")
    found = list(runs_between("0/30 * * * *", start, end, rules))
    assert found == [start + timedelta(minutes=30 * number) for number in range(365 * 48)]


@settings(LAWS, max_examples=40 * DEPTH)
@given(
    minute=st.sampled_from(["0", "*/7", "5,50", "10-40/3"]),
    hour=st.sampled_from(["*", "6", "8-18", "*/5"]),
    day=st.sampled_from(["*", "1", "L", "15", "1-7", "*/9"]),
    month=st.sampled_from(["*", "2", "JAN,JUL", "*/5"]),
    weekday=st.sampled_from(["*", "1", "7", "mon-fri", "5", "*/2"]),
)
def test_croniter_agrees(minute: str, hour: str, day: str, month: str, weekday: str) -> None:
    """The best-known library says the same, where it has no known fault."""
    expression = f"{minute} {hour} {day} {month} {weekday}"
    start = _at("2026-11-27 05:59:59")
    other = croniter(expression, start, implement_cron_bug=True)
    expected = [other.get_next(datetime) for _ in range(8)]
    ours = []
    for _ in range(8):
        start = next_run(expression, start) or start
        ours.append(start)
    assert ours == expected
