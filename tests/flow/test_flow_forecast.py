"""`forecast` as a user types it, of a tenant whose schedules really fire."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import icalendar
import pytest
from flow_helpers import Ended, FakeTime, Git, body
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer
from reconciler.operations import forecasting, plan_for_tenant

_START = datetime(2027, 3, 25, 17, 30, tzinfo=timezone.utc)  # a Thursday, three days before summer time
_HISTORY = timedelta(days=5)
_CONCURRENT = {"metadata": {"allowConcurrentExecution": True}}


@pytest.fixture
def time() -> FakeTime:
    """Return a time that begins before schedules have fired."""
    found = FakeTime()
    found.now = (_START - _HISTORY).timestamp()
    return found


@pytest.fixture
def server(time: FakeTime) -> Iterator[EmulatorServer]:
    """Return a tenant in London whose schedules fire, with steps of twenty minutes."""
    profile = frozenset({"schedules-fire", "schedule-zone=Europe/London"})
    with EmulatorServer(clock=time, step_seconds=1200.0, profile=profile) as running:
        yield running


@pytest.fixture(autouse=True)
def _now(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasting, "utc_now", lambda: datetime.fromtimestamp(time.now, tz=timezone.utc))


def _cron(name: str, *crons: str, **fields: Any) -> dict[str, Any]:
    return body(name, triggers=[{"cron": cron} for cron in crons], **fields)


def _tenant(git: Git) -> None:
    """Make a tenant that has run for five days, and a Git that differs from it."""
    git.write(_cron("daily", "0 6 * * *", **_CONCURRENT), "daily.yaml")
    git.write(_cron("sync", "*/15 * * * *", **_CONCURRENT), "sync.yaml")
    git.write(_cron("night", "30 1 * * *", "0 0 7 ? * 2", **_CONCURRENT), "night.yaml")
    git.write(_cron("off", "0 5 * * *"), "off.yaml", paused=True)
    git.write(body("hooked", triggers=[{"webhook": True}]), "hooked.yaml")
    git.done()
    git.time.now = _START.timestamp()
    git.write(_cron("daily", "0 5 * * *", **_CONCURRENT), "daily.yaml")
    git.write(_cron("new", "0 0 12 ? * FRI"), "new.yaml")


def _table(text: str, title: str) -> list[list[str]]:
    """Return the rows of the table or the list under a title, as cells."""
    after = text.split(f"{title}\n", 1)[1] if title else text.split("\n\n", 1)[1]
    return [re.split(r" {2,}", line.strip()) for line in after.split("\n\n")[0].splitlines()]


def test_the_forecast_of_a_day(git: Git, typed: Callable[..., Ended]) -> None:
    """Next runs, changes, overlaps and the load by hour, in the zone that Monday's start shows."""
    _tenant(git)
    git.server.clear_requests()
    ended = typed("forecast", git.folder)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "Forecast for 24 h: Thu 25 Mar 17:30 to Fri 26 Mar 17:30, Europe/London"
    assert lines[1].startswith("Time zone of schedules: Europe/London, learnt from what is scheduled")
    assert lines[2] == "Sunday is 0 in five fields (assumed), 1 in six and seven (learnt)."
    assert _table(ended.out, "")[1:] == [
        ["daily", "0 5 * * *", "1", "Fri 26 Mar 05:00, Sat 27 Mar 05:00, Sun 28 Mar 05:00"],
        ["new", "0 0 12 ? * FRI", "1", "Fri 26 Mar 12:00, Fri 2 Apr 12:00, Fri 9 Apr 12:00"],
        ["night", "30 1 * * *", "1", "Fri 26 Mar 01:30, Sat 27 Mar 01:30, Mon 29 Mar 01:30"],
        ["night", "0 0 7 ? * 2", "0", "Mon 29 Mar 07:00, Mon 5 Apr 07:00, Mon 12 Apr 07:00"],
        ["off", "0 5 * * *", "-", "paused"],
        ["sync", "*/15 * * * *", "96", "Thu 25 Mar 17:30, 17:45, 18:00"],
    ]
    changes = ended.out.split("Changes\n")[1].split("\n\n")[0]
    assert (
        "  daily\n    schedule: 0 6 * * * → 0 5 * * *\n    next run: Fri 26 Mar 06:00 → Fri 26 Mar 05:00"
        in (changes)
    )
    assert "  new\n    schedule: does not exist → 0 0 12 ? * FRI\n    first run: Fri 26 Mar 12:00" in changes
    assert (
        "Overlaps\n  sync: 96 starts come before the last execution ends, from Thu 25 Mar 17:45: every 15 min"
        in (ended.out)
    )
    load = {row[0]: row[1:4] for row in _table(ended.out, "Load by hour, Europe/London")[1:-1]}
    assert load["Fri 26 Mar 05:00"] == ["5", "4", "3"]
    assert load["Fri 26 Mar 06:00"] == ["4", "5", "2"]
    assert "AT ONCE leaves out 1 workflow whose duration is unknown" in ended.out
    assert lines[-1] == (
        "5 workflows with 6 schedules: 99 runs, 2 changed, 1 overlapping, 1 paused; "
        "1 other workflow has no schedule."
    )
    assert git.writes() == []
    listed = [request.path for request in git.server.requests if "/executions/" in request.path]
    assert len(listed) == 4


