"""Features of the terminal that a stream goes to: whether there is one, its width, and its colours."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final, TextIO

from reconciler import render

_COLUMNS: Final = 80
"""The width of a terminal that does not say its own."""


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether `stream` goes to a terminal that can move its cursor."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def terminal_width(stream: TextIO | None) -> int | None:
    """Return the width that text is laid out for; `None` where that goes to no terminal, or to a dumb one.

    The variable COLUMNS takes the place of the terminal's own width. It does nothing for a pipe or a file.
    """
    if stream is None or not is_terminal(stream):
        return None
    return max(_columns(stream), render.NARROWEST)


def _columns(stream: TextIO) -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    with suppress(ValueError, OSError):
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    return _COLUMNS


def wants_colours() -> bool | None:
    """Return whether to print colours; `None` to print them on a terminal only."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None
