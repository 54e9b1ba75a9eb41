"""The job as a process: signals, the loop with its probes, the lock between processes."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from job_helpers import Ran, Site, await_event, ended, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _started(site: Site, *words: str, place: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    process = site.start(*words, place=place)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _faults(site: Site, *rules: str) -> None:
    site.server.faults = rules  # type: ignore[assignment] - their written form


def _terminated(process: subprocess.Popen[str]) -> Ran:
    process.send_signal(signal.SIGTERM)
    return ended(process)


def _get(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def _await_lock(site: Site) -> None:
    lock = site.home / "lock"
    while not lock.exists() or not lock.stat().st_size:
        time.sleep(0.01)


def _last(found: list[dict[str, Any]]) -> dict[str, Any]:
    return found[-1]


def test_sigterm_while_it_writes_finishes_the_writes_in_flight(site: Site) -> None:
    """Writes in flight are finished, the rest is skipped, all of it is reported, and the lock is gone."""
    for name in ("a", "b", "c"):
        site.write(name)
    _faults(site, "latency:1@POST")
    with (
        receiver() as hook,
        _started(site, "--concurrency", "1", "--lock-file", "lock", "--notify-url", hook.url) as process,
    ):
        await_event(process, "workflow_started")
        ran = _terminated(process)
    assert ran.code == 1
    assert ran.named("stopping")
    results = _last(ran.named("run_finished"))["results"]
    assert results["done"] >= 1
    assert results["not_tried"] >= 1
    assert results["done"] + results["not_tried"] == 3
    assert [item.json["kinds"] for item in hook.received] == [["failure", "change"]]
    assert not (site.home / "lock").exists()
    assert len(site.writes()) == results["done"]


def test_sigterm_while_it_reads_breaks_it_off(site: Site) -> None:
    """Nothing was written: exit 130, reported as a failure, and the lock is gone."""
    site.write("flow")
    _faults(site, "latency:1@GET")
    with _started(site, "--lock-file", "lock", "--run-record", "record.json") as process:
        await_event(process, "run_started")
        _await_lock(site)
        ran = _terminated(process)
    assert ran.code == 130
    assert _last(ran.named("run_failed"))["message"] == "interrupted"
    assert _last(ran.named("run_finished"))["exit_code"] == 130
    assert not (site.home / "lock").exists()
    assert json.loads((site.home / "record.json").read_text(encoding="utf-8"))["exit_code"] == 130
    assert site.writes() == []


def test_a_loop_ends_cleanly_between_runs(site: Site) -> None:
    """It serves its probes and metrics, and SIGTERM while it waits ends it at once, with 0."""
    site.write("flow")
    with _started(site, "--interval", "3600", "--listen", "127.0.0.1:0") as process:
        address = _last(await_event(process, "listening"))["address"]
        await_event(process, "run_finished")
        while _get(address, "/readyz")[0] != 200:
            pass
        assert _get(address, "/healthz") == (200, "ok\n")
        metrics = _get(address, "/metrics")[1]
        ran = _terminated(process)
    assert 'peak_reconciler_runs_total{result="success"} 1.0' in metrics
    assert "peak_reconciler_last_run_success 1.0" in metrics
    assert ran.code == 0
    assert [event["runs"] for event in ran.named("loop_stopped")] == [1]


def test_a_loop_survives_failures_and_sees_the_next_checkout(site: Site) -> None:
    """A run that fails ends nothing; each run reads what the symbolic link leads to by then."""
    site.write("flow")
    for commit, text in (
        ("one", "name: ["),
        ("two", (site.folder / "flow.yaml").read_text(encoding="utf-8")),
    ):
        (site.home / commit / "workflows").mkdir(parents=True)
        (site.home / commit / "workflows" / "flow.yaml").write_text(text, encoding="utf-8")
    link = site.home / "current"
    link.symlink_to("one")
    with _started(site, "--interval", "1", "--listen", "127.0.0.1:0", place=link) as process:
        address = _last(await_event(process, "listening"))["address"]
        first = _last(await_event(process, "run_finished"))
        while _get(address, "/readyz")[1] != "the last run failed\n":
            pass
        assert _get(address, "/healthz")[0] == 200
        link.with_name("next").symlink_to("two")
        link.with_name("next").replace(link)
        found = await_event(process, "workflow_finished")
        second = _last(await_event(process, "run_finished"))
        while _get(address, "/readyz")[0] != 200:
            pass
        ran = _terminated(process)
    assert (first["exit_code"], second["exit_code"], ran.code) == (3, 0, 0)
    assert first["run_id"] != second["run_id"] == _last(found)["run_id"]
    assert len(site.writes()) == 1


def test_a_loop_that_is_stopped_in_a_run_reports_what_was_written(site: Site) -> None:
    """Within a run that writes, SIGTERM stops it like an apply, and the exit code is that of the run."""
    for name in ("a", "b"):
        site.write(name)
    _faults(site, "latency:1@POST")
    with _started(site, "--interval", "60", "--concurrency", "1", "--metrics-file", "m.prom") as process:
        await_event(process, "workflow_started")
        ran = _terminated(process)
    assert ran.code == 1
    assert _last(ran.named("run_finished"))["results"]["not_tried"] == 1
    assert ran.named("loop_stopped")
    metrics = (site.home / "m.prom").read_text(encoding="utf-8")
    assert 'last_run_workflows{action="create",status="not_tried"} 1.0' in metrics


def test_a_loop_that_is_stopped_while_it_reads_has_not_failed(site: Site) -> None:
    """A new version is rolled out in the middle of a plan: exit 0, and no failure is reported."""
    site.write("flow")
    _faults(site, "latency:1@GET")
    with receiver() as hook, _started(site, "--interval", "60", "--notify-url", hook.url) as process:
        await_event(process, "run_started")
        ran = _terminated(process)
    assert ran.code == 0
    assert hook.received == []


def test_of_two_at_once_one_works(site: Site) -> None:
    """While one process works, another that names the same lock file exits with 4 and asks for nothing."""
    site.write("flow")
    _faults(site, "latency:1@GET")
    with _started(site, "--lock-file", "lock") as process:
        while len(site.server.requests) < 2:  # it sends two at once
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)  # however slow everything is
        sent = len(site.server.requests)
        second = site.job("--lock-file", "lock")
        assert len(site.server.requests) == sent
        process.send_signal(signal.SIGCONT)
        first = ended(process)
    assert (first.code, second.code) == (0, 4)
    assert second.named("lock_held")
    assert len(site.writes()) == 1


def test_who_lost_the_lock_writes_no_more(site: Site) -> None:
    """Somebody removes the lock file: what is in flight is finished, the rest is left to the next run."""
    for name in ("a", "b", "c", "d"):
        site.write(name)
    _faults(site, "latency:1@POST")
    with _started(site, "--lock-file", "lock", "--lease", "1", "--concurrency", "1") as process:
        await_event(process, "workflow_started")
        (site.home / "lock").unlink()
        ran = ended(process)
    assert ran.code == 1
    assert ran.named("lock_lost")
    assert _last(ran.named("run_finished"))["results"]["not_tried"] >= 1
    assert site.run("workflows").code == 0


def test_a_killed_run_is_waited_for_no_longer_than_its_lease(site: Site) -> None:
    """SIGKILL leaves the lock behind; once its lease has expired the next run takes it over."""
    site.write("flow")
    _faults(site, "latency:1:x1@GET")
    with _started(site, "--lock-file", "lock") as process:
        _await_lock(site)
        process.kill()
        process.wait()
    assert site.job("--lock-file", "lock").code == 4
    lock = site.home / "lock"
    left = json.loads(lock.read_text(encoding="ascii"))
    lock.write_text(json.dumps({**left, "expires": "2020-01-01T00:00:00.000Z"}), encoding="ascii")
    ran = site.job("--lock-file", "lock")
    assert ran.code == 0
    assert left["run_id"] in ran.named("lock_taken_over")[0]["message"]
