"""Progress of a fleet on stderr: its environments redrawn on a terminal, elsewhere a line for each unit."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from reconciler.cli.live_text import LiveText, screen_height
from reconciler.cli.progress import how_far
from reconciler.cli.terminal import TerminalListener, warn
from reconciler.cli.terminal_features import is_drawable, text_display
from reconciler.fleet import Unit
from reconciler.render import fleet_progress_text, unit_line
from reconciler.values import JsonObject

_EVERY: Final = 0.5
"""Seconds between two drawings."""


@contextmanager
def fleet_progress(units: Sequence[Unit], *, quiet: bool) -> Iterator[Callable[[JsonObject], None]]:
    """Yield what takes the result of each unit as it comes, and shows how far the fleet is.

    Args:
        units: All units.
        quiet: Whether to show nothing.
    """
    if quiet:
        yield lambda _: None
    elif is_drawable(sys.stderr):
        screen = _Screen(units)
        try:
            yield screen.take
        finally:
            screen.end()
    else:
        yield _Lines(len(units)).take


class _Lines:
    """A line for each unit that has ended, and every ten seconds how many those are."""

    def __init__(self, units: int) -> None:
        self._units = units
        self._ended = 0
        self._listener = TerminalListener()
        self._show()

    def take(self, document: JsonObject) -> None:
        """Print the result of a unit."""
        self._ended += 1
        warn(f"[{self._ended}/{self._units}] {unit_line(document)}")
        self._show()

    def _show(self) -> None:
        self._listener.working("running units", self._ended, self._units)


class _Screen:
    """The environments on a terminal, redrawn until the fleet has ended; then only the numbers stay.

    Args:
        units: All units.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self._stream = sys.stderr  # which a live text replaces while it is drawn
        self._live = LiveText(self._stream)
        self._totals = Counter(unit.environment for unit in units)
        self._found: list[JsonObject] = []
        self._start = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw_often, daemon=True)
        self._draw()
        self._thread.start()

    def take(self, document: JsonObject) -> None:
        """Take the result of a unit; the next drawing shows it."""
        self._found.append(document)

    def end(self) -> None:
        """Leave the numbers on the terminal."""
        self._ended.set()
        self._thread.join()
        self._live.show(self._head())
        self._live.end()

    def _draw_often(self) -> None:
        while not self._ended.wait(_EVERY):
            self._draw()

    def _draw(self) -> None:
        display = text_display(stream=self._stream)._replace(height=screen_height())
        self._live.show(fleet_progress_text(self._head(), self._totals, [*self._found], display))

    def _head(self) -> str:
        done, total = len(self._found), self._totals.total()
        numbers = how_far(done, total, time.monotonic() - self._start)
        return f"running units: {', '.join(numbers if done < total else numbers[:2])}"
