"""What is learnt of the platform's clock from what it says is scheduled, and what is only assumed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from reconciler.emulator.firing import next_fire
from reconciler.schedules import Basis, KnownRules, Observation, learn_rules

_NOW = datetime(2026, 7, 3, 10, 20, 5, tzinfo=timezone.utc)
_WINTER = datetime(2026, 11, 27, 10, 20, 5, tzinfo=timezone.utc)


def _learnt(
    *crons: str,
    zone: str = "UTC",
    crontab: int | None = None,
    quartz: int | None = None,
    now: datetime = _NOW,
    given: str | None = None,
) -> KnownRules:
    """Return what is learnt from a platform with this clock, as its own reading of the expressions has it."""
    seen = []
    for cron in crons:
        found = next_fire(cron, now, ZoneInfo(zone), crontab if len(cron.split()) == 5 else quartz)
        assert found is not None
        seen.append(Observation(cron, found))
    return learn_rules(seen, now, ZoneInfo(given) if given else None)


@pytest.mark.parametrize(
    "zone", ["Europe/London", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland", "America/New_York"]
)
def test_a_time_zone_is_learnt(zone: str) -> None:
    """The zone found has the same time as the platform's, and its usual numbers are kept."""
    known = _learnt("0 6 * * *", "30 12 * * 1-5", "0 0 8 ? * 2", zone=zone)
    assert (known.zone, known.unexplained, known.observed) == (Basis.LEARNT, 0, 3)
    assert _NOW.astimezone(known.rules.zone).utcoffset() == _NOW.astimezone(ZoneInfo(zone)).utcoffset()
    assert (known.rules.crontab_sunday, known.rules.quartz_sunday) == (0, 1)
    assert (known.crontab_days, known.quartz_days) == (Basis.LEARNT, Basis.LEARNT)


def test_utc_is_learnt_where_it_can_be_told_from_others() -> None:
    """A schedule of every hour says nothing of the zone; one at six o'clock does."""
    assert _learnt("0 6 * * *").zone is Basis.LEARNT
    for crons in ((), ("*/15 * * * *",), ("0 * * * *",)):
        known = _learnt(*crons)
        assert (known.zone, known.zone_name) == (Basis.ASSUMED, "UTC")
        assert (known.crontab_days, known.quartz_days) == (Basis.ASSUMED, Basis.ASSUMED)
    assert _learnt("0 6 * * *", zone="Europe/London", now=_WINTER).zone_name == "UTC"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize(("crontab", "quartz"), [(0, 1), (1, 1), (0, 0), (1, 0)])
def test_the_numbers_of_days_are_learnt(zone: str, crontab: int, quartz: int) -> None:
    """Each form has a numbering of its own, whatever the zone."""
    known = _learnt("0 6 * * 3", "0 0 6 ? * 5", zone=zone, crontab=crontab, quartz=quartz)
    assert (known.rules.crontab_sunday, known.rules.quartz_sunday) == (crontab, quartz)
    assert (known.crontab_days, known.quartz_days) == (Basis.LEARNT, Basis.LEARNT)
    names = _learnt("0 6 * * WED", "0 0 6 ? * THU", zone=zone)
    assert (names.crontab_days, names.quartz_days) == (Basis.ASSUMED, Basis.ASSUMED)


def test_a_zone_that_is_given() -> None:
    """A zone that the user gives is kept, and what contradicts it is counted."""
    known = _learnt("0 6 * * 3", zone="Europe/Berlin", crontab=1, given="Europe/Berlin")
    assert (known.zone, known.zone_name, known.unexplained) == (Basis.GIVEN, "Europe/Berlin", 0)
    assert known.rules.crontab_sunday == 1
    wrong = _learnt("0 6 * * 3", "*/5 * * * *", zone="Europe/Berlin", given="Asia/Tokyo")
    assert (wrong.zone, wrong.observed, wrong.unexplained) == (Basis.GIVEN, 2, 1)


def test_what_no_rule_explains() -> None:
    """Starts that contradict each other leave the assumption, and are counted."""
    at = datetime(2026, 7, 4, 6, tzinfo=timezone.utc)
    known = learn_rules(
        [Observation("0 6 * * *", at), Observation("0 7 * * *", at + timedelta(hours=7))], _NOW
    )
    assert (known.zone, known.zone_name, known.unexplained) == (Basis.ASSUMED, "UTC", 1)


def test_what_says_nothing() -> None:
    """What is over, what is no cron expression, and the far future are survived."""
    odd = [
        Observation("0 6 * * *", datetime(2020, 1, 1, tzinfo=timezone.utc)),
        Observation("nonsense", datetime(2026, 7, 4, tzinfo=timezone.utc)),
        Observation("0 6 * * *", datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
    ]
    known = learn_rules(odd, _NOW)
    assert (known.zone, known.observed, known.unexplained) == (Basis.ASSUMED, 0, 0)


def test_a_clock_that_differs_a_little() -> None:
    """A start that is due within two minutes may be over for the platform already."""
    now = datetime(2026, 7, 3, 5, 59, 30, tzinfo=timezone.utc)
    late = Observation("0 6 * * *", datetime(2026, 7, 4, 6, tzinfo=timezone.utc))
    assert learn_rules([late], now).zone is Basis.LEARNT
