"""Cron expressions: five fields as cron has them, six and seven as the platform's editor writes them."""

from __future__ import annotations

import pytest

from reconciler.rules.triggers import cron_error, cron_is_too_frequent, cron_never_fires

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
    ("", "a cron expression must have 5 to 7 fields, found 0"),
    ("@daily", "a cron expression must have 5 to 7 fields, found 1"),
    ("0 6 * *", "a cron expression must have 5 to 7 fields, found 4"),
    ("0 0 6 * * ? 2026 *", "a cron expression must have 5 to 7 fields, found 8"),
    ("60 * * * *", "invalid minute '60': use 0 to 59, combined with * , - /"),
    ("-1 * * * *", "invalid minute '-1'"),
    ("0 24 * * *", "invalid hour '24'"),
    ("0 0 0 * *", "invalid day of month '0'"),
    ("0 0 32 * *", "invalid day of month '32'"),
    ("0 0 * 0 *", "invalid month '0': use 1 to 12 or JAN to DEC"),
    ("0 0 * 13 *", "invalid month '13'"),
    ("0 0 * JANUARY *", "invalid month 'JANUARY'"),
    ("0 0 * * 8", "invalid day of week '8': use 0 to 7 or SUN to SAT"),
    ("0 0 * * MOM", "invalid day of week 'MOM'"),
    ("0 0 6 ? * 0", "invalid day of week '0': use 1 to 7 or SUN to SAT"),
    ("0 0 6 ? * 8", "invalid day of week '8'"),
    ("0 0 6 ? * 0L", "invalid day of week '0L'"),
    ("0 0 6 ? * 6#0", "invalid day of week '6#0'"),
    ("0 0 6 ? * 6#6", "invalid day of week '6#6'"),
    ("0 0 6 ? * XYZ#1", "invalid day of week 'XYZ#1'"),
    ("60 0 6 * * ?", "invalid second '60'"),
    ("0 0 6 * * ? 1969", "invalid year '1969': use 1970 to 2099"),
    ("0 0 6 * * ? 2100", "invalid year '2100'"),
    ("? * * * *", "invalid minute '?'"),
    ("?/5 * * * *", "invalid minute '?/5'"),
    ("L * * * *", "invalid minute 'L'"),
    ("0 0 0 32W * ?", "invalid day of month '32W'"),
    ("0 0 0 0W * ?", "invalid day of month '0W'"),
    ("0 0 0 WL * ?", "invalid day of month 'WL'"),
    ("0 0 0 L-31 * ?", "invalid day of month 'L-31'"),
    ("0 0 0 15W,16X * ?", "invalid day of month '16X'"),
    ("*/0 * * * *", "invalid minute '*/0'"),
    ("*/61 * * * *", "invalid minute '*/61'"),
    ("*/ * * * *", "invalid minute '*/'"),
    ("*/-5 * * * *", "invalid minute '*/-5'"),
    ("1-2-3 * * * *", "invalid minute '1-2-3'"),
    ("1//2 * * * *", "invalid minute '1//2'"),
    ("1,,2 * * * *", "invalid minute ''"),
    (",1 * * * *", "invalid minute ''"),
    ("** * * * *", "invalid minute '**'"),
    ("1.5 * * * *", "invalid minute '1.5'"),
    ("0000005 * * * *", "invalid minute '0000005'"),
    ("\uff10 6 * * *", "the character '\uff10' is not allowed in a cron expression"),
    ("0 6\u00a0* * *", r"the character '\xa0' is not allowed in a cron expression"),
    ("0 0 * * \u017fun", "the character '\u017f' is not allowed in a cron expression"),
    ("1," * 100 + "1 * * * *", "a cron expression must have at most 200 characters, found 209"),
]


@pytest.mark.parametrize("expression", _GOOD)
def test_good_expression(expression: str) -> None:
    """A schedule that cron or the platform's editor writes is valid, fires, and not too often."""
    assert cron_error(expression) == ""
    assert not cron_never_fires(expression)
    assert not cron_is_too_frequent(expression)


@pytest.mark.parametrize(("expression", "words"), _BAD)
def test_bad_expression(expression: str, words: str) -> None:
    """The message names the field, its value, and what is allowed."""
    assert cron_error(expression).startswith(words)


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
    assert cron_error(expression) == ""
    assert cron_never_fires(expression)


@pytest.mark.parametrize(
    "expression",
    ["* * * * * ?", "*/10 * * * * ?", "0/30 * * * * ?", "0,30 * * * * ?", "0-5 0 6 * * ? *", "* 0 6 * * ?"],
)
def test_too_often(expression: str) -> None:
    """More than once in a minute is too often, and only where the first field is seconds."""
    assert cron_error(expression) == ""
    assert cron_is_too_frequent(expression)


@pytest.mark.parametrize(("quartz", "never"), [("0 0 0 ? 2 1#5 2027", True), ("0 0 0 ? 2 1#4 2027", False)])
def test_weekdays_count_from_sunday(quartz: str, never: bool) -> None:
    """Of six fields and more the 1 is Sunday: February 2027 has four of them."""
    assert cron_never_fires(quartz) is never


@pytest.mark.parametrize("expression", ["9" * 199, "*/" * 90, "1-" * 99, "#" * 150, "L" * 190, "(?" * 90])
def test_hostile_expression(expression: str) -> None:
    """Any text in a field is reported, and nothing is raised."""
    assert cron_error(f"{expression} * * * *")
    assert cron_error(f"0 0 * * {expression}")
