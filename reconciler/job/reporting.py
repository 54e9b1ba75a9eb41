"""Reporter of a finished run: sends metrics and notifications. A failed delivery is a warning.

It changes neither the result of the run nor its exit code.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.files import UnreadableError, read_bounded, write_text
from reconciler.job.context import Job
from reconciler.job.events import Entry, Event, Level
from reconciler.job.metrics import JobMetrics, metrics_text, push, read_last_success
from reconciler.job.notifications import notification
from reconciler.job.outcome import Outcome, OutcomeKind
from reconciler.values import JsonObject

_MOST_BYTES: Final = 1024 * 1024
"""Limit for reading an earlier metrics file."""


class Reporter:
    """Reporter of the runs of a job, with the state it needs from one run to the next.

    Args:
        job: The job.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        loops = job.options.interval is not None
        self._measured = JobMetrics(
            environment=job.environment,
            last_success=_last_success(job.options.metrics_file, job.environment),
            runs=(0, 0) if loops else None,
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
        self._measured = _after(self._measured, outcome)
        self._write()
        self._push()
        self._notify(outcome)

    def _write(self) -> None:
        file = self._job.options.metrics_file
        if file is None:
            return
        try:
            write_text(file, self.metrics())
        except ReconcilerError as error:
            self._warn(Event.METRICS_FAILED, error.message, {"target": "file"})

    def _push(self) -> None:
        gateway = self._job.options.gateway
        if gateway is None:
            return
        try:
            push(gateway, self._measured)
        except ReconcilerError as error:
            self._warn(Event.METRICS_FAILED, error.message, {"target": "pushgateway"})

    def _notify(self, outcome: Outcome) -> None:
        options = self._job.options
        before, self._notified = self._notified, _subject(outcome)
        if options.notify is None or not options.notify_on.intersection(outcome.kinds):
            return
        if before == self._notified and OutcomeKind.CHANGE not in outcome.kinds:
            return
        fields: JsonObject = {
            "format": options.notify_format,
            "kinds": [kind.value for kind in outcome.kinds],
        }
        try:
            options.notify.post(notification(outcome, options.notify_format))
        except ReconcilerError as error:
            self._warn(Event.NOTIFY_FAILED, error.message, fields)
        else:
            self._job.log(
                Entry(event=Event.NOTIFIED, message="the notification was delivered", fields=fields)
            )

    def _warn(self, event: Event, message: str, fields: JsonObject) -> None:
        self._job.log(Entry(event=event, level=Level.WARNING, message=message, fields=fields))


def _subject(outcome: Outcome) -> tuple[object, ...]:
    """Return what a notification is about, without what differs from run to run."""
    return (
        outcome.kinds,
        outcome.exit_code,
        tuple((item.name, item.action, item.status) for item in outcome.workflows),
    )


def _after(measured: JobMetrics, outcome: Outcome) -> JobMetrics:
    """Return the measurements after one more run."""
    runs = measured.runs
    if runs is not None:
        runs = (runs[0] + outcome.succeeded, runs[1] + (not outcome.succeeded))
    return dataclasses.replace(
        measured,
        outcome=outcome,
        last_success=outcome.ended.timestamp() if outcome.succeeded else measured.last_success,
        runs=runs,
    )


def _last_success(file: Path | None, environment: str) -> float | None:
    """Return the time of the last successful run in the metrics file of an earlier process."""
    if file is None:
        return None
    try:
        text = read_bounded(file, _MOST_BYTES).decode("utf-8", "replace")
    except UnreadableError:
        return None
    return read_last_success(text, environment)
