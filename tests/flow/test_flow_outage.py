"""A server that goes away in the middle of an apply, and comes back or does not."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from flow_helpers import body, process_env, run
from processes import forked_command

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from flow_helpers import Git

_COUNT = 40


def _many(git: Git) -> None:
    for number in range(_COUNT):
        git.write(body(f"w{number:02}"), f"w{number:02}.yaml")


def _down(server: EmulatorServer, after: int, seconds: float) -> threading.Thread:
    """Return a thread that makes a server answer 502 for some seconds, once it has some workflows."""

    def watch() -> None:
        while len(server.store.workflows()) < after:
            time.sleep(0.005)
        server.faults = ("502",)
        if seconds:
            time.sleep(seconds)
            server.faults = ()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_an_apply_outlives_a_restart(git: Git) -> None:
    """A server that is gone for some seconds in the middle costs these seconds, no workflow and no twin."""
    _many(git)
    restart = _down(git.server, 5, 2.5)
    done = run(git, "apply", "--auto-approve", "--format", "json")
    restart.join()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["done"] == _COUNT
    assert len(git.server.store.workflows()) == _COUNT


def test_a_server_that_stays_away_ends_the_apply(git: Git) -> None:
    """It is said once, after the wait; what was not begun is skipped; running again finishes the job."""
    _many(git)
    _down(git.server, 5, 0.0)
    start = time.monotonic()
    done = run(git, "apply", "--auto-approve", "--retry-for", "2")
    assert time.monotonic() - start < 30
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert text.count("server unreachable: no answer for 2 s") in {1, 2}, "as progress, and in the result"
    assert "skipped: " in done.stdout
    assert text.count("the server is gone") <= 12, "of those in flight, and then once for all"
    git.server.faults = ()
    again = run(git, "apply", "--auto-approve", "--format", "json")
    assert again.returncode == 0, again.stderr
    assert len(git.server.store.workflows()) == _COUNT


@pytest.mark.parametrize("fault", ["502", "drop-before", "429", "429-seconds:60"])
def test_sigterm_ends_what_waits_for_the_server(git: Git, fault: str) -> None:
    """A stopped apply waits for no server, pause or `Retry-After`; its report has all that was written."""
    _many(git)
    git.server.faults = ("latency:5ms",)
    words = [*forked_command(), "apply", str(git.folder), "--auto-approve", "--format", "json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=process_env(git)) as process:
        while len(git.server.store.workflows()) < 5:
            time.sleep(0.005)
        git.server.faults = (fault,)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 1, stderr
    results = {result["name"]: result for result in json.loads(stdout)["results"]}
    assert len(results) == _COUNT
    for record in git.server.store.records():
        assert results[record.name]["status"] in {"done", "failed"}
        assert results[record.name]["status"] == "done" or "created" in results[record.name]["error"]
    git.server.faults = ()
    assert run(git, "apply", "--auto-approve").returncode == 0
    assert len(git.server.store.workflows()) == _COUNT


def test_equal_failures_are_printed_once(git: Git) -> None:
    """The error of many workflows has one line as progress, and one with their number at the end."""
    _many(git)
    git.server.faults = ("403@POST",)
    done = run(git, "apply", "--auto-approve")
    assert done.returncode == 1
    assert done.stdout.count("answered 403") == 1
    assert f"failed: {_COUNT} workflows (" in done.stdout
    assert done.stderr.count("answered 403") == 1
    assert done.stderr.count("failed: the same as w") == _COUNT - 1


def test_random_refusals_cost_an_apply_little(git: Git) -> None:
    """A server that refuses some requests at random is not pressed less and less: seconds, not minutes."""
    _many(git)
    git.server.faults = ("429:30%",)
    start = git.time.now
    git.done()
    assert git.time.now - start < 40
    assert len(git.server.store.workflows()) == _COUNT
