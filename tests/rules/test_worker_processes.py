"""Worker processes: results in order, and an end in words whatever becomes of one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import COMMAND, inherited_environment

from reconciler.worker_processes import WorkerKilledError, map_in_processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _negative(value: int) -> int:
    return -value


def _kill_at_7(value: int) -> int:
    if value == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def _end_at_7(value: int) -> int:
    if value == 7:
        os._exit(0)
    return value


def _fail_at_7(value: int) -> int:
    if value == 7:
        raise ZeroDivisionError("seven")
    return value


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(), max_size=30), st.integers(1, 4), st.integers(1, 9))
def test_results_are_in_order(values: list[int], processes: int, batch: int) -> None:
    """However the values are shared out, the results are those of `map`."""
    assert list(map_in_processes(_negative, values, processes, batch)) == [-value for value in values]


@pytest.mark.parametrize(("function", "word"), [(_kill_at_7, "killed (SIGKILL)"), (_end_at_7, "ended")])
def test_a_process_that_ends_early(function: Callable[[int], int], word: str) -> None:
    """A process that is killed, or ends, is an error at once; earlier results were given."""
    given_before = []
    with pytest.raises(WorkerKilledError) as raised:
        given_before.extend(map_in_processes(function, range(100), 2, 1))
    assert word in raised.value.message


def test_an_exception_comes_through() -> None:
    """An exception of the function is raised where its result is read."""
    with pytest.raises(ZeroDivisionError, match="seven"):
        list(map_in_processes(_fail_at_7, range(10), 2, 2))


def test_no_process_is_left() -> None:
    """A reader that stops early leaves no process behind."""
    before = {*_children(os.getpid())}
    results = map_in_processes(_negative, range(1000), 2, 1)
    assert next(results) == 0
    assert {*_children(os.getpid())} > before
    results.close()  # type: ignore[attr-defined]
    assert {*_children(os.getpid())} == before


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with enough manifests for a second process."""
    folder = tmp_path_factory.mktemp("many")
    env = ", ".join(f"K{i}: v" for i in range(20))
    steps = ", ".join(f"s{i}: {{imageId: 1, parameters: {{env: {{{env}}}}}}}" for i in range(20))
    for number in range(600):
        (folder / f"{number}.yaml").write_text(f"name: w{number}\nsteps: {{{steps}}}\n", encoding="utf-8")
    return folder


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux")  # noqa: PTH110
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor needs no second process")
@pytest.mark.parametrize("target", [0, 1, None])
def test_validate_whose_process_is_killed(many: Path, target: int | None) -> None:
    """The command ends with a sentence when a worker is killed, and with its own code on SIGTERM."""
    with subprocess.Popen(
        [*COMMAND, "validate", many],
        env=inherited_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        workers: list[int] = []
        while len(workers) < 2 and command.poll() is None:
            workers = _children(command.pid)
            time.sleep(0.001)
        os.kill(command.pid if target is None else workers[target], signal.SIGTERM if target is None else 9)
        _, errors = command.communicate(timeout=20)
    assert command.returncode == (130 if target is None else 1)
    assert "Traceback" not in errors
    assert ("interrupted" if target is None else "was killed (SIGKILL) before it was done") in errors
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)  # noqa: PTH110
