"""`executions` and `logs` as a user types them: the executions, and what their steps logged."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TENANTS, TOKEN, Ended, FakeTime, body, step

from reconciler.client import RetryPolicy
from reconciler.emulator import emulated_executions as executions
from reconciler.executions.following import StepLog
from reconciler.operations import execution_logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer
    from reconciler.emulator.state import Execution
    from reconciler.values import JsonObject

CHAIN = {"load": step("echo hello"), "train": step("exit 3", parents=["load"])}


@pytest.fixture
def flow(server: EmulatorServer) -> int:
    """Return the id of a workflow with two steps."""
    return server.store.create(body("flow", steps=CHAIN))


def _runs(server: EmulatorServer, flow: int, number: int) -> list[str]:
    """Run a workflow `count` times, an hour apart, and return the ids, the latest first."""
    for _ in range(number):
        server.store.execute(flow, {})
        server.store._clock.sleep(3600)  # type: ignore[attr-defined]
    return [run.id for run in server.store.executions(flow)]


def test_executions(server: EmulatorServer, flow: int, typed: Callable[..., Ended]) -> None:
    """Each run has a line, the latest first; --count bounds them, over pages, and nothing but GET is sent."""
    ids = _runs(server, flow, 3)
    server.clear_requests()
    ended = typed("executions", "flow", "--count", 2)
    assert (ended.code, ended.err) == (0, "")
    head, *rows = ended.out.splitlines()
    assert head.split() == ["EXECUTION", "STATUS", "STARTED", "FINISHED", "DURATION"]
    assert rows[0].split() == [
        ids[0],
        "Failed",
        "2020-09-13T14:26:40Z",
        "2020-09-13T14:26:42Z",
        "2",
        "s",
    ]
    assert [row.split()[0] for row in rows] == ids[:2]
    assert {request.method for request in server.requests} == {"GET"}


def test_executions_json(server: EmulatorServer, flow: int, typed: Callable[..., Ended]) -> None:
    """The JSON has the documented keys; of a run that goes on, the end is null."""
    server.store.execute(flow, {})
    (run,) = server.store.executions(flow)
    document = json.loads(typed("executions", "--id", flow, "--format", "json").out)
    assert document == {
        "format_version": 1,
        "workflow": {"id": flow, "name": "flow"},
        "executions": [
            {
                "id": run.id,
                "status": "Running",
                "started_at": "2020-09-13T12:26:40.000Z",
                "finished_at": None,
                "duration_seconds": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["--since", "2020-09-13T13:00:00Z"], 2),
        (["--since", "2020-09-14"], 0),
        (["--since", "7d"], 0),
        (["--since", "9999w"], 3),
        (["--status", "failed"], 3),
        (["--status", "Success", "--status", "Running"], 0),
        (["--status", "Failed", "--count", "1"], 1),
    ],
)
def test_which_executions(
    server: EmulatorServer, flow: int, typed: Callable[..., Ended], words: list[str], number: int
) -> None:
    """Only the runs that are asked for are listed; none is said in words, and as an empty list."""
    _runs(server, flow, 3)
    ended = typed("executions", "flow", *words)
    assert ended.code == 0, ended.err
    assert len(ended.out.splitlines()) - 1 == number
    assert number or ended.out == "flow has no matching executions.\n"
    assert (
        len(json.loads(typed("executions", "flow", *words, "--format", "json").out)["executions"]) == number
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["executions"], 64, "name one workflow"),
        (["executions", "flwo"], 1, "Did you mean flow?"),
        (["executions", "flow", "--since", "soon"], 64, "or an age such as"),
        (["executions", "flow", "--count", "0"], 64, "a whole number from 1"),
        (["logs"], 64, "name one workflow"),
        (["logs", "flow", "x", "y"], 64, "one execution"),
        (["logs", "flow"], 1, "has no executions yet"),
        (["logs", "flow", "nope"], 1, "404"),
        (["logs", "flow", "--save", "f", "--follow"], 64, "cannot be combined"),
    ],
)
@pytest.mark.usefixtures("flow")
def test_errors(typed: Callable[..., Ended], words: list[str], code: int, said: str) -> None:
    """What cannot work is an error, on standard error alone."""
    ended = typed(*words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


@pytest.mark.parametrize("profile", ["documented", "spoke"])
def test_logs(server: EmulatorServer, flow: int, typed: Callable[..., Ended], profile: str) -> None:
    """The latest run is shown, or the one that is named, step by step, over all pages; also on a spoke."""
    server.profile = TENANTS[profile]
    first = _runs(server, flow, 1)[0]
    server.store.execute(flow, {"params": {"global": {f"KEY{number}": "x" for number in range(12)}}})
    server.store._clock.sleep(60)  # type: ignore[attr-defined]
    server.clear_requests()
    latest = typed("logs", "flow", "--step", "load")
    assert latest.code == 0, latest.err
    assert latest.out.count("load | Parameter KEY") == 12
    assert "load | hello\nload | Step load finished with exit code 0\n" in latest.out
    named = typed("logs", "flow", first)
    assert "KEY" not in named.out
    assert "train | Step train finished with exit code 3\n" in named.out
    assert named.out == typed("logs", "--id", flow, first).out
    assert {request.method for request in server.requests} == {"GET"}
    unknown = typed("logs", "flow", "--step", "laod")
    assert (unknown.code, unknown.out) == (1, "")
    assert "Did you mean load?" in unknown.err


def test_follow(
    server: EmulatorServer,
    flow: int,
    typed: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    time: FakeTime,
) -> None:
    """Following shows each line once, as it comes, until the run has ended, and says how that went."""
    whole = executions.details

    def details(run: Execution, now: float) -> JsonObject:
        time.sleep(0.3)
        return whole(run, now)

    monkeypatch.setattr(executions, "details", details)
    monkeypatch.setattr(execution_logs, "RetryPolicy", partial(RetryPolicy, sleep=lambda _: None))
    server.store.execute(flow, {})
    (run,) = server.store.executions(flow)
    ended = typed("logs", "flow", "--follow")
    assert (ended.code, ended.err) == (0, f"flow: execution {run.id} ended: Failed; failed steps: train\n")
    expected = [f"{name} | {line}" for name in CHAIN for line in _logged(run, name)]
    assert ended.out.splitlines() == expected


def _logged(run: Execution, name: str) -> tuple[str, ...]:
    return next(found.lines for found in run.steps if found.name == name)


def test_save(server: EmulatorServer, flow: int, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """One step's whole log is saved into a file, whose name is the result; which step must be clear."""
    _runs(server, flow, 1)
    file = tmp_path / "load.log"
    nowhere = typed("logs", "flow", "--save", tmp_path / "none" / "f", "--step", "load")
    assert (nowhere.code, "cannot write the file" in nowhere.err) == (1, True)
    refused = typed("logs", "flow", "--save", file)
    assert (refused.code, refused.out) == (64, "")
    assert "2 steps (load, train)" in refused.err
    ended = typed("logs", "flow", "--save", file, "--step", "load")
    assert (ended.code, ended.out) == (0, f"{file}\n")
    assert "hello\n" in file.read_text()
    server.profile = TENANTS["spoke"]
    assert "spoke" in typed("logs", "flow", "--save", tmp_path / "other", "--step", "load").err
    assert not (tmp_path / "other").exists()


