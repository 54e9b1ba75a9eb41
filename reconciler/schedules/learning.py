"""What is known of the platform's clock: its time zone, and how it counts the days of the week.

Nothing documents either. A platform that says when a schedule starts next shows both: they are the ones with
which that start is reckoned. What nothing shows is assumed, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from enum import Enum
from typing import Final

from reconciler.schedules.cron import CRONTAB_FIELDS, cron_error
from reconciler.schedules.runs import DEFAULT_RULES, SchedulerRules, runs_between

_SKEW: Final = timedelta(minutes=2)
"""By how much the platform's clock may differ from ours."""

_FAR: Final = timedelta(days=400)
"""A start that is further away says nothing: to reckon it takes long, and it may be made up."""

_SECOND: Final = timedelta(seconds=1)
_MOST_OBSERVATIONS: Final = 100
_HALF_HOUR: Final = timedelta(minutes=30)
_OFFSETS: Final = [timezone(number * _HALF_HOUR) for number in range(-24, 29) if number]
"""Every usual difference from UTC, other than none."""

_LIKELY: Final = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
_REGIONS: Final = tuple(
    f"{name}/"
    for name in [
        "Africa",
        "America",
        "Antarctica",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    ]
)


class Basis(str, Enum):
    """Where a fact about the platform is from."""

    GIVEN = "given"
    LEARNT = "learnt"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Observation:
    """What the platform says of one schedule.

    Args:
        cron: The cron expression.
        scheduled: When it starts next.
    """

    cron: str
    scheduled: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRules:
    """How the platform reads cron expressions, and where each part of that is from.

    Args:
        rules: How it reads them.
        zone: The basis of the time zone.
        crontab_days: The basis of the number of Sunday in five fields.
        quartz_days: The basis of the number of Sunday in six and seven fields.
        observed: The number of schedules of which the platform says when they start next.
        unexplained: The number of those whose next start is another one than we reckon.
    """

    rules: SchedulerRules = DEFAULT_RULES
    zone: Basis = Basis.ASSUMED
    crontab_days: Basis = Basis.ASSUMED
    quartz_days: Basis = Basis.ASSUMED
    observed: int = 0
    unexplained: int = 0

    @property
    def zone_name(self) -> str:
        """The name of the time zone."""
        return zone_name(self.rules.zone)


def zone_name(zone: tzinfo) -> str:
    """Return the name of a time zone, such as `Europe/London` or `UTC`."""
    return str(zone)


def learn_rules(observations: Iterable[Observation], now: datetime, zone: tzinfo | None = None) -> KnownRules:
    """Return how the platform reads cron expressions, as what it has scheduled shows.

    Args:
        observations: What it says of its schedules. What is over, far away or no cron
            expression is left out.
        now: The time at which it was asked.
        zone: The time zone, where a user has given it.
    """
    usable = _usable(observations, now)
    if zone is not None:
        given = _fitting(usable, now, zone) or SchedulerRules(zone=zone)
        return _known(usable, now, given, Basis.GIVEN)
    found = _fitting(usable, now, timezone.utc)
    if found is not None:
        others = any(_fitting(usable, now, other) for other in _OFFSETS)
        return _known(usable, now, found, Basis.ASSUMED if others else Basis.LEARNT)
    tried = set()
    for other in _zones():
        ahead = tuple(item.scheduled.astimezone(other).utcoffset() for item in usable)
        if ahead not in tried and (found := _fitting(usable, now, other)) is not None:
            return _known(usable, now, found, Basis.LEARNT)
        tried.add(ahead)
    return _known(usable, now, DEFAULT_RULES, Basis.ASSUMED)


def _usable(observations: Iterable[Observation], now: datetime) -> list[Observation]:
    """Return the observations that can be reckoned with, those of few starts a day first."""
    end = now + _FAR
    found = {item for item in observations if now < item.scheduled < end and not cron_error(item.cron)}
    return sorted(found, key=lambda item: (item.cron.count("*"), item.cron, item.scheduled))[
        :_MOST_OBSERVATIONS
    ]


def _fitting(observations: Sequence[Observation], now: datetime, zone: tzinfo) -> SchedulerRules | None:
    """Return the rules of a zone that explain everything, the usual numbers first; `None` for none."""
    rules = SchedulerRules(zone=zone)
    for crontab in (True, False):
        ours = [item for item in observations if _is_crontab(item) is crontab]
        for candidate in _numberings(rules, crontab=crontab):
            if all(_explains(candidate, item, now) for item in ours):
                rules = candidate
                break
        else:
            return None
    return rules


def _numberings(rules: SchedulerRules, *, crontab: bool) -> Iterator[SchedulerRules]:
    yield rules
    if crontab:
        yield rules._replace(crontab_sunday=1 - rules.crontab_sunday)
    else:
        yield rules._replace(quartz_sunday=1 - rules.quartz_sunday)


def _explains(rules: SchedulerRules, item: Observation, now: datetime) -> bool:
    """Return whether the next start, by these rules, is the one that the platform says."""
    with suppress(OverflowError):
        since = min(now + _SKEW, item.scheduled)
        return next(runs_between(item.cron, since, item.scheduled + _SECOND, rules), None) == item.scheduled
    return False


def _known(
    observations: Sequence[Observation], now: datetime, rules: SchedulerRules, zone: Basis
) -> KnownRules:
    bases = {}
    for crontab in (True, False):
        _, other = _numberings(rules, crontab=crontab)
        ours = [item for item in observations if _is_crontab(item) is crontab]
        fit, others = (all(_explains(one, item, now) for item in ours) for one in (rules, other))
        bases[crontab] = Basis.LEARNT if fit and not others else Basis.ASSUMED
    return KnownRules(
        rules=rules,
        zone=zone,
        crontab_days=bases[True],
        quartz_days=bases[False],
        observed=len(observations),
        unexplained=sum(not _explains(rules, item, now) for item in observations),
    )


def _is_crontab(item: Observation) -> bool:
    return len(item.cron.split()) == CRONTAB_FIELDS


def _zones() -> Iterator[tzinfo]:
    """Yield the time zones of the world, the likely ones first."""
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - a zone is seldom looked for

    known = available_timezones()
    names = [*_LIKELY, *sorted(name for name in known if name.startswith(_REGIONS))]
    for name in dict.fromkeys(names):
        if name in known:
            yield ZoneInfo(name)