def test_a_clock_change(git: Git, typed: Callable[..., Ended]) -> None:
    """What the clock skips or shows twice is named; what runs hour by hour is not affected."""
    _tenant(git)
    ended = typed("forecast", git.folder, "--time-zone", "Europe/London", "--hours", 96, "--count", 5)
    changes = ended.out.split("Clock changes\n")[1].split("\n\n")[0].splitlines()
    assert changes == [
        "  Sun 28 Mar 02:00: Europe/London goes forward by 1 h",
        "    night, 30 1 * * *: does not start at 01:30",
        "  Sun 31 Oct 01:00: Europe/London goes back by 1 h",
        "    night, 30 1 * * *: starts twice at 01:30",
    ]
    night = next(row for row in _table(ended.out, "") if row[:2] == ["night", "30 1 * * *"])
    assert night[3].startswith("Fri 26 Mar 01:30, Sat 27 Mar 01:30, Mon 29 Mar 01:30")
    utc = typed("forecast", git.folder, "--time-zone", "Europe/London", "--utc", "--hours", 96)
    assert "Mon 29 Mar 00:30" in utc.out


def test_summer_is_learnt(git: Git, typed: Callable[..., Ended]) -> None:
    """In summer the zone is learnt; what cannot be learnt is named as assumed, once in each format."""
    _tenant(git)
    git.time.now = datetime(2027, 4, 1, 12, tzinfo=timezone.utc).timestamp()
    assert "schedules: Europe/London, learnt" in typed("forecast", git.folder).out
    git.server.profile |= {"scheduled-hidden"}
    assert typed("forecast", git.folder).out.count("UTC, assumed; set it with --time-zone") == 1
    document = json.loads(typed("forecast", git.folder, "--format", "json").out)
    assert document["time_zone"] == {"name": "UTC", "basis": "assumed"}
    assert document["sunday"]["crontab"] == {"number": 0, "basis": "assumed"}
    for name in ("ics", "html"):
        shown = typed("forecast", git.folder, "--format", name).out.replace("\r\n ", "")
        assert len(re.findall(r"UTC\\?, assumed", shown)) == 1


def test_json(git: Git, typed: Callable[..., Ended]) -> None:
    """The document has every run, and of a changed workflow how it is now; times are in UTC."""
    _tenant(git)
    document = json.loads(typed("forecast", git.folder, "--format", "json", "--hours", 12).out)
    assert (document["from"], document["until"]) == ("2027-03-25T17:30:00Z", "2027-03-26T05:30:00Z")
    assert document["summary"] == {
        "workflows": 5,
        "schedules": 6,
        "runs": 50,
        "changed": 2,
        "overlapping": 1,
        "paused": 1,
        "without_schedule": 1,
    }
    found = {item["name"]: item for item in document["workflows"]}
    assert found["daily"]["now"] == {
        "crons": ["0 6 * * *"],
        "paused": False,
        "next_run": "2027-03-26T06:00:00Z",
        "runs": 0,
        "overlapping_starts": 0,
    }
    assert found["daily"]["schedules"][0]["runs"] == ["2027-03-26T05:00:00Z"]
    assert found["new"]["now"] is None
    assert found["sync"]["duration_seconds"] == 1200.0
    assert found["sync"]["overlap"] == {
        "starts": 48,
        "first": "2027-03-25T17:45:00Z",
        "shortest_interval_seconds": 900.0,
    }
    assert sum(hour["starts"] for hour in document["hours"]) == 50
    assert len(found["sync"]["schedules"][0]["runs"]) == 48


