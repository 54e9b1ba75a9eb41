"""How a job that loops is doing, as its probes see it: alive, ready.

Alive means that it gets on: something happened lately, or it waits for its next run. Ready means that the
last run did what it was to do; before the first one has ended it is not. A run that was left out, because
another process holds the lock, says nothing either way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

STUCK_AFTER: Final = 600.0
"""The seconds after which a run in which nothing happens is stuck: no event, no request, no answer."""

_LATE: Final = 60.0
"""How many seconds the next run may be late."""


class Health:
    """What the probes are told; usable from many threads at once.

    Args:
        now: Seconds that never go back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.RLock()  # a signal handler may tell of an event in the middle of this
        self._due = now() + STUCK_AFTER
        self._running = True
        self._last: bool | None = None

    def beat(self) -> None:
        """Know that something happened in a run."""
        with self._lock:
            if self._running:
                self._due = self._now() + STUCK_AFTER

    def began(self) -> None:
        """Know that a run began."""
        with self._lock:
            self._running = True
            self._due = self._now() + STUCK_AFTER

    def ended(self, *, succeeded: bool | None, next_in: float) -> None:
        """Know that a run ended.

        Args:
            succeeded: Whether it did what it was to do; `None` for one that was left out.
            next_in: The seconds until the next one begins.
        """
        with self._lock:
            self._running = False
            self._due = self._now() + next_in + _LATE
            if succeeded is not None:
                self._last = succeeded

    def trouble(self) -> str:
        """Return why the process should be started anew; empty when it should not."""
        with self._lock:
            if self._now() <= self._due:
                return ""
            return "nothing happens in this run" if self._running else "the next run is overdue"

    def unready(self) -> str:
        """Return why the job is not ready; empty when it is."""
        with self._lock:
            if self._last is None:
                return "the first run has not ended"
            return "" if self._last else "the last run failed"
