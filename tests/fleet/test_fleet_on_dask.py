"""Fleet on Dask: workers that are lost, hosts that are gone, tenants that fail; and each write once."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fleet_helpers import Fleet, summaries, tenants
from processes import forked_command
from strategies import DEPTH

from reconciler.emulator.middleware import RequestLog
from reconciler.fleet import FleetWork
from reconciler.operations import RawOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.emulator.middleware import RecordedRequest

_DASHBOARD = 8787
"""The port on which Dask serves its dashboard by default: with two clusters it is taken."""

_RATE = 40.0
_LAG = frozenset({"list-lag=1500"})
_FAULTS = ("500:10%@GET", "drop-after:20%@POST", "503-seconds:0.1:5%")
_SEEDS = range(10 if DEPTH >= 10 else 2)
"""All ten with TEST_DEPTH=10; the first two lose a worker late and early in the run."""

_OWN_LINE = re.compile(r"\[\d+/16\] |running units: \d+/16, ")
_CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> dict[RequestLog, list[float]]:
    """Return the moments at which each tenant gets its requests."""
    found: dict[RequestLog, list[float]] = {}
    add = RequestLog.add

    def noted(log: RequestLog, request: RecordedRequest, size: int) -> None:
        found.setdefault(log, []).append(time.monotonic())
        add(log, request, size)

    monkeypatch.setattr(RequestLog, "add", noted)
    return found


def _start(fleet: Fleet, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*forked_command(), "fleet", *words, "--format", "json"],
        cwd=fleet.folder,
        env=fleet.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _workers(fleet: Fleet) -> Iterator[int]:
    """Yield the process ids of the workers of a fleet on this machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == fleet.folder and b"spawn_main" in (
                process / "cmdline"
            ).read_bytes():
                yield int(process.name)


def _ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    out, err = process.communicate(timeout=100)
    assert out, err
    report: dict[str, Any] = json.loads(out)
    assert process.returncode == report["exit_code"], err
    return report, err


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.skipif(DEPTH < 2, reason="starts a cluster; runs with TEST_DEPTH=2")
@pytest.mark.parametrize("seed", _SEEDS)
def test_a_worker_is_lost_at_a_random_moment(
    tmp_path: Path, seed: int, moments: dict[RequestLog, list[float]]
) -> None:
    """All live tenants converge without a twin, rates hold, and the report is the sum of what was done."""
    chance = random.Random(seed)  # noqa: S311 - a moment
    with ExitStack() as stack:
        other = stack.enter_context(socket.socket())
        with suppress(OSError):  # somebody has it already
            other.bind(("127.0.0.1", _DASHBOARD))
            other.listen()
        servers = tenants(stack, 6, profile=_LAG)
        fleet = Fleet(tmp_path, servers, {"max_requests_per_second": _RATE}, broken=True)
        for server in servers[:2]:
            server.faults = _FAULTS
        names = fleet.write(6)
        process = _start(fleet, "apply", "--auto-approve", "--shards", "2", "--workers", "2")
        moment = chance.randint(1, 150)
        while sum(map(len, moments.values())) < moment and process.poll() is None:
            time.sleep(0.01)
        workers = sorted(_workers(fleet))
        if process.poll() is None:
            os.kill(chance.choice(workers), signal.SIGKILL)
        report, err = _ended(process)
        assert fleet.names() == [dict.fromkeys(names, 1)] * 6, err
        codes = {each["environment"]: each["exit_code"] for each in report["environments"]}
        assert codes == {**{f"live-{number}": 0 for number in range(6)}, "dead": 1, "refused": 1}, err
        assert (report["exit_code"], report["missing"]) == (1, 0)
        assert [line for line in err.splitlines() if not _OWN_LINE.match(line)] == []
        assert report["summary"] == {
            key: sum(each[key] for each in summaries(report)) for key in report["summary"]
        }
        for times in moments.values():
            assert times[-1] - times[0] > (len(times) - 1) / _RATE - 0.5
        for server in servers:
            server.profile, server.faults = frozenset(), ()
        every = [word for number in range(6) for word in ("--environment", f"live-{number}")]
        assert fleet.run("plan", *every, "--detailed-exitcode").returncode == 0


@pytest.mark.skipif(DEPTH < 2, reason="starts a cluster; runs with TEST_DEPTH=2")
def test_workers_read_their_own_variables(fleet: Fleet) -> None:
    """The scheduler's address is enough: whoever starts the fleet needs no token."""
    names = fleet.write(3)
    tokens = {name: fleet.env.pop(name) for name in list(fleet.env) if name.startswith("TOKEN_")}
    script = fleet.folder / "cluster.py"
    script.write_text(_CLUSTER)
    cluster = subprocess.Popen(
        [sys.executable, script],
        cwd=fleet.folder,
        env={**fleet.env, **tokens},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert cluster.stdout is not None
    address = cluster.stdout.readline().strip().replace("tcp://", "dask://")
    try:
        words = ("apply", "--auto-approve", "--environments", "live-*", "--executor", address)
        report, _ = _ended(_start(fleet, *words, "--shards", "2"))
    finally:
        cluster.communicate("")
    assert report["exit_code"] == 0
    assert fleet.names() == [dict.fromkeys(names, 1)] * 2


@pytest.mark.skipif(DEPTH < 2, reason="loads Dask; runs with TEST_DEPTH=2")
def test_a_worker_elsewhere_runs_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with another version or configuration, or none that can be read, says so."""
    from reconciler.fleet.on_dask import _difference, _origin  # noqa: PLC0415 - loads Dask

    monkeypatch.chdir(fleet.folder)
    work = FleetWork(command="plan", raw=RawOptions(config=Path("reconciler.yaml")))
    version, configuration = _origin(work)
    assert _difference(work, (version, configuration)) == ""
    assert "has version" in _difference(work, ("0.0", configuration))
    fleet.configure(concurrency=3)
    assert "another configuration file" in _difference(work, (version, configuration))
    (fleet.folder / "reconciler.yaml").unlink()
    assert "cannot read the configuration" in _difference(work, (version, configuration))


@pytest.mark.skipif(DEPTH < 2, reason="starts workers; runs with TEST_DEPTH=2")
def test_ctrl_c_starts_nothing_more(fleet: Fleet) -> None:
    """Writes in flight are finished, units that have not begun are skipped, and the report has them all."""
    fleet.write(30)
    for server in fleet.servers:
        server.faults = ("latency:200ms",)
    words = ("apply", "--auto-approve", "--environments", "live-*", "--shards", "6", "--workers", "1")
    process = _start(fleet, *words)
    while not any(request.method == "POST" for server in fleet.servers for request in server.requests):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    report, err = _ended(process)
    assert "stopping:" in err
    units = [unit for each in report["environments"] for unit in each["units"]]
    assert len(units) == 12
    assert any(unit["skipped"] for unit in units)
    done = sum(unit["report"]["summary"]["done"] for unit in units if unit["report"])
    assert 0 < done == sum(sum(each.values()) for each in fleet.names()) < 60
    assert report["exit_code"] == 1
