"""Live text: a text on a terminal that is redrawn in place as it changes."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.live import Live


class LiveText:
    """A text at the end of a terminal; what is printed meanwhile goes above it, and its last form stays.

    Args:
        stream: The terminal; see `is_drawable`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live: Live | None = None

    def show(self, text: str) -> None:
        """Draw a text, with colours as escapes, in the place of the one before."""
        from rich.text import Text  # noqa: PLC0415 - only needed on a terminal

        if self._live is None:
            self._live = self._started()
        self._live.update(Text.from_ansi(text), refresh=True)

    def end(self) -> None:
        """Leave the last text as it is."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _started(self) -> Live:
        from rich.console import Console  # noqa: PLC0415 - only needed on a terminal
        from rich.live import Live  # noqa: PLC0415

        console = Console(file=self._stream, stderr=self._stream is sys.stderr, force_terminal=True)
        live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        live.start()
        return live


def screen_height() -> int:
    """Return the number of lines of the terminal."""
    return shutil.get_terminal_size().lines
