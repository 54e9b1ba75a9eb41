"""Cron expressions: their grammar, and the days and times that they name.

Five fields are crontab's: minute, hour, day of month, month, day of week. Six and seven start with seconds
and may end with years, as in the platform's editor. Numbers of weekdays depend on the form: crontab counts
from 0 for Sunday and knows 7 as well, the editor from 1 for Sunday. Where both a day of the month and one of
the week are given, either is enough, as in crontab(5): a field that starts with `*` or `?` gives none.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, NamedTuple

LAST_YEAR: Final = 2099
"""The last year that an expression can name."""

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEK: Final = len(_DAYS)
_SATURDAY: Final = 6
_WEEKEND: Final = frozenset({0, _SATURDAY})
_LONGEST: Final = 200
_MOST_DIGITS: Final = 4
_FEWEST, _MOST, CRONTAB_FIELDS = 5, 7, 5


class _Kind(NamedTuple):
    """One field of an expression: its name, its range, and the names of its numbers."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_SECOND: Final = _Kind("second", 0, 59)
_MINUTE: Final = _Kind("minute", 0, 59)
_HOUR: Final = _Kind("hour", 0, 23)
_DAY: Final = _Kind("day of month", 1, 31)
_MONTH: Final = _Kind("month", 1, 12, _MONTHS, 1)
_WEEKDAY: Final = _Kind("day of week", 0, 7, _DAYS, 0)
_QUARTZ_WEEKDAY: Final = _Kind("day of week", 1, 7, _DAYS, 1)
_YEAR: Final = _Kind("year", 1970, LAST_YEAR)
_KINDS: Final = {
    5: (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY),
    6: (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY),
    7: (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY, _YEAR),
}
_SPECIAL_DAY: Final = re.compile(
    r"(?P<last>L)(?:-(?P<before>[1-9]|[12][0-9]|30))?"
    r"|(?P<workday>LW)|(?P<near>[1-9]|[12][0-9]|3[01])W"
)
_SPECIAL_WEEKDAY: Final = re.compile(r"L|(?P<day>[0-9]|[A-Z]{3})(?:(?P<last>L)|#(?P<nth>[1-5]))")


@lru_cache(maxsize=1024)
def cron_error(expression: str) -> str:
    """Return what is wrong with a cron expression; empty if it is valid."""
    odd = next((char for char in expression if not char.isascii()), "")
    if odd:
        return f"the character {odd!r} is not allowed in a cron expression"
    if len(expression) > _LONGEST:
        return f"a cron expression must have at most {_LONGEST} characters, found {len(expression)}"
    fields = expression.split()
    if not _FEWEST <= len(fields) <= _MOST:
        return f"a cron expression must have 5 to 7 fields, found {len(fields)}"
    for text, kind in zip(fields, _KINDS[len(fields)], strict=True):
        error = _field_error(text, kind)
        if error:
            return error
    return ""


class _Days(NamedTuple):
    """The field of the days of the month, or of the week.

    Args:
        free: Whether it starts with `*` or `?`, so that the other field of days decides.
        plain: Its numbers; weekdays count from 0 for Sunday.
        special: Its parts with a letter or `#`.
    """

    free: bool
    plain: frozenset[int]
    special: tuple[re.Match[str], ...]


