"""Schedules against a platform whose clock runs a year and whose executions really start."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer
from reconciler.schedules import SchedulerRules, next_run, runs_between

_START = datetime(2026, 12, 15, 11, 7, 30, tzinfo=timezone.utc)
_STEP = timedelta(days=9 if DEPTH > 1 else 33)  # the platform keeps 500 executions of a workflow
_YEAR = [_START + number * _STEP for number in range(timedelta(days=366) // _STEP + 2)]

_CRONTAB = [
    "0 6 * * 1-5",
    "30 1 * * 0",
    "0 */6 1,15 * MON",
    "15 2 L * *",
    "0 22-2/3 * * FRI-MON",
    "*/20 1-2 * MAR,OCT 7",
    "0 0 29 2 *",
    "0 5 13 * 5",
]
_QUARTZ = [
    "0 0 6 ? * 2-6",
    "30 30 1 ? * 1",
    "0 0/40 12 LW * ?",
    "15 0 0 L-3 * ?",
    "0 0 8 ? * 6#3",
    "0 15 10 15W * ? 2027/2",
    "0 0 3 ? * 6L *",
    "0,30 59 1,2 ? 3,10 1",
]
_DEEPER = [
    "*/30 * * * *",
    "5-50/9 7 */3 * *",
    "0 12 31 * 1",
    "0 0 * ? * *",
    "0 0/30 8-18 ? * MON-FRI",
    "0 10 4 31W * ?",
    "45 1 1 1W JAN-JUN ? 2027",
    "0 0 0 ? * L",
    "0 0 9 1 * 2#1",
]


class _Platform:
    """A platform with a clock that a test sets."""

    def __init__(self, expressions: list[str], profile: str) -> None:
        self.now = _START.timestamp()
        words = frozenset({"schedules-fire", *filter(None, profile.split(","))})
        self.server = EmulatorServer(clock=lambda: self.now, step_seconds=0.0, profile=words)
        steps = {"a": {"imageId": 1, "command": "echo"}}
        options = {"metadata": {"allowConcurrentExecution": True}, "steps": steps}
        self.ids = {
            cron: self.server.store.create({"name": cron, "triggers": [{"cron": cron}], **options})
            for cron in expressions
        }

    def get(self, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.server.url}/workflows/api/v1/workflows/{path}", headers={"Authorization": "any"}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def started(self, cron: str, since: datetime) -> list[datetime]:
        """Return when executions have started since a moment, over all pages."""
        found: list[str] = []
        number = pages = 1
        while number <= pages:
            page = self.get(
                f"executions/{self.ids[cron]}?dateFrom={since:%Y-%m-%dT%H:%M:%SZ}"
                f"&pageSize=1000&pageNumber={number}"
            )
            found += [item["executedAt"] for item in page["executions"]]
            number, pages = number + 1, page["pageCount"]
        return sorted(datetime.fromisoformat(text.replace("Z", "+00:00")) for text in found)


_PLATFORMS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "utc": ("", {}),
    "london": ("schedule-zone=Europe/London", {"zone": ZoneInfo("Europe/London")}),
    "other-days": (
        "schedule-zone=Australia/Lord_Howe,crontab-sunday-1,quartz-sunday-0",
        {"zone": ZoneInfo("Australia/Lord_Howe"), "crontab_sunday": 1, "quartz_sunday": 0},
    ),
}


@pytest.fixture(params=_PLATFORMS if DEPTH > 1 else ["london"])
def platform(request: pytest.FixtureRequest) -> Iterator[tuple[_Platform, SchedulerRules]]:
    """Yield a platform with a workflow for each expression, and how it reads them."""
    profile, rules = _PLATFORMS[request.param]
    found = _Platform([*_CRONTAB, *_QUARTZ, *(_DEEPER if DEPTH > 1 else [])], profile)
    with found.server:
        yield found, SchedulerRules(**rules)


def test_a_year_without_a_miss(platform: tuple[_Platform, SchedulerRules]) -> None:
    """Over a year, each execution that starts was reckoned with, and each that was reckoned with starts."""
    tenant, rules = platform
    total = 0
    for since, until in pairwise(_YEAR):
        tenant.now = until.timestamp()
        for cron in tenant.ids:
            after = since + timedelta(seconds=1)
            expected = list(runs_between(cron, after, until + timedelta(seconds=1), rules))
            assert tenant.started(cron, after) == expected, cron
            total += len(expected)
    assert total > 1500


def test_the_next_run_is_what_the_platform_says(platform: tuple[_Platform, SchedulerRules]) -> None:
    """At any moment, what the platform lists as scheduled is what we say comes next."""
    tenant, rules = platform
    tenant.server.profile -= {"schedules-fire"}
    for moment in _YEAR[:: len(_YEAR) // 4]:
        tenant.now = moment.timestamp()
        listed = tenant.get("?pageSize=100")["workflows"]
        for workflow in listed:
            (trigger,) = workflow["triggers"]
            expected = next_run(trigger["cron"], moment, rules)
            stated = expected and expected.strftime(
                "%Y-%m-%dT%H:%M:%S.000Z"
            )  # no year is left for one of them
            assert trigger.get("scheduled") == stated, trigger["cron"]


def test_what_does_not_fire() -> None:
    """A paused workflow starts nothing, and a webhook or a broken cron does no harm."""
    tenant = _Platform(["0 * * * *"], "")
    store = tenant.server.store
    steps = {"a": {"imageId": 1, "command": "echo"}}
    odd = ["not a cron", "99 * * * *", "0 0 0 1 1 ? 2020", "* * *", "1/0 * * * *", f"{'9' * 50} * * * *"]
    for number, cron in enumerate(odd):
        store.create(
            {"name": f"odd-{number}", "triggers": [{"cron": cron}, {"webhook": True}], "steps": steps}
        )
    store.set_paused(tenant.ids["0 * * * *"], paused=True)
    with tenant.server:
        tenant.now += 86400
        assert tenant.started("0 * * * *", _START) == []
        store.set_paused(tenant.ids["0 * * * *"], paused=False)
        tenant.now += 7200
        assert len(tenant.started("0 * * * *", _START)) == 2
        for item in tenant.get("?pageSize=100")["workflows"]:
            assert ("scheduled" in item["triggers"][0]) is (item["name"] == "0 * * * *")
