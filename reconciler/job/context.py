"""Context of a job: its options, and the state that its runs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.client import WebhookSender
from reconciler.job.events import Entry, Event, Level
from reconciler.job.log import Log
from reconciler.job.outcome import OutcomeKind, safe_text
from reconciler.job.signals import Signals
from reconciler.operations import ApplyOptions, Listener, RawOptions, ScopeOptions
from reconciler.secrecy import Redactor

_LONGEST_ENVIRONMENT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What a job does around each run.

    Args:
        dry_run: Whether it only plans.
        interval: Seconds between the starts of two runs; `None` for a single run.
        jitter: Seconds to wait longer at most, at random.
        lock_file: The lock file; `None` for none.
        lease: Seconds after which the lock of a killed run is released.
        listen: Host and port for probes and metrics; `None` for none.
        metrics_file: File for metrics; `None` for none.
        gateway: Sender to a Pushgateway; `None` for none.
        notify: Sender of notifications; `None` for none.
        notify_format: Format of notifications.
        notify_on: Outcomes to notify about.
    """

    dry_run: bool = False
    interval: float | None = None
    jitter: float = 0
    lock_file: Path | None = None
    lease: float = 300
    listen: tuple[str, int] | None = None
    metrics_file: Path | None = None
    gateway: WebhookSender | None = None
    notify: WebhookSender | None = None
    notify_format: str = "generic"
    notify_on: frozenset[OutcomeKind] = frozenset(OutcomeKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all runs of a job have in common.

    Args:
        raw: The options for the settings; the configuration is read again for each run.
        scope: The part of the workflows the runs are about.
        apply_options: How they apply their plan.
        options: What the job does around each run.
        output: Shows plans and results in a log of text, and JSON results in any.
        place: The working directory.
        log: The log.
        signals: Stops the job.
        beat: Called whenever something happens, as a sign of life.
    """

    raw: RawOptions
    scope: ScopeOptions
    apply_options: ApplyOptions
    options: JobOptions
    output: Listener
    place: Path
    log: Log
    signals: Signals
    beat: Callable[[], None] = lambda: None

    @property
    def environment(self) -> str:
        """The name of the environment, fit to be shown; empty when none is chosen."""
        return safe_text(self.raw.environment or "", Redactor(), _LONGEST_ENVIRONMENT)

    def report(self, event: Event, message: str, level: Level = Level.INFO, hint: str = "") -> None:
        """Log an event that has no fields of its own."""
        self.log(Entry(event=event, level=level, message=message, fields={"hint": hint or None}))
