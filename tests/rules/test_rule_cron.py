"""Cron expressions: five fields as cron has them, six and seven as the platform's editor writes them."""

from __future__ import annotations

import pytest

from reconciler.rules.cron import cron_is_too_frequent, cron_mistake, cron_never_fires

_GOOD = [
    "* * * * *",
    "0 6 * * *",
    "*/5 * * * *",
    "0/5 * * * *",
    "10-50/10 * * * *",
    "0,15,30,45 8-18 * * 1-5",
    "0 0 1,15 * *",
    "0 0 * JAN,JUL *",
    "0 0 * jan-mar mon-fri",
    "0 0 1 NOV-FEB *",
    "0 22-2 * * *",
    "0 0 * * 0",
    "0 0 * * 7",
    "0 0 * * FRI-MON",
    "0 0 * * 5L",
    "0 0 * * FRIL",
    "0 0 * * L",
    "0 0 L * *",
    "0 0 ? * ?",
    "05 06 * * *",
    "  0   6\t* *  * ",
    "0 0 29 2 *",
    "0 0 30 2 1",
    "0 0 6 * * ?",
    "0 0/15 * * * ?",
    "59 59 23 31 12 ?",
    "0 0 6 ? * MON-FRI",
    "0 0 6 ? * 1",
    "0 0 6 ? * 7",
    "0 0 6 ? * 6L",
    "0 0 6 ? * 6#3",
    "0 0 6 ? * FRI#1",
    "0 0 6 ? * 2#5",
    "0 0 6 L * ?",
    "0 0 6 LW * ?",
    "0 0 6 L-3 * ?",
    "0 0 6 L-30 * ?",
    "0 0 6 15W * ?",
    "0 0 6 31W * ?",
    "0 0 6 1/5 * ?",
    "0 0 6 1,15,L * ?",
    "0 0 6 ? 1/3 2-6 2026-2099",
    "0 0 6 * * ? */2",
    "0 0 6 29 2 ? 2028",
    "0 0 6 1 1 ? 2099",
]

_BAD = [
    ("", "a cron expression has 5 to 7 fields, found 0"),
    ("@daily", "a cron expression has 5 to 7 fields, found 1"),
    ("0 6 * *", "a cron expression has 5 to 7 fields, found 4"),
    ("0 0 6 * * ? 2026 *", "a cron expression has 5 to 7 fields, found 8"),
    ("60 * * * *", "the minute '60' is not one: 0 to 59, with * , - / between them"),
    ("-1 * * * *", "the minute '-1' is not one"),
    ("0 24 * * *", "the hour '24' is not one"),
    ("0 0 0 * *", "the day of month '0' is not one"),
    ("0 0 32 * *", "the day of month '32' is not one"),
    ("0 0 * 0 *", "the month '0' is not one: 1 to 12 or JAN to DEC"),
    ("0 0 * 13 *", "the month '13' is not one"),
    ("0 0 * JANUARY *", "the month 'JANUARY' is not one"),
    ("0 0 * * 8", "the day of week '8' is not one: 0 to 7 or SUN to SAT"),
    ("0 0 * * MOM", "the day of week 'MOM' is not one"),
    ("0 0 6 ? * 0", "the day of week '0' is not one: 1 to 7 or SUN to SAT"),
    ("0 0 6 ? * 8", "the day of week '8' is not one"),
    ("0 0 6 ? * 0L", "the day of week '0L' is not one"),
    ("0 0 6 ? * 6#0", "the day of week '6#0' is not one"),
    ("0 0 6 ? * 6#6", "the day of week '6#6' is not one"),
    ("0 0 6 ? * XYZ#1", "the day of week 'XYZ#1' is not one"),
    ("60 0 6 * * ?", "the second '60' is not one"),
    ("0 0 6 * * ? 1969", "the year '1969' is not one: 1970 to 2099"),
    ("0 0 6 * * ? 2100", "the year '2100' is not one"),
    ("? * * * *", "the minute '?' is not one"),
    ("?/5 * * * *", "the minute '?/5' is not one"),
    ("L * * * *", "the minute 'L' is not one"),
    ("0 0 0 32W * ?", "the day of month '32W' is not one"),
    ("0 0 0 0W * ?", "the day of month '0W' is not one"),
    ("0 0 0 WL * ?", "the day of month 'WL' is not one"),
    ("0 0 0 L-31 * ?", "the day of month 'L-31' is not one"),
    ("0 0 0 15W,16X * ?", "the day of month '16X' is not one"),
    ("*/0 * * * *", "the minute '*/0' is not one"),
    ("*/61 * * * *", "the minute '*/61' is not one"),
    ("*/ * * * *", "the minute '*/' is not one"),
    ("*/-5 * * * *", "the minute '*/-5' is not one"),
    ("1-2-3 * * * *", "the minute '1-2-3' is not one"),
    ("1//2 * * * *", "the minute '1//2' is not one"),
    ("1,,2 * * * *", "the minute '' is not one"),
    (",1 * * * *", "the minute '' is not one"),
    ("** * * * *", "the minute '**' is not one"),
    ("1.5 * * * *", "the minute '1.5' is not one"),
    ("0000005 * * * *", "the minute '0000005' is not one"),
    ("\uff10 6 * * *", "the character '\uff10' has no place in a cron expression"),
    ("0 6\u00a0* * *", r"the character '\xa0' has no place in a cron expression"),
    ("0 0 * * \u017fun", "the character '\u017f' has no place in a cron expression"),
    ("1," * 100 + "1 * * * *", "a cron expression has at most 200 characters, found 209"),
]


