"""The `emulator` command: start, stop, options, usage errors, help."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests
from emulator_helpers import WORKFLOWS
from processes import COMMAND, forked_command

from reconciler.emulator.profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until it listens; yield the process and the printed address."""
    with subprocess.Popen(
        [*forked_command(), "emulator", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:")
            yield process, line.removeprefix("listening on ").strip()
        finally:
            process.kill()


def _fails(*options: str, **env: str) -> str:
    """Run the command, which must exit with 64; return its stderr."""
    done = subprocess.run(
        [*(COMMAND if "PYTHONPATH" in env else forked_command()), "emulator", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, **env},
    )
    assert (done.returncode, done.stdout) == (64, "")
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_server_runs_until_a_signal(number: signal.Signals) -> None:
    """The command prints its address, answers there, and exits with 0 and no output on either signal."""
    with _running() as (process, url):
        answer = requests.get(url + WORKFLOWS, headers={"Authorization": "any"}, timeout=10)
        assert answer.json()["workflowsCount"] == 0
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_clock_of_the_server() -> None:
    """It starts where it is told to and runs as fast, and schedules fire by it."""
    options = ["--time", "2027-03-01T05:59:00Z", "--time-scale", "36000", "--profile", "schedules-fire"]
    with _running(*options) as (_, url), requests.Session() as session:
        session.headers["Authorization"] = "any"
        sent = {"name": "a", "triggers": [{"cron": "0 * * * *"}], "steps": {"one": {"imageId": 100}}}
        created = session.post(url + WORKFLOWS, json=sent, timeout=10).json()
        assert created["triggers"][0]["scheduled"].startswith("2027-03-0")
        address = f"{url}{WORKFLOWS}executions/{created['id']}"
        deadline = time.monotonic() + 20
        while not (found := session.get(address, timeout=10).json()["executions"]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert found[0]["executedAt"].endswith(":00:00.000Z")
    assert "it must be a date such as 2027-03-01T00:00:00Z" in _fails("--port", "0", "--time", "soon")


def test_options_reach_the_server(tmp_path: Path) -> None:
    """Token, profiles, faults, data file, request log and step duration take effect."""
    data, log = tmp_path / "state.json", tmp_path / "log.jsonl"
    options = ["--token", "t", "--profile", "spoke,nulls", "--profile", "floats", "--fault", "500:x1@DELETE"]
    options += ["--data", str(data), "--request-log", str(log), "--step-seconds", "0", "--seed", "3"]
    with _running(*options) as (_, url), requests.Session() as session:
        assert session.get(url + WORKFLOWS, timeout=10).status_code == 401
        session.headers["Authorization"] = "t"
        sent = {"name": "a", "steps": {"one": {"imageId": 100}}}
        number = session.post(url + WORKFLOWS, json=sent, timeout=10).json()["id"]
        session.post(f"{url}{WORKFLOWS}{number}/execute", timeout=10)
        shown = session.get(f"{url}{WORKFLOWS}{number}", timeout=10).json()
        assert [session.delete(f"{url}{WORKFLOWS}{number}", timeout=10).status_code for _ in "12"] == [
            500,
            200,
        ]
    assert (shown["steps"]["one"]["command"], shown["lastExecution"]["status"]) == (None, "Success")
    assert shown["steps"]["one"]["imageId"] == 100.0
    assert json.loads(data.read_text(encoding="utf-8"))["nextId"] == 2
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["status"] for line in lines] == [401, 200, 200, 200, 500, 200]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Missing option '--port'"),
        (("--port", "70000"), "70000"),
        (("--port", "0", "--profile", "nils"), "unknown profile nils"),
        (("--port", "0", "--fault", "explode"), "unknown fault 'explode'"),
        (("--port", "0", "--host", "192.0.2.1"), "--allow-remote"),
        (("--port", "0", "--host", "example.com"), "not a loopback address"),
    ],
)
def test_wrong_usage_exits_64(options: tuple[str, ...], words: str) -> None:
    """Wrong options, unknown names and a host that is not loopback exit with 64 and the reason."""
    assert words in _fails(*options)


def test_taken_port_exits_64() -> None:
    """A port in use is a usage error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot listen on" in _fails("--port", str(taken.getsockname()[1]))


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_missing_library_names_the_extra(tmp_path: Path, missing: str) -> None:
    """Without its libraries the command names the missing one and how to install it."""
    (tmp_path / f"{missing}.py").write_text(
        f"raise ModuleNotFoundError('gone', name={missing!r})\n", encoding="utf-8"
    )
    stderr = _fails("--port", "0", PYTHONPATH=str(tmp_path))
    assert f"the emulator needs {missing}" in stderr
    assert "peak-reconciler[emulator]" in stderr


def test_help_names_every_profile_and_fault() -> None:
    """The help lists all profiles and the grammar of faults."""
    done = subprocess.run(
        [*forked_command(), "emulator", "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    words = set(done.stdout.replace(",", " ").split())
    assert words >= PROFILES
    assert {
        "latency",
        "slow-body",
        "drop-before",
        "drop-after",
        "truncated",
        "not-json",
        "queue-full",
    } <= words
