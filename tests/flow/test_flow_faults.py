"""Faults on the way: after a few runs the tenant is in sync, with no twin and nothing lost."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from flow_helpers import DONE_UNSEEN, FAULTS, LIST, FakeTime, Git, body, errors, statuses, step
from strategies import DEPTH

from reconciler.apply import Report, Status
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.emulator.server import EmulatorServer

SEVEN = [f"n{number}" for number in range(7)]


def _write(git: Git, command: str) -> None:
    for name in SEVEN:
        git.write(body(name, command, triggers=[{"webhook": True}]), f"{name}.yaml")


def _applied(git: Git, runs: int = 4) -> list[Report]:
    """Apply until everything is done, `runs` times at most; after each run there is no twin."""
    reports = []
    for _ in range(runs):
        report = git.apply()
        reports.append(report)
        names = Counter(record.name for record in git.server.store.records())
        assert set(names.values()) <= {1}, "a twin"
        _is_true(git, report)
        if all(result.status is Status.DONE for result in report.results):
            break
    git.server.faults = ()
    git.is_clean()
    return reports


def _is_true(git: Git, report: Report) -> None:
    """Check that what is reported as done is there, under the id that is reported."""
    for result in report.results:
        if result.status is Status.DONE:
            assert result.id is not None
            assert git.server.store.get(result.id).name == result.action.name


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if "after" not in fault])
def test_reads(git: Git, fault: str) -> None:
    """A read that meets a passing trouble is asked again; one run is enough."""
    _write(git, "echo 1")
    git.server.faults = (f"{fault}:0.2@GET",)
    git.apply()
    _write(git, "echo 2")
    git.server.faults = (f"{fault}:x3@GET",)
    assert set(statuses(git.apply()).values()) == {"done"}
    git.is_clean()


@pytest.mark.parametrize("fault", FAULTS)
def test_one_lost_create_needs_one_run(git: Git, fault: str) -> None:
    """A create whose answer is lost is looked up by its name before it is sent again: one run is enough."""
    git.write(body())
    git.server.faults = (f"{fault}:x1@POST",)
    (report,) = _applied(git)
    assert statuses(report) == {"flow": "done"}
    posts = [request for request in git.writes() if request.method == "POST"]
    expected = 1 if fault in DONE_UNSEEN else 2
    assert len(posts) == expected


@pytest.mark.parametrize("fault", FAULTS)
def test_one_lost_update_needs_one_run(git: Git, fault: str) -> None:
    """An update whose answer is lost is sent again only when the workflow is still what it was."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    git.server.clear_requests()
    git.server.faults = (f"{fault}:x1@PUT",)
    (report,) = _applied(git)
    assert statuses(report) == {"flow": "done"}
    expected = 1 if fault in DONE_UNSEEN else 2
    assert len(git.writes()) == expected


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "503", "503-after", "truncated"])
def test_pauses(git: Git, fault: str) -> None:
    """A pause and a resume whose answers are lost are done all the same."""
    git.write(body(), paused=True)
    git.server.faults = (f"{fault}:x1@POST{LIST}*/pause",)
    assert statuses(git.apply()) == {"flow": "done"}
    assert git.server.store.get(git.live()).paused
    git.write(body(), paused=False)
    git.server.faults = (f"{fault}:x1@POST{LIST}*/resume",)
    assert statuses(git.apply()) == {"flow": "done"}
    assert not git.server.store.get(git.live()).paused
    git.is_clean()


def test_a_pause_that_fails_after_a_create(git: Git) -> None:
    """A create that cannot be paused has failed, under its id; the next run pauses it and makes no twin."""
    git.write(body(), paused=True)
    git.server.faults = (f"403@POST{LIST}*/pause",)
    report = git.apply()
    assert (statuses(report), report.results[0].id) == ({"flow": "failed"}, git.live())
    git.server.faults = ()
    git.done()
    assert len(git.server.store.records()) == 1


