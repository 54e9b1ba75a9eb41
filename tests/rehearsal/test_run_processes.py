"""Processes of runs: their results, their ends, and that none is left."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from reconciler.rehearsal import RunProcesses


def _work(order: str) -> tuple[str, int]:
    if order == "sleep":
        time.sleep(60)
    if order == "raise":
        raise RuntimeError
    return order * 100_000, os.getpid()


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_results_and_ends() -> None:
    """Runs go on at the same time, each in its own process; a large result arrives; a killed one has none."""
    with RunProcesses(_work) as processes:
        first, second = processes.start("a"), processes.start("b")
        assert processes.outcome(second, 60) == ("b" * 100_000, second)
        assert processes.outcome(first, 60) == ("a" * 100_000, first)
        assert len({first, second, os.getpid()}) == 3
        killed, slow = processes.start("sleep"), processes.start("sleep")
        os.kill(killed, signal.SIGKILL)
        assert processes.outcome(killed, 60) is None
        assert processes.outcome(slow, 0.0) is None
        assert processes.outcome(processes.start("raise"), 60) is None
        left = processes.start("sleep")
    assert not _is_there(left)


@pytest.mark.parametrize("order", ["a"])
def test_an_interrupt_is_not_for_them(order: str) -> None:
    """Ctrl-C reaches every process of a terminal: a run goes on, and the command decides."""
    with RunProcesses(_work) as processes:
        pid = processes.start("sleep")
        os.kill(pid, signal.SIGINT)
        assert _is_there(pid)
        assert processes.outcome(processes.start(order), 60) is not None
