"""What all runs of a job have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.cli.apply_options import RawApplyOptions
from reconciler.cli.job_options import JobOptions
from reconciler.cli.scope_options import RawScopeOptions
from reconciler.job.events import Entry, Event, Level
from reconciler.job.log import Log
from reconciler.job.outcome import safe_text
from reconciler.job.signals import Signals
from reconciler.operations.settings import Typed
from reconciler.secrecy import Redactor

_LONGEST_ENVIRONMENT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all runs of a job have in common.

    Args:
        typed: What was said of the settings, which are settled anew for each run.
        asked: What the runs are about, and how far they may go.
        manner: How they write.
        options: What else they do.
        place: The working directory.
        log: Where events go.
        signals: What stops them.
        beat: Called whenever something happens.
    """

    typed: Typed
    asked: RawScopeOptions
    manner: RawApplyOptions
    options: JobOptions
    place: Path
    log: Log
    signals: Signals
    beat: Callable[[], None] = lambda: None

    @property
    def environment(self) -> str:
        """The name of the environment, fit to be shown; empty when none was chosen."""
        return safe_text(self.typed.environment or "", Redactor(), _LONGEST_ENVIRONMENT)

    def tell(self, event: Event, message: str, level: Level = Level.INFO, hint: str = "") -> None:
        """Log an event that has no fields of its own."""
        self.log(Entry(event=event, level=level, message=message, fields={"hint": hint or None}))