class Cron(NamedTuple):
    """A cron expression as the days and the times that it names.

    Args:
        seconds: Its seconds, in order; only 0 where it has no field of them.
        minutes: Its minutes, in order.
        hours: Its hours, in order.
        month_days: Its days of the month.
        months: Its months.
        weekdays: Its days of the week.
        years: Its years.
        sunday: The number of Sunday among its days of the week.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: _Days
    months: frozenset[int]
    weekdays: _Days
    years: range | frozenset[int]
    sunday: int

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(expression: str, sunday: int | None = None) -> Cron:
        """Return the meaning of an expression.

        Args:
            expression: The expression.
            sunday: The number of Sunday among the days of the week; by default as its form counts: 0 of five
                fields, 1 of six or seven.

        Raises:
            ValueError: It is not valid; says what `cron_error` does.
        """
        error = cron_error(expression)
        if error:
            raise ValueError(error)
        texts = expression.upper().split()
        kinds = _KINDS[len(texts)]
        if sunday is None:
            sunday = 0 if len(texts) == CRONTAB_FIELDS else 1
        fields = dict(zip((kind.name for kind in kinds), texts, strict=True))
        return Cron(
            seconds=tuple(sorted(_numbers(fields.get("second", "0"), _SECOND))),
            minutes=tuple(sorted(_numbers(fields["minute"], _MINUTE))),
            hours=tuple(sorted(_numbers(fields["hour"], _HOUR))),
            month_days=_days(fields["day of month"], _DAY, _SPECIAL_DAY),
            months=_numbers(fields["month"], _MONTH),
            weekdays=_weekdays(fields["day of week"], sunday),
            years=_numbers(fields["year"], _YEAR) if "year" in fields else range(1, LAST_YEAR + 1),
            sunday=sunday,
        )

    def days(self, start: date, end: date) -> Iterator[date]:
        """Yield the days from `start` until `end`, both included, in order."""
        year, month = start.year, start.month
        while (year, month) <= (min(end.year, LAST_YEAR), 12):
            if year not in self.years:
                year, month = year + 1, 1
                continue
            if month in self.months:
                for number in _month_days(self, year, month):
                    day = date(year, month, number)
                    if day > end:
                        return
                    if day >= start:
                        yield day
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - a year has 12

    def times(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the times from `start` until before `end`, in order, by a clock that never changes."""
        for day in self.days(start.date(), end.date()):
            first = start if day == start.date() else datetime.combine(day, time())
            for hour in self.hours:
                if hour < first.hour:
                    continue
                for minute in self.minutes:
                    if (hour, minute) < (first.hour, first.minute):
                        continue
                    for second in self.seconds:
                        found = datetime.combine(day, time(hour, minute, second))
                        if found >= end:
                            return
                        if found >= first:
                            yield found


@lru_cache(maxsize=4096)
def _month_days(cron: Cron, year: int, month: int) -> tuple[int, ...]:
    """Return the days of one month, in order, whatever the months and years of the expression."""
    first, length = monthrange(year, month)
    first = (first + 1) % _WEEK  # Monday is 0 there
    month_days = {day for day in cron.month_days.plain if day <= length}
    month_days |= {_special_day(part, first, length) for part in cron.month_days.special}
    weekdays = {day for day in range(1, length + 1) if (first + day - 1) % _WEEK in cron.weekdays.plain}
    for part in cron.weekdays.special:
        weekdays |= _special_weekday(part, cron.sunday, first, length)
    either = not (cron.month_days.free or cron.weekdays.free)
    found = month_days | weekdays if either else month_days & weekdays
    return tuple(sorted(found - {0}))


def _special_day(part: re.Match[str], first: int, length: int) -> int:
    """Return the day that `L`, `L-3`, `LW` or `15W` is in a month; 0 if the month has no such day.

    Args:
        part: The part of the field.
        first: The weekday of the first day, 0 for Sunday.
        length: The number of days.
    """
    if part["last"]:
        return max(0, length - int(part["before"] or 0))
    day = length if part["workday"] else int(part["near"])
    if day > length:
        return 0
    weekday = (first + day - 1) % _WEEK
    if weekday not in _WEEKEND:
        return day
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    return day + 1 if day < length else day - 2


def _special_weekday(part: re.Match[str], sunday: int, first: int, length: int) -> set[int]:
    """Return the days that `L`, `FRIL` or `FRI#3` are in a month.

    Args:
        part: The part of the field.
        sunday: The number of Sunday.
        first: The weekday of the first day, 0 for Sunday.
        length: The number of days.
    """
    weekday = _SATURDAY if part["day"] is None else _weekday(part["day"], sunday)
    found = [day for day in range(1, length + 1) if (first + day - 1) % _WEEK == weekday]
    if part["day"] is None:
        return set(found)
    if part["last"]:
        return {found[-1]}
    return set(found[int(part["nth"]) - 1 : int(part["nth"])])