@pytest.mark.parametrize("expression", _GOOD)
def test_good_expression(expression: str) -> None:
    """A schedule that cron or the platform's editor writes is no mistake, fires, and not too often."""
    assert cron_mistake(expression) == ""
    assert not cron_never_fires(expression)
    assert not cron_is_too_frequent(expression)


@pytest.mark.parametrize(("expression", "words"), _BAD)
def test_bad_expression(expression: str, words: str) -> None:
    """The message names the field, what stands there, and what may."""
    assert cron_mistake(expression).startswith(words)


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 30-31 2 *",
        "0 0 0 30 2 ?",
        "0 0 0 29 2 ? 2027",
        "0 0 0 1 1 ? 2020",
        "0 0 0 1 1 ? 1970-2000",
    ],
)
def test_never_fires(expression: str) -> None:
    """A day that does not exist, and years that are over."""
    assert cron_mistake(expression) == ""
    assert cron_never_fires(expression)


@pytest.mark.parametrize(
    "expression",
    ["* * * * * ?", "*/10 * * * * ?", "0/30 * * * * ?", "0,30 * * * * ?", "0-5 0 6 * * ? *", "* 0 6 * * ?"],
)
def test_too_often(expression: str) -> None:
    """More than once in a minute is too often, and only where the first field is seconds."""
    assert cron_mistake(expression) == ""
    assert cron_is_too_frequent(expression)


@pytest.mark.parametrize(("quartz", "never"), [("0 0 0 ? 2 1#5 2027", True), ("0 0 0 ? 2 1#4 2027", False)])
def test_weekdays_count_from_sunday(quartz: str, never: bool) -> None:
    """Of six fields and more the 1 is Sunday: February 2027 has four of them."""
    assert cron_never_fires(quartz) is never


@pytest.mark.parametrize("expression", ["9" * 199, "*/" * 90, "1-" * 99, "#" * 150, "L" * 190, "(?" * 90])
def test_hostile_expression(expression: str) -> None:
    """Whatever stands in a field is told, and nothing is raised."""
    assert cron_mistake(f"{expression} * * * *")
    assert cron_mistake(f"0 0 * * {expression}")
