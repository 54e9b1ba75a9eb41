"""Progress of a long step on stderr: a bar on a terminal, else a line every ten seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from reconciler import render

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

INTERVAL: Final = 10.0
"""Seconds between two lines where stderr is no terminal."""

_BAR_AFTER: Final = 1.0
"""Seconds that a step may take before it gets a bar."""

_WIDTH: Final = 24


class Progress:
    """The progress of one command, whose steps follow each other.

    Args:
        write: Prints a line on stderr.
        interval: Seconds between two lines.
    """

    def __init__(self, write: Callable[[str], None], interval: float | None = None) -> None:
        self._write = write
        self._interval = INTERVAL if interval is None else interval
        self._lock = threading.RLock()
        self._ended: threading.Event | None = None
        self._bar: ProgressBar[int] | None = None
        self._what, self._done, self._total = "", 0, 0
        self._start = 0.0

    def update(self, what: str, done: int, total: int) -> None:
        """Take how far a step is; from any thread.

        Args:
            what: The step, as a line names it: `reading workflows`.
            done: The number of parts that are done.
            total: The number of all parts; the step ends when `done` reaches it.
        """
        with self._lock:
            if what != self._what:
                self.end()
                self._what, self._start = what, time.monotonic()
            self._done, self._total = done, total
            if done >= total:
                self.end()
            elif self._ended is None:
                self._begin()

    def hide(self) -> None:
        """Erase the bar, so that something else can be printed; the next update draws it again."""
        with self._lock:
            if self._bar is not None:
                with suppress(OSError, ValueError):
                    sys.stderr.write("\r\x1b[K")

    def end(self) -> None:
        """End the step: no more lines, no bar."""
        with self._lock:
            if self._ended is not None:
                self._ended.set()
            self.hide()
            self._ended, self._bar, self._what = None, None, ""

    def _begin(self) -> None:
        self._ended = threading.Event()
        watch = self._draw_often if _is_terminal() else self._print_often
        threading.Thread(target=watch, args=(self._ended,), daemon=True).start()

    def _print_often(self, ended: threading.Event) -> None:
        while not ended.wait(self._interval):
            with self._lock:
                if not ended.is_set():
                    self._write(self.line())

    def _draw_often(self, ended: threading.Event) -> None:
        wait = _BAR_AFTER
        while not ended.wait(wait):
            wait = 0.2
            with self._lock:
                if not ended.is_set():
                    self._draw()

    def _draw(self) -> None:
        if self._bar is None or self._bar.length != self._total:
            self._bar = click.progressbar(
                length=self._total,
                label=self._what,
                width=_WIDTH,
                show_percent=False,
                show_eta=False,
                item_show_func=lambda _: self._numbers(),
                file=sys.stderr,
            )
        self._bar.pos = self._done
        with suppress(OSError, ValueError):
            self._bar.render_progress()

    def line(self) -> str:
        """Return how far the step is, in one line."""
        return f"{self._what}: {self._numbers()}"

    def _numbers(self) -> str:
        seconds = time.monotonic() - self._start
        words = [f"{self._done}/{self._total}", f"{render.duration_text(seconds)} elapsed"]
        if self._done and seconds:
            rate = self._done / seconds
            words += [
                f"{rate:.3g}/s",
                f"about {render.duration_text((self._total - self._done) / rate)} left",
            ]
        return ", ".join(words)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
