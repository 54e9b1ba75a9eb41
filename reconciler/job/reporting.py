"""What is told of a run when it has ended: metrics and notifications. That one cannot be told is a warning.

A run ends as it ends: whether somebody could be told changes neither what was done nor the exit code.
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
"""What is read of an earlier metrics file, at most."""


class Reporter:
    """Tells of the runs of a job, and knows what must be remembered from one to the next.

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
        self._told: tuple[object, ...] | None = None

    def metrics(self) -> str:
        """Return the metrics as they are; from any thread."""
        return metrics_text(self._measured)

    def tell(self, outcome: Outcome) -> None:
        """Write and push the metrics, and notify, as far as that is asked for.

        Nobody is notified of what the run before this one was told for already: the same failure, the same
        drift. A change is told each time, since each time something was written.
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
        told, self._told = self._told, _what(outcome)
        if options.notify is None or not options.notify_on.intersection(outcome.kinds):
            return
        if told == self._told and OutcomeKind.CHANGE not in outcome.kinds:
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
            self._job.log(Entry(event=Event.NOTIFIED, message="the notification was taken", fields=fields))

    def _warn(self, event: Event, message: str, fields: JsonObject) -> None:
        self._job.log(Entry(event=event, level=Level.WARNING, message=message, fields=fields))


def _what(outcome: Outcome) -> tuple[object, ...]:
    """Return what a run is told for, without what differs from run to run."""
    return (
        outcome.kinds,
        outcome.exit_code,
        tuple((item.name, item.action, item.status) for item in outcome.workflows),
    )


def _after(measured: JobMetrics, outcome: Outcome) -> JobMetrics:
    """Return what is measured after one more run."""
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
    """Return when a run last succeeded, as the metrics file of an earlier process says."""
    if file is None:
        return None
    try:
        text = read_bounded(file, _MOST_BYTES).decode("utf-8", "replace")
    except UnreadableError:
        return None
    return read_last_success(text, environment)