def test_a_fault_that_stays_fails_the_apply(git: Git) -> None:
    """A create that never succeeds fails in words after a few tries, and nothing else is touched."""
    _write(git, "echo 1")
    git.server.faults = ("503@POST",)
    report = git.apply()
    assert set(statuses(report).values()) == {"failed"}
    assert all("503" in error for error in errors(report).values())
    assert len(git.writes()) == 4 * len(SEVEN)
    assert git.server.store.records() == []
    git.server.faults = ()
    git.done()


def test_a_server_that_always_loses_its_answers(git: Git) -> None:
    """A create that always takes effect and never answers is done after the first look, every time."""
    _write(git, "echo 1")
    git.server.faults = ("drop-after@POST",)
    assert set(statuses(git.apply()).values()) == {"done"}
    assert len(git.writes()) == len(SEVEN)
    git.is_clean()


def test_a_lost_answer_and_a_list_that_fails(git: Git) -> None:
    """When also the look for what a lost create made fails, it is not sent again; the next run finds it."""
    git.write(body())
    plan = git.plan()
    git.server.faults = ("drop-after:x1@POST", f"404:+1@GET{LIST}")
    report = git.apply(plan)
    assert statuses(report) == {"flow": "failed"}
    assert len(git.writes()) == 1
    git.server.faults = ()
    git.done()
    assert len(git.server.store.records()) == 1


def test_pushing_back_is_waited_for(git: Git, time: FakeTime) -> None:
    """A 429 says that nothing took effect: the write waits as long as the server asks, and is sent again."""
    git.write(body())
    git.server.faults = ("429-seconds:7:x2@POST",)
    assert statuses(git.apply()) == {"flow": "done"}
    assert [seconds for seconds in time.sleeps if seconds >= 7] == [7.0, 7.0]
    assert [request.status for request in git.writes()] == [429, 429, 200]


def test_a_read_back_that_fails(git: Git) -> None:
    """A write that cannot be read back is not called done; the next run sees that it is."""
    _write(git, "echo 1")
    git.done()
    _write(git, "echo 2")
    bad = git.live("n3")
    plan = git.plan()
    git.server.faults = (f"500:+1@GET{LIST}{bad}",)
    report = git.apply(plan)
    assert statuses(report) == {name: "failed" if name == "n3" else "done" for name in SEVEN}
    git.server.faults = ()
    git.is_clean()


def test_a_create_that_cannot_be_read_back(git: Git) -> None:
    """A create that cannot be read back is reported as failed with its id, and never made again."""
    git.write(body())
    git.server.faults = (f"500@GET{LIST}1",)
    report = git.apply()
    assert (statuses(report), report.results[0].id) == ({"flow": "failed"}, 1)
    git.server.faults = ()
    git.is_clean()


def test_a_write_that_shows_late(git: Git, server: EmulatorServer, time: FakeTime) -> None:
    """A platform that shows a write only after a moment is waited for."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    plan = git.plan()
    describe, old = server._tenant.describe, server._tenant.describe(git.live())
    shown = time.now + 1.0
    server._tenant.describe = lambda number: old if time.now < shown else describe(number)  # type: ignore[method-assign]
    assert statuses(git.apply(plan)) == {"flow": "done"}
    assert 1.0 <= sum(time.sleeps) < 2.0


@pytest.mark.parametrize("refusal", [400, 403, 409])
def test_a_write_that_shows_late_and_is_refused_again(
    git: Git, server: EmulatorServer, time: FakeTime, refusal: int
) -> None:
    """A lost update that shows only after its second try was refused is done, whatever the refusal was."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    plan = git.plan()
    describe, old = server._tenant.describe, server._tenant.describe(git.live())
    shown = time.now + 2.0
    server._tenant.describe = lambda number: old if time.now < shown else describe(number)  # type: ignore[method-assign]
    server.faults = ("drop-after:x1@PUT", f"{refusal}:x1@PUT")
    report = git.apply(plan)
    assert statuses(report) == {"flow": "done"}, errors(report)
    assert [request.status for request in git.writes()][-1] == refusal


