"""Loop of a job: run, report, wait; a failed run does not end it."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.errors import INTERRUPTED, ExitCode
from reconciler.job.context import Job
from reconciler.job.events import Entry, Event
from reconciler.job.health import Health
from reconciler.job.probe_server import serve_probes
from reconciler.job.reporting import Reporter
from reconciler.job.run import run_once
from reconciler.schema import is_valid

_AT_LEAST: Final = 0.5
"""Minimum of seconds between two runs, when a run takes longer than the interval."""


def run_job(job: Job) -> int:
    """Run the job, once or in a loop, and return the exit code."""
    for sender in (job.options.gateway, job.options.notify):
        if sender is not None:
            job.log.redactor = job.log.redactor.joined(sender.redactor())
    is_valid({}, "configuration")  # its library crashes when a signal interrupts its first use
    if job.options.interval is not None:
        return _run_in_loop(job, job.options.interval)
    reporter = Reporter(job)
    outcome = run_once(job)
    if outcome is None:
        return ExitCode.BLOCKED
    reporter.report(outcome)
    return outcome.exit_code


def _run_in_loop(job: Job, interval: float) -> int:
    """Run the job every `interval` seconds until it is asked to stop, and return the exit code.

    That is 0, or that of the run that was stopped while it wrote. A run that was interrupted before it wrote
    is not reported: it did not fail.
    """
    health = Health()
    job = dataclasses.replace(job, beat=health.beat)
    reporter = Reporter(job)
    with _listening(job, health, reporter):
        _log(job, Event.LOOP_STARTED, f"a run every {interval:g} s", interval_seconds=interval)
        runs, code = 0, 0
        while not job.signals.asked:
            runs += 1
            code = _run_and_wait(job, interval, health, reporter)
            job.log.run_id = None
        count = f"{runs} {'run' if runs == 1 else 'runs'}"
        _log(job, Event.LOOP_STOPPED, f"asked to stop after {count}", runs=runs)
    return code


def _run_and_wait(job: Job, interval: float, health: Health, reporter: Reporter) -> int:
    """Run once, report, wait for the next run, and return the exit code if the loop ends here."""
    began = time.monotonic()
    health.run_started()
    outcome = run_once(job)
    stopped_in_run = job.signals.asked
    interrupted = outcome is not None and stopped_in_run and outcome.exit_code == INTERRUPTED
    if outcome is not None and not interrupted:
        reporter.report(outcome)
    wait = max(_AT_LEAST, interval - (time.monotonic() - began))
    wait += random.uniform(0, job.options.jitter)  # noqa: S311 - so that many jobs do not start together
    health.run_ended(succeeded=None if outcome is None else outcome.succeeded, next_in=wait)
    job.signals.wait(wait)
    return ExitCode.OK if outcome is None or interrupted or not stopped_in_run else outcome.exit_code


@contextmanager
def _listening(job: Job, health: Health, reporter: Reporter) -> Iterator[None]:
    address = job.options.listen
    if address is None:
        yield
        return
    with serve_probes(address, health, reporter.metrics) as where:
        _log(job, Event.LISTENING, f"listening on {where}", address=where)
        yield


def _log(job: Job, event: Event, message: str, **fields: str | float) -> None:
    job.log(Entry(event=event, message=message, fields=dict(fields)))
