"""A run is started exactly once, whatever becomes of the answer, and whoever else starts one meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import FAULTS, TOKEN, FakeTime, Git, body

from reconciler.client import Session, Workflow
from reconciler.client.exceptions import ConflictException, NotFoundException, TooManyRequestsException
from reconciler.emulator import emulated_executions as executions
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.executions.starting import StartedExecution, UncertainStartError, execute_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.emulator.middleware import RecordedRequest
    from reconciler.emulator.state import Execution
    from reconciler.emulator.tenant_store import TenantStore
    from reconciler.values import JsonObject

PARAMS: JsonObject = {"params": {"global": {"DAYS": "30"}}}


@pytest.fixture
def flow(git: Git) -> int:
    """Return a workflow that may run as often at a time as it likes."""
    return git.server.store.create(body(metadata={"allowConcurrentExecution": True}))


def _execute(git: Git, workflow_id: int) -> StartedExecution:
    return execute_once(git.client, workflow_id, PARAMS, git.time.policy)


def _runs(store: TenantStore, workflow_id: int) -> list[str]:
    return [run.id for run in store.executions(workflow_id)]


def _sent(git: Git) -> list[RecordedRequest]:
    """Return the starts that the server saw."""
    return [request for request in git.server.requests if request.method == "POST"]


def _behind(git: Git, listing: Callable[[list[Execution]], list[Execution]]) -> None:
    """Let `listing` turn the executions that there are into those that the server lists."""
    told = git.server.store.executions
    git.server.store.executions = lambda number: listing(told(number))  # type: ignore[method-assign]


@pytest.mark.parametrize("times", ["x1", "x3"])
@pytest.mark.parametrize("fault", [*FAULTS, "queue-full"])
def test_every_fault(git: Git, flow: int, fault: str, times: str) -> None:
    """Whatever becomes of the first answers, one execution is started, and it is the one that is returned."""
    git.server.faults = (f"{fault}:{times}@POST",)
    started = _execute(git, flow)
    assert _runs(git.server.store, flow) == [started.id]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", [*FAULTS, "queue-full"])
def test_every_fault_by_chance(fault: str, seed: int) -> None:
    """Under a fault that strikes half of the time there is one run in the end, and none before an error."""
    time = FakeTime()
    with EmulatorServer(clock=time, seed=seed, faults=(f"{fault}:0.5@POST",)) as server:
        client = Workflow(Session(TOKEN, base_url=server.url, retry=time.retry))
        flow = server.store.create(body(metadata={"allowConcurrentExecution": True}))
        for _ in range(10):
            try:
                started = execute_once(client, flow, PARAMS, time.policy)
            except ReconcilerError:
                assert _runs(server.store, flow) == []
            else:
                break
        assert _runs(server.store, flow) == [started.id]


def test_two_hundred_with_a_third_of_the_answers_lost(git: Git) -> None:
    """Of 200 starts of 200 workflows, at 30 % lost answers, every one starts one run."""
    flows = [git.server.store.create(body(f"n{number}")) for number in range(200)]
    git.server.faults = (
        "drop-after:12%@POST",
        "503-after:8%@POST",
        "truncated:8%@POST",
        "drop-before:5%@POST",
    )
    started = [_execute(git, flow) for flow in flows]
    assert [_runs(git.server.store, flow) for flow in flows] == [[run.id] for run in started]
    assert 40 <= sum(not run.confirmed for run in started) <= 80


def test_the_id_of_the_answer_is_returned(git: Git, flow: int) -> None:
    """An answer that comes is believed: one request, and nothing to note."""
    started = _execute(git, flow)
    assert (started.confirmed, started.notes) == (True, ())
    assert len(_sent(git)) == 1
    assert _sent(git)[0].body == PARAMS


def test_a_run_that_lists_late(git: Git, flow: int, time: FakeTime) -> None:
    """An execution whose answer was lost and that is listed late is found, and is the only one."""
    begun = time.now
    _behind(git, lambda runs: [] if time.now < begun + 3 else runs)
    git.server.faults = ("drop-after:x1@POST",)
    started = _execute(git, flow)
    assert _runs(git.server.store, flow) == [started.id]
    assert len(_sent(git)) == 1


def test_a_run_that_lists_too_late(time: FakeTime, tmp_path: Any) -> None:
    """Where a second start is refused because the first one runs, the first one is looked for again."""
    with EmulatorServer(clock=time, step_seconds=60) as server:
        git = Git(server, tmp_path, time)
        flow = server.store.create(body())
        begun = time.now
        _behind(git, lambda runs: [] if time.now < begun + 5 else runs)
        server.faults = ("drop-after:x1@POST",)
        started = _execute(git, flow)
        assert _runs(server.store, flow) == [started.id]
        assert [request.status for request in _sent(git)][1:] == [409]


def test_a_run_that_lists_after_the_second(git: Git, flow: int, time: FakeTime) -> None:
    """Where the second start succeeds before the first one's run is listed, that one is named."""
    begun = time.now
    _behind(git, lambda runs: [] if time.now < begun + 5 else runs)
    git.server.faults = ("drop-after:x1@POST",)
    started = _execute(git, flow)
    assert started.confirmed
    assert {started.id, *started.others} == set(_runs(git.server.store, flow))
    (note,) = started.notes
    assert note.endswith(f"may have started another execution, listed only now: {started.others[0]}")