def test_hostile_logs(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """A log steers no terminal and no pipeline, and does not repeat the token."""
    server.store.create(body("flow", f"echo \x1b[2J\u202e\n::set-env x\n{TOKEN}"))
    _runs(server, 1, 1)
    ended = typed("logs", "flow")
    assert all(line.isprintable() for line in ended.out.splitlines())
    assert not any(line.startswith(":") for line in ended.out.splitlines())
    assert "one | ::set-env x\n" in ended.out
    assert TOKEN not in ended.out


class _Pages:
    """A platform that answers with the given pages, the last one again and again."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.asked: list[str | None] = []

    def get_execution_logs(self, *words: Any) -> dict[str, Any]:
        self.asked.append(words[3])
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]


def _entries(*messages: str) -> list[dict[str, Any]]:
    return [{"message": message, "timestamp": 1} for message in messages]


def test_pages_without_an_end_of_their_own() -> None:
    """A last page without a token grows: what was shown of it is not shown again."""
    api: Any = _Pages(
        {"logs": _entries("a", "b"), "nextToken": "t"},
        {"logs": _entries("c"), "nextToken": None},
        {"logs": _entries("c", "d"), "nextToken": None},
    )
    log = StepLog(api, 1, "run", "step")
    assert list(log.more()) == ["a", "b", "c"]
    assert list(log.more()) == ["d"]
    assert list(log.more()) == []
    assert api.asked == [None, "t", "t", "t"]


@pytest.mark.parametrize("answer", [{}, {"logs": None}, {"logs": [1, None]}, {"logs": [], "nextToken": 7}])
def test_answers_of_any_shape(answer: dict[str, Any]) -> None:
    """An answer of another shape than the documented one is no reason to stop, nor to go on for ever."""
    api: Any = _Pages(answer)
    assert set(StepLog(api, 1, "run", "step").more()) <= {""}
    assert len(api.asked) == 1
