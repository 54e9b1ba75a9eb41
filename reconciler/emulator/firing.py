"""Firing of schedules: the moments at which the platform's clock shows a time of a cron expression.

Deliberately naive, so that it can prove a cleverer reckoning wrong: the clock is watched every quarter of an
hour, and each field of the expression is asked about each value that the clock may show. Five fields are
minute, hour, day of the month, month and day of the week; six and seven start with seconds and may end with
years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY: Final = 6
_CRONTAB_FIELDS: Final = 5
_QUARTERS: Final = 96
_QUARTER_MINUTES: Final = 15
_DAY: Final = timedelta(days=1)
_SEARCHED: Final = 4 * 366 * _DAY


@dataclass(frozen=True, slots=True)
class _Cron:
    """What the fields of an expression said of each value: those they name, and the fields of days."""

    seconds: tuple[int, ...]
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    month_day: str
    weekday: str
    sunday: int


def fires(
    cron: str, since: datetime, until: datetime, zone: tzinfo, sunday: int | None
) -> Iterator[datetime]:
    """Yield the moments after `since` and up to `until` at which a schedule fires, in UTC; none if invalid.

    Args:
        cron: The expression.
        since: The moment before the first one.
        until: The last moment.
        zone: The time zone of the platform's clock, whose offsets are whole quarters of an hour.
        sunday: The number of Sunday; by default 0 in five fields and 1 in more.
    """
    try:
        read = _read(cron, sunday)
        for quarter, first in _quarters(read, since, until, zone):
            for minute in range(_QUARTER_MINUTES):
                if first + minute in read.minutes:
                    for second in read.seconds:
                        moment = quarter + timedelta(minutes=minute, seconds=second)
                        if since < moment <= until:
                            yield moment
    except ValueError:
        return


def next_fire(cron: str, since: datetime, zone: tzinfo, sunday: int | None) -> datetime | None:
    """Return the first moment after `since` at which a schedule fires; `None` if none is in four years."""
    return next(fires(cron, since, since + _SEARCHED, zone, sunday), None)


def shows(cron: str, shown: datetime, sunday: int | None = None) -> bool:
    """Return whether an expression names the time that a clock shows.

    Args:
        cron: The expression.
        shown: What the clock shows.
        sunday: The number of Sunday; by default 0 in five fields and 1 in more.

    Raises:
        ValueError: The expression is invalid.
    """
    read = _read(cron, sunday)
    return (
        shown.second in read.seconds
        and shown.minute in read.minutes
        and shown.hour in read.hours
        and _shows_day(read, shown.date())
    )


def _quarters(cron: _Cron, since: datetime, until: datetime, zone: tzinfo) -> Iterator[tuple[datetime, int]]:
    """Yield the quarters of an hour of the right day and hour, with the minute that the clock shows."""
    day = since.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= until:
        ahead, later = _ahead(day, zone), _ahead(day + _DAY, zone)
        dates = [(day + number * _DAY).date() for number in (-1, 0, 1)]
        right = [_shows_day(cron, one) for one in dates]
        for number in range(_QUARTERS) if any(right) else ():
            minutes = number * _QUARTER_MINUTES
            if ahead != later:  # the clock changes today
                minutes += _ahead(day + timedelta(minutes=minutes), zone)
            else:
                minutes += ahead
            if right[minutes // 1440 + 1] and minutes % 1440 // 60 in cron.hours:
                yield day + timedelta(minutes=number * _QUARTER_MINUTES), minutes % 60
        day += _DAY


def _ahead(moment: datetime, zone: tzinfo) -> int:
    """Return by how many minutes a clock is ahead of UTC."""
    return round((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)


@lru_cache(maxsize=1024)
def _read(cron: str, sunday: int | None) -> _Cron:
    fields = cron.upper().split()
    if len(fields) == _CRONTAB_FIELDS:
        fields = ["0", *fields]
        sunday = 0 if sunday is None else sunday
    if not 6 <= len(fields) <= 7:  # noqa: PLR2004 - with seconds, and with years
        raise ValueError(cron)
    second, minute, hour, month_day, month, weekday, *year = fields
    return _Cron(
        seconds=tuple(sorted(_named(second, 0, 59))),
        minutes=_named(minute, 0, 59),
        hours=_named(hour, 0, 23),
        months=_named(_numbered(month, _MONTHS, 1), 1, 12),
        years=_named("".join(year) or "*", 1970, 2099),
        month_day=month_day,
        weekday=weekday,
        sunday=1 if sunday is None else sunday,
    )


def _named(field: str, lowest: int, highest: int) -> frozenset[int]:
    return frozenset(value for value in range(lowest, highest + 1) if _in(field, value, lowest, highest))


def _numbered(text: str, names: tuple[str, ...], first: int) -> str:
    for number, name in enumerate(names, first):
        text = text.replace(name, str(number))
    return text


def _in(field: str, value: int, lowest: int, highest: int) -> bool:
    return any(value in _values(part, lowest, highest) for part in field.split(","))


@lru_cache(maxsize=1024)
def _values(part: str, lowest: int, highest: int) -> frozenset[int]:
    span, _, step = part.partition("/")
    low, _, high = span.partition("-")
    if span in {"*", "?"}:
        first, last = lowest, highest
    elif high:
        first, last = int(low), int(high)
    else:
        first, last = int(low), (highest if step else int(low))
    if not {first, last} <= set(range(lowest, highest + 1)) | {0, 7}:
        raise ValueError(part)
    size = highest - lowest + 1
    if last < first:
        last += size
    return frozenset(lowest + (tick - lowest) % size for tick in range(first, last + 1, int(step or 1)))


@lru_cache(maxsize=65536)
def _shows_day(cron: _Cron, day: date) -> bool:
    if day.month not in cron.months or day.year not in cron.years:
        return False
    length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY).day
    on_day = any(_on_day(part, day, length) for part in cron.month_day.split(","))
    on_weekday = any(_on_weekday(part, day, length, cron.sunday) for part in cron.weekday.split(","))
    if cron.month_day[0] in "*?" or cron.weekday[0] in "*?":
        return on_day and on_weekday
    return on_day or on_weekday


def _on_day(part: str, shown: date, length: int) -> bool:
    if part == "LW" or part.endswith("W"):
        working = [day for day in range(1, length + 1) if shown.replace(day=day).weekday() < 5]  # noqa: PLR2004
        if part == "LW":
            return shown.day == working[-1]
        number = int(part[:-1])
        nearest = min(working, key=lambda day: (abs(day - number), day))
        return number <= length and shown.day == nearest
    if part.startswith("L"):
        return shown.day == length - int(part[2:] or 0)
    return _in(part, shown.day, 1, 31)


def _on_weekday(part: str, shown: date, length: int, sunday: int) -> bool:
    today = shown.isoweekday() % 7
    if part == "L":
        return today == _SATURDAY
    part = _numbered(part, _DAYS, sunday)
    if part.endswith("L"):
        return (int(part[:-1]) - sunday - today) % 7 == 0 and shown.day + 7 > length
    if "#" in part:
        number, _, nth = part.partition("#")
        return (int(number) - sunday - today) % 7 == 0 and (shown.day - 1) // 7 + 1 == int(nth)
    return _in(part, today + sunday, sunday, 6 + sunday)