@pytest.mark.parametrize("reverse", [False, True], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("dated", [True, False], ids=["dated", "undated"])
def test_many_earlier_runs(
    git: Git, flow: int, monkeypatch: pytest.MonkeyPatch, *, reverse: bool, dated: bool
) -> None:
    """Among hundreds of earlier runs, in whichever order and with whatever dates, the new one is found."""
    for _ in range(450):
        git.server.store.execute(flow)
        git.time.sleep(3600)
    before = set(_runs(git.server.store, flow))
    if reverse:
        _behind(git, lambda runs: runs[::-1])
    if not dated:
        whole = executions.summary
        monkeypatch.setattr(executions, "summary", lambda *words: {**whole(*words), "executedAt": None})
    git.server.faults = ("drop-after:x1@POST",)
    started = _execute(git, flow)
    assert set(_runs(git.server.store, flow)) == before | {started.id}
    if dated and not reverse:
        assert len(git.server.requests) < 10, "old runs are left out by their date"


def test_dates_beyond_all_bounds(
    git: Git, flow: int, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates that nobody can reckon with are no dates: all pages are compared."""
    time.policy = time.policy._replace(backoff=0.0)
    for _ in range(120):
        git.server.store.execute(flow)
    whole = executions.summary
    for date in ("0001-01-01T00:00:00+23:00", "soon", "0001-01-01"):
        monkeypatch.setattr(executions, "summary", lambda *words: {**whole(*words), "executedAt": date})  # noqa: B023
        git.server.faults = ("drop-after:x1@POST",)
        assert _execute(git, flow).id == git.server.store.executions(flow)[0].id
    assert len(_runs(git.server.store, flow)) == 123
    assert set(time.sleeps) <= {0.0, 0.5}  # 0.5: the look after a lost answer; no settling


def test_a_run_that_may_be_anothers(git: Git, flow: int) -> None:
    """A run that a trigger starts while ours is lost is taken for ours, with a word; it stays alone."""
    _trigger_after_first_look(git, flow)
    git.server.faults = ("drop-before:x1@POST",)
    started = _execute(git, flow)
    assert _runs(git.server.store, flow) == [started.id]
    assert "another user may have started it" in started.notes[0]
    assert len(_sent(git)) == 1


def test_executions_that_cannot_be_distinguished(git: Git, flow: int) -> None:
    """Where a trigger's and our run are both new, nobody guesses: both are named, and no third is started."""
    _trigger_after_first_look(git, flow)
    git.server.faults = ("drop-after:x1@POST",)
    with pytest.raises(UncertainStartError) as raised:
        _execute(git, flow)
    both = _runs(git.server.store, flow)
    assert len(both) == 2
    assert all(run in raised.value.message for run in both)


def _trigger_after_first_look(git: Git, flow: int) -> None:
    looks: list[int] = []

    def listing(runs: list[Execution]) -> list[Execution]:
        looks.append(1)
        return [git.server.store.execute(flow), *runs] if len(looks) == 2 else runs

    _behind(git, listing)


def test_a_refusal_is_raised(git: Git) -> None:
    """A workflow that runs and may not twice is refused, with what allows it; nothing is sent again."""
    flow = git.server.store.create(body())
    run = git.server.store.execute(flow)
    with pytest.raises(ConflictException) as raised:
        _execute(git, flow)
    assert "allowConcurrentExecution" in raised.value.hint
    assert run.id not in raised.value.hint
    assert len(_sent(git)) == 1


def test_a_refusal_next_to_a_new_execution(git: Git, flow: int) -> None:
    """A gateway may refuse what was done: the run that began at this moment is named."""
    git.server.faults = ("409-after@POST",)
    with pytest.raises(ConflictException) as raised:
        _execute(git, flow)
    (run,) = _runs(git.server.store, flow)
    assert run in raised.value.hint


def test_a_queue_that_stays_full(git: Git, flow: int) -> None:
    """A queue that stays full is an error, and nothing was started."""
    git.server.faults = ("queue-full",)
    with pytest.raises(TooManyRequestsException):
        _execute(git, flow)
    assert _runs(git.server.store, flow) == []


def test_a_start_that_never_arrives(git: Git, flow: int) -> None:
    """A start that is lost again and again is given up, with what to do before it is tried again."""
    git.server.faults = ("drop-before@POST",)
    with pytest.raises(ReconcilerError) as raised:
        _execute(git, flow)
    assert "Check the executions" in raised.value.hint
    assert _runs(git.server.store, flow) == []
    assert len(_sent(git)) == git.time.policy.tries


def test_a_list_that_cannot_be_read(git: Git, flow: int) -> None:
    """Without a list nothing is started; and if it fails after an answer was lost, nothing is sent again."""
    executions_list = "@GET/workflows/api/v1/workflows/executions/*"
    git.server.faults = (f"403{executions_list}",)
    with pytest.raises(ReconcilerError):
        _execute(git, flow)
    assert _sent(git) == []
    git.server.faults = ("drop-after:x1@POST", f"403:+1{executions_list}")
    with pytest.raises(UncertainStartError) as raised:
        _execute(git, flow)
    assert "cannot be read" in raised.value.message
    assert len(_runs(git.server.store, flow)) == 1


def test_a_list_without_ids(git: Git, flow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without an id cannot be compared: nothing is started."""
    git.server.store.execute(flow)
    monkeypatch.setattr(executions, "summary", lambda *_: {"status": "Success"})
    with pytest.raises(UnexpectedAnswerError):
        _execute(git, flow)
    assert _sent(git) == []


def test_an_answer_without_an_id(git: Git, flow: int) -> None:
    """An answer that does not name the run is a lost one: the run is looked for."""

    class _Nameless(Workflow):
        def execute_workflow(self, workflow_id: int, body: JsonObject | None = None) -> JsonObject:
            super().execute_workflow(workflow_id, body)
            return {}

    started = execute_once(_Nameless(git.client.session), flow, {}, git.time.policy)
    assert not started.confirmed
    assert _runs(git.server.store, flow) == [started.id]


def test_no_such_workflow(git: Git) -> None:
    """A workflow that is not there is the client's own error."""
    with pytest.raises(NotFoundException):
        _execute(git, 77)