def _list_late(server: EmulatorServer, time: FakeTime, seconds: float) -> None:
    """Let the tenant's list show nothing new for so long."""
    find, begun = server._tenant.find, time.now
    server._tenant.find = lambda **query: [] if time.now < begun + seconds else find(**query)  # type: ignore[method-assign]


@pytest.mark.parametrize("profile", [frozenset[str](), frozenset({"unique-names"})])
@pytest.mark.parametrize("seconds", [0.2, 2.0, 4.5])
def test_a_create_that_lists_late(
    git: Git, server: EmulatorServer, time: FakeTime, seconds: float, profile: frozenset[str]
) -> None:
    """A lost create that the list shows late leaves one workflow: one that a retry made is taken back."""
    server.profile = profile
    git.write(body())
    plan = git.plan()
    _list_late(server, time, seconds)
    server.faults = ("drop-after:x1@POST",)
    report = git.apply(plan)
    assert statuses(report) == {"flow": "done"}, errors(report)
    assert [result.id for result in report.results] == [record.id for record in server.store.records()] == [1]


@pytest.mark.parametrize(("seconds", "faults"), [(2.0, ()), (4.5, ("drop-before:x1@POST",))])
def test_somebody_elses_create_that_lists_late(
    git: Git, server: EmulatorServer, time: FakeTime, seconds: float, faults: tuple[str, ...]
) -> None:
    """A workflow that somebody created just before, and that lists late, stays; ours is taken back."""
    git.write(body())
    plan = git.plan()
    theirs = server.store.create(body(command="echo theirs"))
    _list_late(server, time, seconds)
    server.faults = faults
    report = git.apply(plan)
    assert statuses(report) == {"flow": "blocked"}, errors(report)
    assert f"(id {theirs}) appeared" in errors(report)["flow"]
    assert [record.id for record in server.store.records()] == [theirs]


def test_a_create_that_the_list_hides(git: Git, server: EmulatorServer, time: FakeTime) -> None:
    """A list that shows a create nowhere near in time may hide a twin: the create is not called done."""
    git.write(body())
    plan = git.plan()
    _list_late(server, time, 30.0)
    server.faults = ("drop-after:x1@POST",)
    report = git.apply(plan)
    assert statuses(report) == {"flow": "failed"}
    assert "an earlier try may have created a second one of this name" in errors(report)["flow"]


def test_a_false_refusal_that_stays(git: Git) -> None:
    """A create that is said to be refused each time, and took effect each time, leaves one workflow."""
    git.write(body())
    git.server.faults = (f"429-after@POST{LIST}",)
    assert statuses(git.apply()) == {"flow": "done"}
    git.is_clean()
    assert git.live() == 1


def test_many_creates_with_lost_answers(git: Git) -> None:
    """Three in ten of many creates lose their answer: each workflow exists once, as reported."""
    names = [f"w{number:04}" for number in range(200 * DEPTH)]
    git.write("\n---\n".join(json.dumps({"body": body(name)}) for name in names))
    git.server.faults = ("drop-after:0.1@POST", "truncated:0.1@POST", "503-after:0.13@POST")
    report = git.done()
    assert sum(bool(request.fault) for request in git.writes()) > 40 * DEPTH
    assert len(git.writes()) == len(names)
    ids = {record.name: record.id for record in git.server.store.records()}
    assert sorted(record.name for record in git.server.store.records()) == names
    assert {result.action.name: result.id for result in report.results} == ids


def test_everything_at_once(git: Git) -> None:
    """Half of all requests meet some fault: after some runs everything is in sync."""
    _write(git, "echo 1")
    for name in SEVEN[:3]:
        git.server.store.create(body(name, steps={"other": step()}))
    faults = [f"{fault}:0.06" for fault in FAULTS]
    for _ in range(30):
        git.server.faults = tuple(faults)
        try:
            report = git.apply()
        except ReconcilerError:  # no plan could be made; the next run tries again
            continue
        _is_true(git, report)
        if all(result.status is Status.DONE for result in report.results):
            break
    git.server.faults = ()
    git.is_clean()
    assert sorted(record.name for record in git.server.store.records()) == SEVEN