def test_what_a_change_does_to_overlaps(git: Git, typed: Callable[..., Ended]) -> None:
    """A schedule that becomes sparse enough no longer overlaps, which the changes show."""
    _tenant(git)
    git.write(_cron("sync", "*/30 * * * *", **_CONCURRENT), "sync.yaml")
    changes = typed("forecast", git.folder).out.split("Changes\n")[1]
    assert "runs: 96 → 48\n    overlapping starts: 96 → 0" in changes
    assert "Overlaps" not in changes


def test_what_git_does_not_have(git: Git, typed: Callable[..., Ended]) -> None:
    """Orphaned workflows still run; unmanaged ones are included where asked for."""
    git.choose(owner="team")
    git.write(_cron("kept", "0 6 * * *"), "kept.yaml")
    git.write(_cron("orphan", "0 7 * * *"), "orphan.yaml")
    git.owned_by("team")
    git.done()
    git.remove("orphan.yaml")
    git.server.store.create(_cron("stranger", "0 8 * * *"))
    words = ("forecast", git.folder, "--format", "json", "--ownership-tag", "team")
    config = git.folder.parent / "reconciler.yaml"
    config.write_text("version: 1\nmanifests: [workflows]\n", encoding="utf-8")
    words = ("forecast", "--config", config, *words[2:])
    found = {item["name"]: item for item in json.loads(typed(*words).out)["workflows"]}
    assert {name: item["orphaned"] for name, item in found.items()} == {"kept": False, "orphan": True}
    shown = json.loads(typed(*words, "--show-unmanaged").out)["workflows"]
    assert [item["name"] for item in shown if item["unmanaged"]] == ["stranger"]


def test_a_calendar(git: Git, typed: Callable[..., Ended]) -> None:
    """A calendar program reads each run with its name, time and length, whatever the name holds."""
    git.write(_cron("a, b; c\\d \u4f60\u597d " + "x" * 60, "0 */6 * * *"), "odd.yaml")
    file = git.folder.parent / "runs.ics"
    typed("forecast", git.folder, "--offline", "--output", f"ics={file}")
    data = file.read_bytes()
    assert data.endswith(b"END:VCALENDAR\r\n")
    assert max(map(len, data.split(b"\r\n"))) <= 75
    calendar = icalendar.Calendar.from_ical(data)
    events = calendar.walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in events] == ["a, b; c\\d \u4f60\u597d " + "x" * 60] * 4
    assert [event.decoded("DTSTART") for event in events] == [
        datetime(2027, 3, 20, 18, tzinfo=timezone.utc) + number * timedelta(hours=6) for number in range(4)
    ]
    assert len({str(event["UID"]) for event in events}) == 4
    assert calendar.errors == []
    git.write(_cron("often", "0/5 * * * * ?"), "odd.yaml")
    refused = typed("forecast", git.folder, "--offline", "--format", "ics")
    assert (refused.code, "17280 events, more than 10000" in refused.err) == (64, True)


def test_offline_and_wrong_usage(git: Git, typed: Callable[..., Ended]) -> None:
    """Without credentials the manifests alone are forecast, and no request is sent; errors say what to do."""
    _tenant(git)
    git.server.clear_requests()
    ended = typed("forecast", git.folder, "--offline", "--target", "d*", PEAK_AUTH_TOKEN="")
    assert ended.code == 0
    assert "Of the manifests alone: the tenant was not asked (--offline)." in ended.out
    assert ended.out.endswith("1 workflow with 1 schedule: 1 run.\n")
    assert git.server.requests == []
    for words, message in (
        (("--until", "2020-01-01"), "the forecast ends before it begins"),
        (("--until", "soon"), "it must be a date such as 2026-01-31"),
        (("--time-zone", "Mars/Olympus"), "unknown time zone 'Mars/Olympus'"),
        (("--hours", "0"), "a number from 1 to 8784"),
    ):
        refused = typed("forecast", git.folder, "--offline", *words)
        assert (refused.code, message in refused.err) == (64, True), refused.err
    for file in git.folder.iterdir():
        file.unlink()
    git.write(body("hooked"), "hooked.yaml")
    assert "No workflow has a schedule (1 workflow)." in typed("forecast", git.folder, "--offline").out


