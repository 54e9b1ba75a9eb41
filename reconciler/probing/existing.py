"""Existing workflows: what their schedules say of a platform, since a probe makes none of its own.

A platform that keeps schedules in another form would not have one that this form would change: so a form is
ruled out, and never found. The next starts of schedules show how the days of the week are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from reconciler.emulator import SWITCHES
from reconciler.plan import known_rules
from reconciler.probing.inference import Conclusion
from reconciler.schedules import Basis, KnownRules
from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow import Listed

_READ: Final = "read from existing workflows"
_NAMES_DAYS: Final = "cron-day-names"
_LOWER: Final = "cron-lower"
_FEW_HOURS: Final = timedelta(hours=9)
"""The difference from UTC up to which no other time zone has the same time of another day."""


def shown_by_existing(listed: Iterable[Listed], now: datetime) -> dict[str, Conclusion]:
    """Return what the schedules of live workflows say of the switches about schedules.

    Args:
        listed: The live workflows, as the list shows them.
        now: When they were listed.
    """
    workflows = tuple(listed)
    triggers = [
        trigger
        for item in workflows
        for trigger in map(as_object, as_list(item.health.get("triggers")))
        if isinstance(trigger.get("cron"), str)
    ]
    ruled_out = [name for name in SWITCHES if name.startswith("cron-") and _is_contradicted(name, triggers)]
    if _NAMES_DAYS not in ruled_out and _LOWER in ruled_out:
        ruled_out.remove(_LOWER)  # a platform that writes the names of days writes them in capitals
    if any(isinstance(trigger.get("scheduled"), str) for trigger in triggers):
        ruled_out.append("scheduled-hidden")
    rules = known_rules((), workflows, now)
    return {**dict.fromkeys(ruled_out, Conclusion(found=False)), **_clock(rules, now)}


def _is_contradicted(name: str, triggers: Iterable[JsonObject]) -> bool:
    """Return whether a schedule is there that a form of schedules would change."""
    rewrite = SWITCHES[name].rewrite
    if rewrite is None:
        return False
    for trigger in triggers:
        body: JsonObject = {"triggers": [{"cron": trigger["cron"]}]}
        rewrite(body, "")
        if body != {"triggers": [{"cron": trigger["cron"]}]}:
            return True
    return False


def _clock(rules: KnownRules, now: datetime) -> dict[str, Conclusion]:
    """Return what the next starts of schedules say of the platform's clock."""
    found: dict[str, Conclusion] = {}
    offset = now.astimezone(rules.rules.zone).utcoffset() or timedelta()
    if rules.zone is Basis.LEARNT and not rules.unexplained:
        why = f"the next starts of existing schedules fit {rules.zone_name}, and perhaps other time zones"
        found["schedule-zone"] = Conclusion(found=None, evidence=why)
    if rules.unexplained or abs(offset) > _FEW_HOURS:
        return found
    for name, basis, is_so in (
        ("crontab-sunday-1", rules.crontab_days, rules.rules.crontab_sunday == 1),
        ("quartz-sunday-0", rules.quartz_days, rules.rules.quartz_sunday == 0),
    ):
        if basis is Basis.LEARNT:
            found[name] = Conclusion(found=is_so, evidence=_READ if is_so else "")
    return found
