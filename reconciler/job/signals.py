"""SIGINT and SIGTERM over the life of a job: what they do depends on what is going on.

While a run reads they break it off; while it writes they stop it cleanly; while it waits for the next one
they end the waiting; at any other moment they are remembered, and looked at where the next of these begins.
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
    """What the signals mean at the moment; a context in which they are caught."""

    def __init__(self) -> None:
        self.asked = False
        """Whether the job was asked to stop."""

        self._reading = False
        self._stop: threading.Event | None = None
        self._say: Callable[[], None] = lambda: None
        self._pipe: tuple[int, int] | None = None

    @contextmanager
    def caught(self) -> Iterator[Signals]:
        """Catch the signals while the block lasts."""
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
    def breaking_off(self) -> Iterator[None]:
        """Let a signal break off what the block does, unless that is writing.

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
    def stopping(self, say: Callable[[], None]) -> Iterator[threading.Event]:
        """Give an event that a signal sets, now or before; after the block nothing is broken off any more.

        Args:
            say: Called when one comes while the block lasts.
        """
        stop = threading.Event()
        self._say, self._stop, self._reading = say, stop, False
        try:
            if self.asked:
                stop.set()
            yield stop
        finally:
            self._stop = None

    def stop(self) -> None:
        """Stop what is being written, from any thread, without ending the job."""
        stop = self._stop
        if stop is not None:
            stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether the job was asked to stop meanwhile, or before."""
        if self._pipe is not None and not self.asked:
            # An `Event` is no place to wait: the handler, which runs in this very thread, could not set it.
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
                self._say()
        elif self._reading:
            self._reading = False  # what cleans up is not broken off, however often it is asked
            raise KeyboardInterrupt
