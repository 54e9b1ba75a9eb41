"""Normal texts: texts that are compared by what they mean, and shown as they are written."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from reconciler.values import JsonValue

_CRONS_KEPT: Final = 4096
"""The schedules whose normal form is remembered: many workflows have the same ones."""

_CRONTAB_FIELDS: Final = 5
_QUARTZ_FIELDS: Final = (6, 7)
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NUMBERS: Final = (re.compile(r"(?<![#/\d])[0-7](?!\d)"), re.compile(r"(?<![#/\d])[1-7](?!\d)"))
"""The numbers of days of the week, where Sunday is 0 and where it is 1."""

_MONTH_NAME: Final = re.compile("|".join(_MONTHS))
_LINE_ENDS: Final = ("\r", "\n")
_LEADING_ZEROS: Final = re.compile(r"(?<!\d)0+(?=\d)")


class NormalText(str):
    """A text in its normal form.

    Everything compares the normal form; `as_written` returns the text that it was made from.
    """

    __slots__ = ("written",)

    written: str

    def __new__(cls, normal: str, written: str) -> NormalText:  # noqa: PYI034 - Python 3.10 has no Self
        """Return the text whose normal form is `normal`."""
        text = super().__new__(cls, normal)
        text.written = written
        return text

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Return what a copy is made from."""
        return str(self), self.written


def as_written(value: JsonValue) -> JsonValue:
    """Return `value` with every normal text in it, at any depth, as it was written."""
    if isinstance(value, NormalText):
        return value.written
    if isinstance(value, list):
        return [as_written(item) for item in value]
    if isinstance(value, dict):
        return {key: as_written(item) for key, item in value.items()}
    return value


def without_last_line_ends(text: str) -> str:
    """Return `text` without the line ends at its end, which mean nothing there."""
    return _normal(text.rstrip("\r\n"), text) if text[-1:] in _LINE_ENDS else text


def without_case(text: str) -> str:
    """Return `text` without regard to case: for e-mail addresses and tags."""
    return _normal(text.casefold(), text)


@lru_cache(_CRONS_KEPT)
def cron_by_fields(text: str) -> str:
    """Return a cron expression in the one form of all that mean the same.

    That is six fields, upper case, days of the week as names, months as numbers, `*` for `?`, and lists in
    order. What has another number of fields is no expression: only its white space is collapsed.
    """
    fields = text.split()
    if len(fields) == _CRONTAB_FIELDS:
        return _normal(" ".join(_cron_fields(["0", *fields], sunday=0)), text)
    if len(fields) in _QUARTZ_FIELDS:
        if fields[6:] == ["*"]:
            del fields[6]
        return _normal(" ".join(_cron_fields(fields, sunday=1)), text)
    return _normal(" ".join(fields), text)


def _cron_fields(fields: list[str], sunday: int) -> list[str]:
    """Return the normal form of each field of an expression that begins with seconds.

    Args:
        fields: The fields.
        sunday: The number of Sunday among the days of the week.
    """
    normal = [_LEADING_ZEROS.sub("", field.upper()) for field in fields]
    normal[4] = _MONTH_NAME.sub(lambda month: str(_MONTHS.index(month.group()) + 1), normal[4])
    normal[5] = _DAY_NUMBERS[sunday].sub(
        lambda day: _DAYS[(int(day.group()) - sunday) % len(_DAYS)], normal[5]
    )
    normal[3], normal[5] = ("*" if day == "?" else day for day in (normal[3], normal[5]))
    return [",".join(sorted(set(field.split(",")))) for field in normal]


def _normal(normal: str, written: str) -> str:
    return written if normal == written else NormalText(normal, written)
