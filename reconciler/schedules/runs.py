"""Runs of a schedule: the moments at which the clock of a time zone shows a time of a cron expression.

Where the clock goes forward, the times that it skips start nothing; where it goes back, the times that it
shows twice start twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from reconciler.schedules.cron import CRONTAB_FIELDS, LAST_YEAR, Cron

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
END: Final = datetime(LAST_YEAR + 1, 1, 1, tzinfo=timezone.utc)
"""The moment from which on no expression names a time."""


class SchedulerRules(NamedTuple):
    """The rules by which the platform reads a cron expression.

    Args:
        zone: The time zone of its clock.
        crontab_sunday: The number of Sunday in expressions of five fields: 0, or 1.
        quartz_sunday: The number of Sunday in expressions of six and seven fields: 1, or 0.
    """

    zone: tzinfo = timezone.utc
    crontab_sunday: int = 0
    quartz_sunday: int = 1

    def read(self, expression: str) -> Cron:
        """Return the meaning of an expression.

        Raises:
            ValueError: It is not valid.
        """
        crontab = len(expression.split()) == CRONTAB_FIELDS
        return Cron.parse(expression, self.crontab_sunday if crontab else self.quartz_sunday)


DEFAULT_RULES: Final = SchedulerRules()
"""The rules where nothing is known: UTC, and weekdays as each form counts them."""


def next_run(expression: str, after: datetime, rules: SchedulerRules = DEFAULT_RULES) -> datetime | None:
    """Return the first start after a moment, in UTC; `None` if the schedule never starts again.

    Args:
        expression: The cron expression.
        after: The moment, with its time zone.
        rules: How the platform reads the expression.

    Raises:
        ValueError: The expression is not valid.
    """
    start = after.astimezone(timezone.utc).replace(microsecond=0) + _SECOND
    return next(runs_between(expression, start, END, rules), None)


def runs_between(
    expression: str, start: datetime, end: datetime, rules: SchedulerRules = DEFAULT_RULES
) -> Iterator[datetime]:
    """Yield the starts from `start` until before `end`, in UTC and in order.

    Args:
        expression: The cron expression.
        start: The first moment, with its time zone.
        end: The moment after the last one, with its time zone.
        rules: How the platform reads the expression.

    Raises:
        ValueError: The expression is not valid.
    """
    cron = rules.read(expression)
    since, end = start.astimezone(timezone.utc), min(end, END)
    for change in (*clock_changes(rules.zone, since, end), None):
        until = change.at if change else end
        offset = _offset(rules.zone, since)
        for shown in cron.times(_shown(since, offset), _shown(until, offset)):
            yield (shown - offset).replace(tzinfo=timezone.utc)
        since = until


class ClockChange(NamedTuple):
    """A moment at which the clock of a time zone goes forward or back.

    Args:
        at: The moment, in UTC.
        before: What the clock is ahead of UTC until then.
        after: What it is ahead of UTC from then on.
    """

    at: datetime
    before: timedelta
    after: timedelta


def clock_changes(zone: tzinfo, start: datetime, end: datetime) -> Iterator[ClockChange]:
    """Yield the changes of a zone's clock after `start` and before `end`, in order."""
    if isinstance(zone, timezone):  # its clock never changes
        return
    for year in range(start.year, end.year + 1):
        for change in _changes_of_year(zone, year):
            if start < change.at < end:
                yield change


@lru_cache(maxsize=256)
def _changes_of_year(zone: tzinfo, year: int) -> tuple[ClockChange, ...]:
    """Return the changes of a year in UTC; two of them are at least a day apart everywhere."""
    day, found = datetime(year, 1, 1, tzinfo=timezone.utc), []
    while day.year == year:
        before, after = _offset(zone, day), _offset(zone, day + _DAY)
        if before != after:
            found.append(ClockChange(at=_moment_of_change(zone, day), before=before, after=after))
        day += _DAY
    return tuple(found)


def _moment_of_change(zone: tzinfo, day: datetime) -> datetime:
    """Return the second of the 24 hours after `day` from which on the clock differs."""
    before, low, high = _offset(zone, day), 0, int(_DAY.total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if _offset(zone, day + timedelta(seconds=middle)) == before else (low, middle)
        )
    return day + timedelta(seconds=high)


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _shown(moment: datetime, offset: timedelta) -> datetime:
    """Return what a clock that is `offset` ahead of UTC shows."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None) + offset
