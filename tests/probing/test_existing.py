"""What existing schedules say of a platform: a form that is not kept is ruled out, nothing is made up."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest
from strategies import DEPTH

from reconciler.emulator import EmulatedTenant, TenantStore
from reconciler.emulator.profiles import SWITCHES, check_profile
from reconciler.probing import shown_by_existing
from reconciler.workflow import Listed

if TYPE_CHECKING:
    from reconciler.probing import Conclusion

NOW: Final = datetime(2027, 3, 3, 10, 0, tzinfo=timezone.utc)
CRONS: Final = ("0  6 * * 1-5", "0 0 6 ? * mon-FRI", "30 5 * JAN 0", "0 15 4 ? * 2 *", "0 0 6 ? * SUN")
FORMS: Final = (
    ("", "cron-collapsed", "cron-spaced"),
    ("", "cron-upper", "cron-lower"),
    ("", "cron-day-names", "cron-day-numbers"),
    ("", "rewrites-returned"),
)

FEW: Final = (
    ("cron-lower", "cron-day-names"),
    ("cron-upper", "cron-day-numbers", "cron-spaced"),
    ("cron-collapsed", "rewrites-returned"),
)
"""The combinations that every run tries; a deeper one tries all."""


def _shown(profile: frozenset[str], crons: tuple[str, ...] = CRONS) -> dict[str, Conclusion]:
    """Return what the list of a tenant says that has a workflow for each schedule."""
    tenant = EmulatedTenant(TenantStore(clock=NOW.timestamp), profile, seed=0)
    for number, cron in enumerate(crons):
        tenant.create({"name": f"w{number}", "triggers": [{"cron": cron}], "steps": {"a": {"command": "x"}}})
    entries = tenant.summaries(tenant.store.records())
    return shown_by_existing((Listed.of(entry) for entry in entries if isinstance(entry, dict)), NOW)


def _is_right(shown: dict[str, Conclusion], profile: frozenset[str]) -> bool:
    names = {word.partition("=")[0] for word in profile}
    return all(item.found in {None, name in names} for name, item in shown.items())


@pytest.mark.parametrize("crons", [CRONS, *((cron,) for cron in CRONS)] if DEPTH > 1 else [CRONS])
def test_forms(crons: tuple[str, ...]) -> None:
    """With every combination of forms, whatever is concluded is so."""
    for words in product(*FORMS) if DEPTH > 1 else FEW:
        profile = check_profile(filter(None, words))
        assert _is_right(_shown(profile, crons), profile), sorted(profile)


def test_what_is_ruled_out() -> None:
    """A tenant that keeps schedules as they are shows that it has no form for them."""
    shown = _shown(frozenset())
    assert {name for name in SWITCHES if name.startswith("cron-")} <= {*shown}
    assert shown["scheduled-hidden"].found is False
    assert shown["crontab-sunday-1"].found is False
    assert shown["quartz-sunday-0"].found is False


@pytest.mark.parametrize(
    "word",
    [
        *("crontab-sunday-1", "quartz-sunday-0", "scheduled-hidden", "schedule-zone=Asia/Tokyo"),
        *("schedule-zone=Pacific/Kiritimati", "schedule-zone=Pacific/Honolulu", "cron-day-names"),
    ],
)
@pytest.mark.parametrize("more", ["", "crontab-sunday-1", "quartz-sunday-0"] if DEPTH > 1 else [""])
def test_clock(word: str, more: str) -> None:
    """How days are counted is found from the next starts; a time zone never is for sure."""
    profile = check_profile({word, more} - {""})
    shown = _shown(profile)
    assert _is_right(shown, profile)
    if word.endswith(("-1", "-0")):
        assert shown[word].found is True
    if word == "schedule-zone=Asia/Tokyo":
        assert "fit " in shown["schedule-zone"].evidence


def test_nothing_to_read() -> None:
    """Without schedules, or with entries of any shape, nothing is concluded."""
    assert not _shown(frozenset(), ())
    odd = Listed.of({"id": 1, "name": "x", "triggers": [None, 7, {"cron": 3, "scheduled": []}]})
    assert not shown_by_existing([odd], NOW)
