"""What keeps an apply from doing harm: edits meanwhile, failures that stop one workflow, plans by GET."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flow_helpers import LIST, Git, body, errors, kinds, statuses, step

from reconciler.apply import Status
from reconciler.client.exceptions import InternalServerErrorException, NotFoundException, ReadOnlyError
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.plan import TenantReads

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.client import Workflow

NAMES = ["a", "b", "c", "d"]


def _four(git: Git, command: str = "echo hi") -> None:
    for name in NAMES:
        git.write(body(name, command), f"{name}.yaml")


_EDITS: dict[str, Callable[[Git, int], object]] = {
    "field": lambda git, number: git.server.store.replace(number, body("b", "echo theirs")),
    "tag": lambda git, number: git.server.store.replace(number, body("b", tags=[{"name": "x"}])),
    "name": lambda git, number: git.server.store.replace(number, body("renamed")),
    "pause": lambda git, number: git.server.store.set_paused(number, paused=True),
    "webhook": lambda git, number: git.server.store.replace(number, body("b", triggers=[{"webhook": True}])),
}


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
def test_an_edit_between_plan_and_apply(git: Git, edit: Callable[[Git, int], object]) -> None:
    """A workflow that somebody changed since the plan is blocked, and the edit stays; the others go on."""
    _four(git)
    git.done()
    _four(git, "echo 2")
    plan = git.plan()
    number = git.live("b")
    edit(git, number)
    before = git.server.store.get(number)
    report = git.apply(plan)
    assert statuses(report) == {"a": "done", "b": "blocked", "c": "done", "d": "done"}
    assert errors(report)["b"] == "the live workflow changed after the plan was made. Plan again."
    assert git.server.store.get(number) == before


def test_a_change_that_undoes_nothing(git: Git) -> None:
    """What the platform alone writes (an execution, its times) is no edit: the plan is still applied."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    plan = git.plan()
    git.server.store.execute(git.live())
    assert statuses(git.apply(plan)) == {"flow": "done"}


def test_a_workflow_that_is_gone(git: Git) -> None:
    """A workflow that was deleted since the plan is blocked for itself; the next run creates it."""
    _four(git)
    git.done()
    _four(git, "echo 2")
    plan = git.plan()
    git.server.store.delete(git.live("b"))
    report = git.apply(plan)
    assert statuses(report) == {"a": "done", "b": "blocked", "c": "done", "d": "done"}
    assert "was deleted after the plan" in errors(report)["b"]
    git.done()


@pytest.mark.parametrize("profile", [frozenset(), frozenset({"unique-names"})])
def test_a_workflow_that_appeared(git: Git, profile: frozenset[str]) -> None:
    """A create whose name appeared since the plan is blocked: there is never a twin, and theirs stays."""
    git.server.profile = profile
    _four(git)
    plan = git.plan()
    number = git.server.store.create(body("b", "echo theirs"))
    report = git.apply(plan)
    assert statuses(report) == {"a": "done", "b": "blocked", "c": "done", "d": "done"}
    assert f"(id {number}) appeared after the plan was made" in errors(report)["b"]
    assert git.stored("b") == body("b", "echo theirs")


def test_a_pause_is_guarded_too(git: Git) -> None:
    """Also a pause is not done to a workflow that changed since the plan."""
    git.write(body())
    git.done()
    git.write(body(), paused=True)
    plan = git.plan()
    git.server.store.replace(git.live(), body(command="echo theirs"))
    assert statuses(git.apply(plan)) == {"flow": "blocked"}
    assert not git.server.store.get(git.live()).paused


@pytest.mark.parametrize("fault", ["400", "403", "409", "422-text", "500", "413"])
def test_one_failure_stops_one_workflow(git: Git, fault: str) -> None:
    """A write that is refused stops that workflow only; a second run finishes what is left."""
    _four(git)
    git.done()
    _four(git, "echo 2")
    bad = git.live("b")
    git.server.faults = (f"{fault}@PUT{LIST}{bad}",)
    report = git.apply()
    assert statuses(report) == {"a": "done", "b": "failed", "c": "done", "d": "done"}
    assert fault.partition("-")[0] in errors(report)["b"]
    (result,) = [result for result in report.results if result.status is Status.FAILED]
    assert result.id == bad
    assert [report.count(status) for status in Status] == [3, 1, 0, 0]
    assert git.stored("b") == body("b")
    git.server.faults = ()
    assert kinds(git.plan()) == {"a": "unchanged", "b": "update", "c": "unchanged", "d": "unchanged"}
    assert statuses(git.done()) == {"b": "done"}


def test_a_refused_create(git: Git) -> None:
    """A create that is refused stops that workflow only, and is not repeated."""
    _four(git)
    git.server.faults = (f"400:x1@POST{LIST}",)
    report = git.apply()
    assert sorted(statuses(report).values()) == ["done", "done", "done", "failed"]
    assert len(git.writes()) == 4
    git.done()
    assert sorted(record.name for record in git.server.store.records()) == NAMES


