"""The commands of the Kubernetes examples, run as their containers would run them."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import pytest
from kubernetes_helpers import OVERLAYS, alerts, of_kind, rendered, workload
from pod_helpers import TOKEN, Pod, events, pod

from reconciler.cli import group
from reconciler.emulator.server import EmulatorServer
from reconciler.job.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NOT_OPTIONS = {"RECONCILER_REMEMBER_KEY", "PEAK_AUTH_TOKEN"}
"""Variables of the command that have no option: they are secrets."""

_SOURCES = ("overlays/baked", "overlays/git-sync")
"""The two sources of a pod's manifests."""


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """Yield an empty tenant that accepts only `TOKEN`."""
    with EmulatorServer(token=TOKEN) as running:
        yield running


@pytest.mark.parametrize("name", OVERLAYS)
def test_command_lines_are_valid(name: str) -> None:
    """The container's arguments are a valid command line, and its variables are read by the command."""
    container = workload(rendered(name)).reconciler
    command = group.get_command(click.Context(group), container["args"][0])
    assert command is not None
    command.make_context("reconcile", container["args"][1:])
    read = {parameter.envvar for parameter in command.params} | _NOT_OPTIONS
    assert {entry["name"] for entry in container["env"]} <= read


@pytest.mark.parametrize("name", _SOURCES)
def test_job_makes_the_tenant_match(name: str, server: EmulatorServer, tmp_path: Path) -> None:
    """A first run of the job creates the workflows of Git, a second one has no changes."""
    made = pod(name, tmp_path)
    before = made.files()
    first = made.run(server)
    assert first.returncode == 0, first.stderr
    assert {entry.method for entry in server.requests} == {"GET", "POST"}
    server.clear_requests()
    second = made.run(server)
    assert second.returncode == 0, second.stderr
    assert {entry.method for entry in server.requests} == {"GET"}
    assert made.files() == before
    for done in (first, second):
        assert events(done.stderr)[-1]["event"] == "run_finished"
        assert TOKEN not in done.stdout + done.stderr


def test_job_keeps_backups_within_limits(server: EmulatorServer, tmp_path: Path) -> None:
    """A change in Git is applied, with a backup for a rollback; beyond the limits it is blocked with 4."""
    made = pod("overlays/prod", tmp_path)
    assert made.run(server).returncode == 0
    made.commit("scoring.yaml", "python score.py", "python score.py --all")
    made.publish()
    assert made.run(server).returncode == 0
    assert len([file for file in (tmp_path / "state" / "backups").rglob("*scoring*") if file.is_file()]) == 1
    rollback = {**made.container, "args": ["rollback", "--environment=prod", "--auto-approve"]}
    assert dataclasses.replace(made, container=rollback).run(server).returncode == 0
    assert "score.py --all" not in str(server.store.workflows())
    for file in ("scoring.yaml", "nightly-report.yaml"):
        made.commit(file, "command: python", "command: nice python")
    made.publish()
    server.clear_requests()
    assert made.run(server).returncode == 4
    assert {entry.method for entry in server.requests} == {"GET"}


def test_job_runs_once_at_a_time(server: EmulatorServer, tmp_path: Path) -> None:
    """A run started by hand during the scheduled one exits with 4, because of its lock."""
    made = pod("overlays/prod", tmp_path)
    Lease(tmp_path / "state" / "lock", 300, "the scheduled one").take()
    done = made.run(server)
    assert done.returncode == 4
    assert "the scheduled one" in done.stderr
    assert not server.requests


def test_job_with_another_token_fails(tmp_path: Path) -> None:
    """An invalid token ends the run with 1; the log reports it without the token."""
    made = pod("overlays/baked", tmp_path)
    with EmulatorServer(token="another-token-0123456789") as server:
        done = made.run(server)
    assert done.returncode == 1
    assert events(done.stderr)[-1]["event"] == "run_finished"
    assert "401" in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_job_with_a_bad_manifest_sends_nothing(server: EmulatorServer, tmp_path: Path) -> None:
    """An error in a manifest ends the run with 3 before anything is sent."""
    made = pod("overlays/git-sync", tmp_path)
    made.commit("scoring.yaml", "command:", "comand:")
    made.publish()
    assert made.run(server).returncode == 3
    assert not server.requests


@contextmanager
def _daemon(made: Pod, server: EmulatorServer) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the daemon every second on a free port; yield its process and address."""
    arguments = [re.sub("^--interval=.*", "--interval=1", word) for word in made.arguments]
    arguments = [re.sub("^--listen=.*", "--listen=127.0.0.1:0", word) for word in arguments]
    with (made.root / "log").open("w") as log:
        process = subprocess.Popen(
            arguments, env=made.environment(server), cwd=made.root / "image", stderr=log, text=True
        )
    try:
        yield process, _until(lambda: _address(made.root / "log"))
    finally:
        process.kill()
        process.wait()


def _address(log: Path) -> str:
    lines = log.read_text().splitlines(keepends=True)
    logged = (json.loads(line) for line in lines if line.endswith("\n"))
    return next((event["address"] for event in logged if event["event"] == "listening"), "")


def _until(condition: Callable[[], Any]) -> Any:
    """Wait until `condition` returns a true value, and return it."""
    for _ in range(600):
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("the condition was not met")


def _get(address: str, path: str) -> str:
    """Return the body of an answer with 200, or an empty text."""
    try:
        with urllib.request.urlopen(address + path, timeout=10) as answer:  # noqa: S310 - loopback
            return str(answer.read().decode())
    except urllib.error.HTTPError:
        return ""


def test_daemon_follows_git(server: EmulatorServer, tmp_path: Path) -> None:
    """The daemon becomes ready, follows the branch, has the metrics of the alerts, and stops with 0."""
    made = pod("overlays/daemon", tmp_path)
    with _daemon(made, server) as (process, address):
        _until(lambda: _get(address, made.container["readinessProbe"]["httpGet"]["path"]))
        assert _get(address, made.container["livenessProbe"]["httpGet"]["path"])
        assert len(server.store.workflows()) == 3
        made.commit("scoring.yaml", "python score.py", "python score.py --all")
        made.publish()
        _until(lambda: "score.py --all" in str(server.store.workflows()))
        (endpoint,) = of_kind(rendered("overlays/daemon"), "PodMonitor")[0]["spec"]["podMetricsEndpoints"]
        metrics = _until(lambda: _get(address, endpoint["path"]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    (rules,) = of_kind(rendered("overlays/daemon"), "PrometheusRule")
    used = set(re.findall(r"peak_reconciler_\w+", str([rule["expr"] for rule in alerts(rules)])))
    assert len(used) == 3
    assert used <= set(re.findall(r"^(peak_reconciler_\w+)", metrics, re.MULTILINE))
    assert "Traceback" not in (tmp_path / "log").read_text()
