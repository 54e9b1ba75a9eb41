"""SIGTERM as Ctrl-C: what stops a container job stops an apply as cleanly as a user does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def terminating_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into `KeyboardInterrupt` while the block lasts."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