def test_fail_fast(git: Git) -> None:
    """With fail_fast nothing that has not begun is begun after a failure; a second run finishes."""
    names = [f"n{number:02}" for number in range(30)]
    for name in names:
        git.write(body(name), f"{name}.yaml")
    git.server.faults = ("400@POST",)
    report = git.apply(fail_fast=True)
    tried = statuses(report)
    assert list(tried) == names
    assert tried["n00"] == "failed"
    assert {"failed", "not_tried"} == set(tried.values())
    assert report.count(Status.FAILED) <= 10, "no more than were in flight"
    assert errors(report)["n29"] == "the run was stopped before this workflow was started"
    git.server.faults = ()
    assert len(git.done().results) == 30


def test_the_report_lists_everything_in_order(git: Git) -> None:
    """A report has done, failed, blocked and not what was unchanged; blocked ones do not stop fail_fast."""
    _four(git)
    git.done()
    for name in ("b", "c"):
        git.write(body(name, "echo 2"), f"{name}.yaml")
    git.write(body("d", "echo 2"), "d.yaml", id=99)
    git.server.faults = (f"500@PUT{LIST}{git.live('c')}",)
    report = git.apply()
    assert list(statuses(report).items()) == [("b", "done"), ("c", "failed"), ("d", "blocked")]


@pytest.mark.parametrize("profile", [frozenset(), frozenset({"token-omitted", "retry-hidden"})])
def test_planning_only_reads(git: Git, profile: frozenset[str]) -> None:
    """Every request while planning is a GET, whatever the plan finds."""
    git.server.profile = profile
    git.write(body("known"), "known.yaml")
    git.write(body("paused"), "paused.yaml", paused=True)
    git.done()
    git.write(body("known", steps={"one": step(resources={"storage": "50GB"})}), "known.yaml")
    git.write(body("paused"), "paused.yaml", paused=False)
    git.write(body("new"), "new.yaml")
    git.write(body("moved"), "moved.yaml", renamedFrom=["nobody"])
    before = git.server.store.records()
    git.server.clear_requests()
    assert set(kinds(git.plan()).values()) == {"create", "update", "resume"}
    assert {request.method for request in git.server.requests} == {"GET"}
    assert git.server.store.records() == before


_WRITES: dict[str, Callable[[Workflow], object]] = {
    "create": lambda api: api.create_workflow(body()),
    "update": lambda api: api.update_workflow(1, body()),
    "delete": lambda api: api.delete_workflow(1),
    "pause": lambda api: api.pause_workflow(1),
}


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_planning_cannot_write(
    git: Git, monkeypatch: pytest.MonkeyPatch, write: Callable[[Workflow], object]
) -> None:
    """Were planning to write, the client that it is given would refuse before anything is sent."""
    git.write(body())
    monkeypatch.setattr(TenantReads, "__init__", lambda _, api, *__: write(api))
    with pytest.raises(ReadOnlyError):
        git.plan()
    assert git.server.requests == []


_BROKEN_READS: dict[str, tuple[str, type[ReconcilerError]]] = {
    "describe": (f"500@GET{LIST}2", InternalServerErrorException),
    "describe gone": (f"404@GET{LIST}2", NotFoundException),
    "describe html": (f"html@GET{LIST}2", UnexpectedAnswerError),
    "list": (f"500@GET{LIST}", InternalServerErrorException),
    "second page": (f"404:+1@GET{LIST}", NotFoundException),
    "default resource": ("500@GET/workflows/api/v1/resources/defaults", InternalServerErrorException),
}


@pytest.mark.parametrize(("fault", "kind"), _BROKEN_READS.values(), ids=_BROKEN_READS)
def test_a_read_that_fails_is_never_absent(git: Git, fault: str, kind: type[ReconcilerError]) -> None:
    """When anything that a plan needs cannot be read, there is no plan, and so nothing is created twice."""
    for number in range(120):
        git.server.store.create(body(f"n{number:03}"))
    git.write(body("n001", steps={"one": step(resources={"storage": "50GB"})}))
    git.write(body("n119"), "last.yaml")
    git.server.faults = (fault,)
    with pytest.raises(kind):
        git.apply()
    assert git.writes() == []


def test_a_list_that_is_not_whole(git: Git) -> None:
    """Pages that do not add up to what the server counts are no list: somebody may be missing."""
    for number in range(3):
        git.server.store.create(body(f"n{number}"))
    records = git.server.store.records
    git.server._tenant.summaries = (
        lambda found: [  # type: ignore[method-assign]
            {"id": record.id, "name": record.name} for record in list(found)[:2]
        ]
    )
    assert len(records()) == 3
    git.write(body("n2"))
    with pytest.raises(UnexpectedAnswerError, match="2 of 3 were returned"):
        git.plan()


def test_a_workflow_that_cannot_be_sent_back_is_blocked(git: Git) -> None:
    """A live workflow of a shape that would lose something is blocked with what is wrong; others go on."""
    git.server.store.create({"name": "odd", "steps": {"one": step(parameters={"env": "text"})}})
    git.write({"patch": {"name": "odd", "set": {"command": "echo 2"}}}, "odd.yaml")
    git.write(body("other"), "other.yaml")
    plan = git.plan()
    assert kinds(plan) == {"odd": "blocked", "other": "create"}
    assert "steps.one.parameters.env" in plan.actions[0].reason  # type: ignore[union-attr]
    assert statuses(git.apply(plan)) == {"odd": "blocked", "other": "done"}
