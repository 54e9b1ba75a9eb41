"""Interrupts: SIGTERM is handled like Ctrl-C, and both stop an apply cleanly."""

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
    """Turn SIGTERM into `KeyboardInterrupt` within the block, unless something else handles it there."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is _interrupt:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def stopping_on_interrupt(report: Callable[[], None]) -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, instead of an exception that could be raised anywhere.

    After the block both are ignored until the process ends, so that the result is reported in full.

    Args:
        report: Called at the first signal.
    """
    stop = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
            report()

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
