"""A command that is interrupted while it reads: it stops, also where SIGTERM is ignored."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from processes import COMMAND, forked_command
from validate_process import environment

from reconciler.emulator.server import EmulatorServer

_IGNORING = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


def _wait_for_a_request(server: EmulatorServer) -> None:
    end = time.monotonic() + 20
    while not server.requests:
        assert time.monotonic() < end, "it never asked for anything"
        time.sleep(0.01)


@pytest.mark.parametrize("ignored", [False, True])
def test_sigterm_ends_a_plan(tmp_path: Path, ignored: bool) -> None:
    """SIGTERM ends a plan as Ctrl-C does, with 130; also where it was ignored, as process 1 ignores it."""
    (tmp_path / "flow.yaml").write_text("name: flow\nsteps: {one: {command: echo hi}}\n")
    with EmulatorServer(faults=("drop-before@GET",)) as server:
        env = environment(PEAK_API_URL=server.url, PEAK_AUTH_TOKEN="made-up-token")
        command = [*COMMAND, "plan", str(tmp_path)]
        words = [command[0], "-c", _IGNORING, *command] if ignored else command
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        ) as process:
            _wait_for_a_request(server)
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "error: interrupted")


@pytest.mark.parametrize("fault", ["429-seconds:60@GET", "429@GET"])
def test_sigterm_ends_a_plan_whose_answers_do_not_come(tmp_path: Path, fault: str) -> None:
    """A read that waits in another thread is not waited for."""
    (tmp_path / "flow.yaml").write_text("name: flow\nsteps: {one: {command: echo hi}}\n")
    with EmulatorServer(faults=(fault,)) as server:
        env = environment(PEAK_API_URL=server.url, PEAK_AUTH_TOKEN="made-up-token")
        with subprocess.Popen(
            [*forked_command(), "plan", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        ) as process:
            _wait_for_a_request(server)
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "error: interrupted")


_WHILE_LOADING = """
import sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "reconciler.cli.error_exit":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from reconciler.cli import main
main(["plan"])
"""


def test_interrupted_while_it_loads() -> None:
    """A Ctrl-C before the command has begun is reported like any other."""
    words = [COMMAND[0], "-c", _WHILE_LOADING]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")
