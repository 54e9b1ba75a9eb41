"""Signals of a job: SIGINT and SIGTERM, whose effect depends on what the job is doing.

While a run reads, they interrupt it; while it writes, they stop it cleanly; while the job waits for the next
run, they end the wait; at any other moment they take effect when the next of these begins.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """The current effect of the signals."""

    def __init__(self) -> None:
        self.asked = False
        """Whether the job was asked to stop."""

        self._reading = False
        self._stop: threading.Event | None = None
        self._report: Callable[[], None] = lambda: None
        self._pipe: tuple[int, int] | None = None

    @contextmanager
    def caught(self) -> Iterator[Signals]:
        """Catch the signals within the block."""
        read, write = self._pipe = os.pipe()
        os.set_blocking(write, False)
        before = [signal.signal(number, self._note) for number in _SIGNALS]
        try:
            yield self
        finally:
            for number, handler in zip(_SIGNALS, before, strict=True):
                signal.signal(number, handler)
            self._pipe = None
            os.close(read)
            os.close(write)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal interrupt the block, unless it writes.

        Raises:
            KeyboardInterrupt: A signal came, now or before.
        """
        self._reading = True
        try:
            if self.asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._reading = False

    @contextmanager
    def stopping(self, report: Callable[[], None]) -> Iterator[threading.Event]:
        """Give an event that a signal sets, now or before; nothing is interrupted any more after the block.

        Args:
            report: Called at the first signal within the block.
        """
        stop = threading.Event()
        self._report, self._stop, self._reading = report, stop, False
        try:
            if self.asked:
                stop.set()
            yield stop
        finally:
            self._stop = None

    def stop(self) -> None:
        """Stop the writes of the current run, from any thread, without ending the job."""
        stop = self._stop
        if stop is not None:
            stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`, and return whether the job was asked to stop."""
        if self._pipe is not None and not self.asked:
            # Not an `Event`: the handler runs in this thread, and could not set one that it waits for.
            select.select([self._pipe[0]], [], [], seconds)
        return self.asked

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        if self._pipe is not None:
            with suppress(OSError):  # full: it is awake already
                os.write(self._pipe[1], b"x")
        if self._stop is not None:
            self._stop.set()
            if first:
                self._report()
        elif self._reading:
            self._reading = False  # further signals do not interrupt the cleanup
            raise KeyboardInterrupt
