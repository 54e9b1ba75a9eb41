"""The loop of a job without a scheduler: runs, waits, is asked how it does; a failed run ends nothing."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.exits import ExitCode
from reconciler.job.context import Job
from reconciler.job.events import Entry, Event
from reconciler.job.health import Health
from reconciler.job.probe_server import serve_probes
from reconciler.job.reporting import Reporter
from reconciler.job.run import run_once
from reconciler.operations.run_recording import INTERRUPTED

_AT_LEAST: Final = 0.5
"""The seconds between two runs, at least, when one takes longer than the interval."""


def keep_running(job: Job, interval: float) -> int:
    """Run the job every `interval` seconds until it is asked to stop, and return the exit code.

    That is 0; a run that was stopped while it wrote gives its own. One that was stopped before that is not
    told of: it is nobody's failure.

    Args:
        job: The job.
        interval: The seconds from the beginning of one run to that of the next.
    """
    health = Health()
    job = dataclasses.replace(job, beat=health.beat)
    teller = Reporter(job)
    with _listening(job, health, teller):
        _say(job, Event.LOOP_STARTED, f"a run every {interval:g} s", interval_seconds=interval)
        runs, code = 0, 0
        while not job.signals.asked:
            runs += 1
            code = _one(job, interval, health, teller)
            job.log.run_id = None
        _say(
            job, Event.LOOP_STOPPED, f"asked to stop after {runs} {'run' if runs == 1 else 'runs'}", runs=runs
        )
    return code


def _one(job: Job, interval: float, health: Health, teller: Reporter) -> int:
    """Run once, tell of it, wait, and return with which exit code the loop may end here."""
    began = time.monotonic()
    health.run_started()
    outcome = run_once(job)
    stopped_in_run = job.signals.asked
    broken_off = outcome is not None and stopped_in_run and outcome.exit_code == INTERRUPTED
    if outcome is not None and not broken_off:
        teller.tell(outcome)
    wait = max(_AT_LEAST, interval - (time.monotonic() - began))
    wait += random.uniform(0, job.options.jitter)  # noqa: S311 - so that many jobs do not begin together
    health.run_ended(succeeded=None if outcome is None else outcome.succeeded, next_in=wait)
    job.signals.wait(wait)
    return ExitCode.OK if outcome is None or broken_off or not stopped_in_run else outcome.exit_code


@contextmanager
def _listening(job: Job, health: Health, teller: Reporter) -> Iterator[None]:
    address = job.options.listen
    if address is None:
        yield
        return
    with serve_probes(address, health, teller.metrics) as where:
        _say(job, Event.LISTENING, f"listening on {where}", address=where)
        yield


def _say(job: Job, event: Event, message: str, **fields: str | float) -> None:
    job.log(Entry(event=event, message=message, fields=dict(fields)))
