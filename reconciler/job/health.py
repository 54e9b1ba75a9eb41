"""Health of a looping job: alive and ready, for the probes.

It is alive while something happens in its run, or while it waits for the next one. It is ready once its last
run succeeded. A run that was skipped, because another process holds the lock, changes neither.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

STUCK_AFTER: Final = 600.0
"""The seconds without an event or a request after which a run counts as stuck."""

_LATE: Final = 60.0
"""The seconds by which the next run may be late."""


class Health:
    """The state behind the probes, safe to use from many threads.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.RLock()  # a signal handler may log an event, and call `beat`, inside a method
        self._due = now() + STUCK_AFTER
        self._running = True
        self._last: bool | None = None

    def beat(self) -> None:
        """Record that something happened in the current run."""
        with self._lock:
            if self._running:
                self._due = self._now() + STUCK_AFTER

    def run_started(self) -> None:
        """Record the start of a run."""
        with self._lock:
            self._running = True
            self._due = self._now() + STUCK_AFTER

    def run_ended(self, *, succeeded: bool | None, next_in: float) -> None:
        """Record the end of a run.

        Args:
            succeeded: Whether it succeeded; `None` if it was skipped.
            next_in: The seconds until the next one.
        """
        with self._lock:
            self._running = False
            self._due = self._now() + next_in + _LATE
            if succeeded is not None:
                self._last = succeeded

    def liveness_problem(self) -> str:
        """Return why the process should be restarted; empty if it should not."""
        with self._lock:
            if self._now() <= self._due:
                return ""
            return "nothing happens in this run" if self._running else "the next run is overdue"

    def readiness_problem(self) -> str:
        """Return why the job is not ready; empty if it is."""
        with self._lock:
            if self._last is None:
                return "the first run has not ended"
            return "" if self._last else "the last run failed"