def _weekday(text: str, sunday: int) -> int:
    return _DAYS.index(text) if text in _DAYS else (int(text) - sunday) % _WEEK


def _days(field: str, kind: _Kind, special: re.Pattern[str]) -> _Days:
    parts = field.split(",")
    matches = [special.fullmatch(part) for part in parts]
    plain = ",".join(part for part, match in zip(parts, matches, strict=True) if match is None)
    return _Days(
        free=field[0] in "*?",
        plain=_numbers(plain, kind) if plain else frozenset(),
        special=tuple(match for match in matches if match is not None),
    )


def _weekdays(field: str, sunday: int) -> _Days:
    """Return the field of weekdays with its numbers counted from 0 for Sunday."""
    found = _days(field, _QUARTZ_WEEKDAY if sunday else _WEEKDAY, _SPECIAL_WEEKDAY)
    plain = frozenset((number - sunday) % _WEEK for number in found.plain)
    return _Days(free=found.free, plain=plain, special=found.special)


def _numbers(field: str, kind: _Kind) -> frozenset[int]:
    """Return the numbers that a field without special parts names."""
    return frozenset(number for part in field.split(",") for number in _range_of(part, kind))


def _range_of(part: str, kind: _Kind) -> Iterator[int]:
    span, slash, step = part.partition("/")
    # A step through the week ends with its seventh day, of which crontab has two numbers.
    highest = _SATURDAY if kind is _WEEKDAY else kind.highest
    if span in {"*", "?"}:
        low, high = kind.lowest, highest
    else:
        first, dash, last = span.partition("-")
        low = _checked_number(first, kind)
        high = _checked_number(last, kind) if dash else (highest if slash else low)
    if low > high:  # it passes the end of the hour, the day, the week, the month or the year
        size = highest - kind.lowest + 1
        for number in range(low, high + size + 1, int(step or 1)):
            yield kind.lowest + (number - kind.lowest) % size
    else:
        yield from range(low, high + 1, int(step or 1))


def _checked_number(text: str, kind: _Kind) -> int:
    """Return a number of an expression that was checked, though perhaps with another number of Sunday."""
    return kind.names.index(text) + kind.first_name if text in kind.names else int(text)


def _field_error(text: str, kind: _Kind) -> str:
    for part in text.split(","):
        if not _is_special(part.upper(), kind) and not _is_range(part, kind):
            names = f" or {kind.names[0]} to {kind.names[-1]}" if kind.names else ""
            return (
                f"invalid {kind.name} {part!r}: use {kind.lowest} to {kind.highest}{names}, "
                "combined with * , - /"
            )
    return ""


def _is_special(part: str, kind: _Kind) -> bool:
    if part == "*":
        return True
    if part == "?":
        return kind in {_DAY, _WEEKDAY, _QUARTZ_WEEKDAY}
    if kind is _DAY:
        return _SPECIAL_DAY.fullmatch(part) is not None
    if kind in {_WEEKDAY, _QUARTZ_WEEKDAY}:
        match = _SPECIAL_WEEKDAY.fullmatch(part)
        return match is not None and (match["day"] is None or _number(match["day"], kind) is not None)
    return False


def _is_range(part: str, kind: _Kind) -> bool:
    span, slash, step = part.partition("/")
    if slash and not (_is_number(step) and 0 < int(step) <= kind.highest):
        return False
    if span == "*":
        return bool(slash)
    low, dash, high = span.partition("-")
    first = _number(low, kind)
    last = _number(high, kind) if dash else first
    # A range of weekdays may pass the end of the week; one of months, the end of the year.
    return first is not None and last is not None


def _number(text: str, kind: _Kind) -> int | None:
    if text.upper() in kind.names:
        return kind.names.index(text.upper()) + kind.first_name
    if _is_number(text) and kind.lowest <= int(text) <= kind.highest:
        return int(text)
    return None


def _is_number(text: str) -> bool:
    return text.isdigit() and len(text) <= _MOST_DIGITS