def test_a_page(git: Git, typed: Callable[..., Ended]) -> None:
    """The page has each workflow with its next runs, and no name becomes markup."""
    _tenant(git)
    git.write(_cron("<b>odd</b>", "0 5 * * *"), "odd.yaml")
    page = typed("forecast", git.folder, "--format", "html").out
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    assert "<b>odd" not in page
    assert "first run Fri 26 Mar 12:00" in page


def test_a_plan_shows_the_next_run(
    git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a changed schedule before and after, of a new one the first, in every format; of others nothing."""
    _tenant(git)
    git.write(_cron("off", "0 5 * * *"), "off.yaml", paused=False)
    git.write(_cron("sync", **_CONCURRENT), "sync.yaml")
    git.write(_cron("night", "30 1 * * *", "0 0 7 ? * MON", metadata={}), "night.yaml")
    monkeypatch.setattr(plan_for_tenant, "utc_now", forecasting.utc_now)
    expected = {
        "daily": "next run: Fri 26 Mar 2027 06:00 → Fri 26 Mar 2027 05:00 Europe/London",
        "new": "first run: Fri 26 Mar 2027 12:00 Europe/London",
        "off": "next run: none → Fri 26 Mar 2027 05:00 Europe/London",
        "sync": "next run: Thu 25 Mar 2027 17:45 Europe/London → none",
    }
    for name in ("text", "markdown", "html"):
        shown = typed("plan", git.folder, "--format", name).out
        assert sum(shown.count(line) for line in ("next run: ", "first run: ")) == len(expected), name
        assert all(line in shown for line in expected.values()), name
    changes = json.loads(typed("plan", git.folder, "--format", "json").out)["changes"]
    runs = {change["name"]: change["next_run"] for change in changes}
    assert runs["night"] is None
    assert runs["daily"] == {
        "before": "2027-03-26T06:00:00Z",
        "after": "2027-03-26T05:00:00Z",
        "time_zone": "Europe/London",
        "assumed": False,
        "first": False,
        "paused": False,
    }
    assert (runs["new"]["before"], runs["new"]["after"]) == (None, "2027-03-26T12:00:00Z")
    git.server.profile |= {"scheduled-hidden"}
    assert "05:00 UTC (assumed)" in typed("plan", git.folder).out


@pytest.mark.parametrize("step", range(3 if DEPTH > 1 else 1))
def test_what_is_forecast_happens(git: Git, typed: Callable[..., Ended], step: int) -> None:
    """Each run that is forecast starts an execution at its time, and nothing else starts one."""
    crons = ["*/20 5-6 * * 1-5", "0 10 6 ? * 6", "30 1 * * 0", "0 0/30 0-3 ? * 1 *"]
    for number, cron in enumerate(crons):
        git.write(_cron(f"w{number}", cron, **_CONCURRENT), f"{number}.yaml")
    git.done()
    git.time.now = _START.timestamp() + step * 4 * 86400 + (step and 7 * 3600)
    typed("forecast", git.folder)  # the tenant catches up
    zone = ("--time-zone", "Europe/London")
    document = json.loads(typed("forecast", git.folder, "--format", "json", "--hours", 100, *zone).out)
    since, until = document["from"], document["until"]
    git.time.now += 100 * 3600 - 1
    for item in document["workflows"]:
        runs = list(itertools.chain.from_iterable(schedule["runs"] for schedule in item["schedules"]))
        listed = git.client.list_executions(git.live(item["name"]), since, until)
        started = sorted(execution["executedAt"].replace(".000Z", "Z") for execution in listed)
        assert started == runs, item["name"]
