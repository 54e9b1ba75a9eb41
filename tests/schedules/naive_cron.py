"""A reading of cron expressions that shares nothing with the package: each field is asked about a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def shows(expression: str, shown: datetime, sunday: int | None = None) -> bool:
    """Return whether the expression names the time that a clock shows."""
    fields = expression.upper().split()
    if len(fields) == 5:
        sunday = 0 if sunday is None else sunday
        fields = ["0", *fields]
    sunday = 1 if sunday is None else sunday
    second, minute, hour, day, month, weekday, *year = fields
    last = (shown.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    on_day = any(_on_day(part, shown, last.day) for part in day.split(","))
    on_weekday = any(_on_weekday(part, shown, last.day, sunday) for part in weekday.split(","))
    free = day[0] in "*?" or weekday[0] in "*?"
    return (
        _in(second, shown.second, 0, 59)
        and _in(minute, shown.minute, 0, 59)
        and _in(hour, shown.hour, 0, 23)
        and _in(_numbered(month, _MONTHS, 1), shown.month, 1, 12)
        and ((on_day and on_weekday) if free else (on_day or on_weekday))
        and all(_in(field, shown.year, 1970, 2099) for field in year)
    )


def _numbered(text: str, names: list[str], first: int) -> str:
    for number, name in enumerate(names, first):
        text = text.replace(name, str(number))
    return text


def _in(field: str, value: int, lowest: int, highest: int, size: int | None = None) -> bool:
    return any(_in_part(part, value, lowest, highest, size) for part in field.split(","))


def _in_part(part: str, value: int, lowest: int, highest: int, size: int | None) -> bool:
    size = size or highest - lowest + 1
    span, _, step = part.partition("/")
    low, _, high = span.partition("-")
    if span in {"*", "?"}:
        first, last = lowest, highest
    elif high:
        first, last = int(low), int(high)
    else:
        first, last = int(low), (highest if step else int(low))
    if last < first:
        last += size
    return any((tick - value) % size == 0 for tick in range(first, last + 1, int(step or 1)))


def _on_day(part: str, shown: datetime, length: int) -> bool:
    def workday(number: int) -> int:
        inside = [day for day in range(1, length + 1) if shown.replace(day=day).weekday() < 5]
        return min(inside, key=lambda day: (abs(day - number), day))

    if part == "LW":
        return shown.day == max(day for day in range(1, length + 1) if shown.replace(day=day).weekday() < 5)
    if part.startswith("L"):
        return shown.day == length - int(part[2:] or 0)
    if part.endswith("W"):
        return int(part[:-1]) <= length and shown.day == workday(int(part[:-1]))
    return _in(part, shown.day, 1, 31)


def _on_weekday(part: str, shown: datetime, length: int, sunday: int) -> bool:
    today = shown.isoweekday() % 7 + sunday
    part = part if part == "L" else _numbered(part, _DAYS, sunday)
    if part == "L":
        return shown.isoweekday() == 6
    if part.endswith("L"):
        return (int(part[:-1]) - today) % 7 == 0 and shown.day + 7 > length
    if "#" in part:
        number, _, nth = part.partition("#")
        return (int(number) - today) % 7 == 0 and (shown.day - 1) // 7 + 1 == int(nth)
    return _in(part, today, sunday, 6 + sunday, size=7)
