"""Progress of a long step on stderr: a bar on a terminal, else a line every ten seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from reconciler import render
from reconciler.cli.terminal_features import is_drawable, terminal_width
from reconciler.text import printable

INTERVAL: Final = 10.0
"""Seconds between two lines where stderr is no terminal."""

_BAR_AFTER: Final = 1.0
"""Seconds that a step may take before it gets a bar."""

_LONGEST_BAR: Final = 24
_SHORTEST_BAR: Final = 8
_MOST_IN_FLIGHT: Final = 3


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
        self._drawn = False
        self._what, self._done, self._total = "", 0, 0
        self._in_flight: tuple[str, ...] = ()
        self._start = 0.0

    def update(self, what: str, done: int, total: int, in_flight: Sequence[str] = ()) -> None:
        """Take how far a step is; from any thread.

        Args:
            what: The step, as a line names it: `reading workflows`.
            done: The number of parts that are done.
            total: The number of all parts; the step ends when `done` reaches it.
            in_flight: The names of the parts that are being worked on.
        """
        with self._lock:
            if what != self._what:
                self.end()
                self._what, self._start = what, time.monotonic()
            self._done, self._total, self._in_flight = done, total, tuple(in_flight)
            if done >= total:
                self.end()
            elif self._ended is None:
                self._begin()

    def hide(self) -> None:
        """Erase the bar, so that something else can be printed; the next update draws it again."""
        with self._lock:
            if self._drawn:
                self._drawn = False
                with suppress(OSError, ValueError):
                    sys.stderr.write("\r\x1b[K")

    def end(self) -> None:
        """End the step: no more lines, no bar."""
        with self._lock:
            if self._ended is not None:
                self._ended.set()
            self.hide()
            self._ended, self._what = None, ""

    def _begin(self) -> None:
        self._ended = threading.Event()
        watch = self._draw_often if is_drawable(sys.stderr) else self._print_often
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
        width = terminal_width(sys.stderr) or render.NARROWEST
        with suppress(OSError, ValueError):
            sys.stderr.write(f"\r\x1b[K{self.bar(width - 1)}")
            sys.stderr.flush()
            self._drawn = True

    def line(self) -> str:
        """Return how far the step is, in one line."""
        return f"{self._what}: {', '.join(self._numbers())}"

    def bar(self, width: int) -> str:
        """Return how far the step is as a bar with numbers, in at most `width` columns.

        Where there is little room, the rate is left out first, then the elapsed time, the bar and the rest.
        """
        done, *more = self._numbers()
        choices = [[done, *more], [done, *more[:1], *more[2:]], [done, *more[2:]], [done]]
        texts = [f"{self._what}  {', '.join(words)}" for words in choices]
        text = next((it for it in texts if len(it) + _SHORTEST_BAR + 4 <= width), texts[-1])
        size = min(_LONGEST_BAR, width - len(text) - 4)
        if size < _SHORTEST_BAR:
            return text[:width]
        full = size * self._done // self._total
        text = text.replace("  ", f"  [{'#' * full}{'-' * (size - full)}]  ", 1)
        return f"{text}{self._now(width - len(text))}"

    def _now(self, room: int) -> str:
        """Return the names of what is in flight, as far as there is room for them."""
        names = [printable(name) for name in self._in_flight]
        for shown in range(min(len(names), _MOST_IN_FLIGHT), 0, -1):
            more = f" and {len(names) - shown} more" if len(names) > shown else ""
            words = f"; now {', '.join(names[:shown])}{more}"
            if len(words.encode()) <= room:  # no character has more columns than bytes
                return words
        return ""

    def _numbers(self) -> list[str]:
        return how_far(self._done, self._total, time.monotonic() - self._start)


def how_far(done: int, total: int, seconds: float) -> list[str]:
    """Return how much is done, the elapsed time, and the rate and the time that is left, once known."""
    words = [f"{done}/{total}", f"{render.duration_text(seconds)} elapsed"]
    if done and seconds:
        rate = done / seconds
        words += [f"{rate:.3g}/s", f"about {render.duration_text((total - done) / rate)} left"]
    return words
