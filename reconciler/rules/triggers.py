"""Rules about triggers: schedules in the platform's cron syntax, and webhooks.

A cron expression has five to seven fields, with `?`, `L`, `W`, `#` and names. Five fields are standard cron.
Six and seven start with seconds, and the seventh is the year, as in the platform's editor, which numbers the
days of the week from 1 for Sunday. The syntax is checked here; the next time that an expression fires is
computed by croniter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule
from reconciler.workflow import Body

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_YEARS: Final = 100
_LONGEST: Final = 200
_MOST_DIGITS: Final = 4
_FEWEST, _MOST, _PLAIN = 5, 7, 5


@dataclass(frozen=True, slots=True)
class _Kind:
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
_YEAR: Final = _Kind("year", 1970, 2099)
_KINDS: Final = {
    5: (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY),
    6: (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY),
    7: (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY, _YEAR),
}
_SPECIAL_DAY: Final = re.compile(r"L|LW|L-(?:[1-9]|[12][0-9]|30)|(?:[1-9]|[12][0-9]|3[01])W", re.IGNORECASE)
_SPECIAL_WEEKDAY: Final = re.compile(r"(?:L|(?P<day>[0-9]|[A-Z]{3})(?:L|#[1-5]))", re.IGNORECASE)


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


@lru_cache(maxsize=1024)
def cron_never_fires(expression: str) -> bool:
    """Return whether a valid cron expression never fires again, such as one for 30 February."""
    from datetime import datetime, timezone  # noqa: PLC0415 - only workflows with a cron need them

    from croniter import CroniterBadDateError, CroniterError, croniter  # noqa: PLC0415

    fields = [field.upper() for field in expression.split()]
    if any("LW" in field or "L-" in field for field in fields):
        return False
    if len(fields) > _PLAIN:
        fields = ["*" if field == "?" else field for field in fields]
        fields[5] = _from_quartz(fields[5])
    else:
        fields[4] = _last_first(fields[4])
    try:
        croniter(
            " ".join(fields).replace("?", "*"),
            datetime.now(timezone.utc),
            second_at_beginning=len(fields) > _PLAIN,
            max_years_between_matches=_YEARS,
        ).get_next()
    except CroniterError as error:
        return isinstance(error, CroniterBadDateError)
    return False


def cron_is_too_frequent(expression: str) -> bool:
    """Return whether a valid cron expression fires more than once per minute."""
    fields = expression.split()
    return len(fields) > _PLAIN and re.fullmatch(r"[0-9]{1,2}", fields[0]) is None


def _field_error(text: str, kind: _Kind) -> str:
    for part in text.split(","):
        if not _is_special(part, kind) and not _is_range(part, kind):
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


def _from_quartz(field: str) -> str:
    """Return the days of a week that starts with 1 for Sunday in croniter's numbers, which start with 0."""
    moved = re.sub(r"(?<![#/0-9])[1-7](?![0-9])", lambda match: str(int(match.group()) - 1), field)
    return _last_first(moved)


def _last_first(field: str) -> str:
    return re.sub(r"([0-9]|[A-Z]{3})L", r"L\1", field) if field != "L" else "6"


def _crons(body: Body) -> Iterator[tuple[int, str]]:
    for index, trigger in enumerate(body.triggers):
        cron = trigger.get("cron")
        if isinstance(cron, str):
            yield index, cron


def _syntax(body: Body) -> Iterator[Problem]:
    for index, cron in _crons(body):
        error = cron_error(cron)
        if error:
            yield Problem(path=("triggers", index, "cron"), message=error)


def _when(holds: Callable[[str], bool], message: str) -> Callable[[Body], Iterator[Problem]]:
    def check(body: Body) -> Iterator[Problem]:
        for index, cron in _crons(body):
            if not cron_error(cron) and holds(cron):
                yield Problem(path=("triggers", index, "cron"), message=message)

    return check


def _both(body: Body) -> Iterator[Problem]:
    if body.has_webhook and any(trigger.get("cron") for trigger in body.triggers):
        yield Problem(
            path=("triggers",),
            message="cron and webhook together: the workflow starts on a schedule and on each call; "
            "Peak's own client keeps only the first trigger when it patches",
        )


RULES = (
    Rule(
        id="cron-syntax",
        severity=Severity.ERROR,
        reason="An invalid schedule never starts an execution.",
        good="triggers: [{cron: '0 5 * * 1-5'}]",
        bad="triggers: [{cron: '0 25 * * *'}]",
        check=_syntax,
    ),
    Rule(
        id="cron-never",
        severity=Severity.WARNING,
        reason="A schedule for a day that does not exist never starts an execution.",
        good="triggers: [{cron: '0 0 28 2 *'}]",
        bad="triggers: [{cron: '0 0 30 2 *'}]",
        check=_when(cron_never_fires, "this schedule never fires: the day does not exist"),
    ),
    Rule(
        id="cron-too-often",
        severity=Severity.WARNING,
        reason="With more than one start per minute, executions overlap.",
        good="triggers: [{cron: '0 0/5 * * * ?'}]",
        bad="triggers: [{cron: '*/10 * * * * ?'}]",
        check=_when(
            cron_is_too_frequent,
            "this schedule fires more than once per minute; the first of six fields is the second",
        ),
    ),
    Rule(
        id="cron-and-webhook",
        severity=Severity.WARNING,
        reason="Two kinds of trigger in one workflow are rarely intended.",
        good="triggers: [{webhook: true}]",
        bad="triggers: [{cron: '0 5 * * *'}, {webhook: true}]",
        check=_both,
    ),
)
