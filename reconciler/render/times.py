"""Times and durations as people say them: `2 h ago`, `1 min 30 s`."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

from reconciler.timestamps import parse_timestamp, rfc3339_seconds

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_FULL_HOURS: Final = 2 * _DAY
"""The seconds from which a time is given in days."""


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units: `45 s`, `2 min 30 s`, `1 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two timestamps; `None` where one is none, or out of the range of dates."""
    with suppress(ValueError, OverflowError):
        if start and end:
            return round((parse_timestamp(end) - parse_timestamp(start)).total_seconds(), 3)
    return None


def time_text(stamp: str | None, now: datetime | None) -> str | None:
    """Return a timestamp of the platform as people say it: `2 h ago`, `in 5 min`.

    Args:
        stamp: The timestamp; what is not one is returned as it is.
        now: The current time; `None` to give the exact time in UTC instead.
    """
    if stamp:
        with suppress(ValueError, OverflowError):
            time = parse_timestamp(stamp)
            return rfc3339_seconds(time) if now is None else _relative((now - time).total_seconds())
    return stamp


def clock_time(time: datetime, *, year: bool = True) -> str:
    """Return a time as a calendar says it: `Sat 28 Nov 2026 06:00`, with its seconds where it has any."""
    day = f"{time:%a} {time.day} {time:%b}"
    clock = f"{time:%H:%M:%S}" if time.second else f"{time:%H:%M}"
    return f"{day} {time.year} {clock}" if year else f"{day} {clock}"


def _relative(seconds: float) -> str:
    """Return how long ago something is, in one unit; a negative number is in the future."""
    whole = abs(round(seconds))
    if whole < _MINUTE:
        words = f"{whole} s"
    elif whole < _HOUR:
        words = f"{whole // _MINUTE} min"
    elif whole < _FULL_HOURS:
        words = f"{whole // _HOUR} h"
    else:
        words = f"{whole // _DAY} d"
    if not whole:
        return "just now"
    return f"{words} ago" if seconds > 0 else f"in {words}"
