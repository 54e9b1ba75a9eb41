"""SIGTERM as Ctrl-C: what stops a container job stops an apply as cleanly as a user does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def terminating_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into `KeyboardInterrupt` while the block lasts, unless something else handles it then."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is _interrupt:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def stopping_on_interrupt(say: Callable[[], None]) -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, in place of an exception that could strike anywhere.

    After the block they are ignored, to the end of the process: what is left is to say what was done, and
    that is to be whole.

    Args:
        say: Called when the first one comes while the block lasts.
    """
    stop = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
            say()

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
