"""Loop of a job: run, report, wait. Neither a failed run nor a failed delivery of its report ends it."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.errors import INTERRUPTED, ExitCode, ReconcilerError
from reconciler.files import write_text
from reconciler.job.context import Job
from reconciler.job.log import Event, Level
from reconciler.job.metrics import JobMetrics, earlier_success, metrics_text, push
from reconciler.job.notifications import notification
from reconciler.job.outcome import Outcome, OutcomeKind
from reconciler.job.probes import Health, serve_probes
from reconciler.job.run import run_once
from reconciler.schema import is_valid
from reconciler.values import JsonValue

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
        job.report(Event.LOOP_STARTED, f"a run every {interval:g} s", interval_seconds=interval)
        runs, code = 0, 0
        while not job.signals.asked:
            runs += 1
            code = _run_and_wait(job, interval, health, reporter)
            job.log.run_id = None
        count = f"{runs} {'run' if runs == 1 else 'runs'}"
        job.report(Event.LOOP_STOPPED, f"asked to stop after {count}", runs=runs)
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
        job.report(Event.LISTENING, f"listening on {where}", address=where)
        yield


class Reporter:
    """Reporter of the runs of a job: metrics and notifications. A failed delivery is only a warning.

    Args:
        job: The job.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._measured = JobMetrics(
            environment=job.environment,
            last_success=earlier_success(job.options.metrics_file, job.environment),
            runs=None if job.options.interval is None else (0, 0),
        )
        self._notified: tuple[object, ...] | None = None

    def metrics(self) -> str:
        """Return the metrics as they are; from any thread."""
        return metrics_text(self._measured)

    def report(self, outcome: Outcome) -> None:
        """Write and push the metrics, and send a notification, as the options say.

        A failure or a drift that the previous run had as well is not notified again. A change is notified
        each time, since each time something was written.
        """
        self._measured = self._measured.after(outcome)
        options = self._job.options
        if options.metrics_file is not None:
            with self._delivering(Event.METRICS_FAILED, target="file"):
                write_text(options.metrics_file, self.metrics())
        if options.gateway is not None:
            with self._delivering(Event.METRICS_FAILED, target="pushgateway"):
                push(options.gateway, self._measured)
        before, self._notified = self._notified, _subject(outcome)
        is_news = before != self._notified or OutcomeKind.CHANGE in outcome.kinds
        if options.notify is not None and is_news and options.notify_on.intersection(outcome.kinds):
            kinds: list[JsonValue] = [kind.value for kind in outcome.kinds]
            with self._delivering(Event.NOTIFY_FAILED, format=options.notify_format, kinds=kinds):
                options.notify.post(notification(outcome, options.notify_format))
                self._job.report(
                    Event.NOTIFIED,
                    "the notification was delivered",
                    format=options.notify_format,
                    kinds=kinds,
                )

    @contextmanager
    def _delivering(self, failed: Event, **fields: JsonValue) -> Iterator[None]:
        """Turn an error within the block into a warning with `fields`."""
        try:
            yield
        except ReconcilerError as error:
            self._job.report(failed, error.message, Level.WARNING, "", **fields)


def _subject(outcome: Outcome) -> tuple[object, ...]:
    """Return what a notification is about, without what differs from run to run."""
    return (
        outcome.kinds,
        outcome.exit_code,
        tuple((item.name, item.action, item.status) for item in outcome.workflows),
    )
