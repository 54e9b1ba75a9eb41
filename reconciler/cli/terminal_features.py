"""Features of the terminal that a stream goes to: whether there is one, its width, and its colours."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final, TextIO

from reconciler import render
from reconciler.timestamps import utc_now

_COLUMNS: Final = 80
"""The width of a terminal that does not say its own."""


def is_drawable(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal on which text can be laid out and redrawn: not a dumb one."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def terminal_width(stream: TextIO | None = None) -> int | None:
    """Return the width that text is laid out for; `None` where that goes to no terminal, or to a dumb one.

    The variable COLUMNS takes the place of the terminal's own width. It does nothing for a pipe or a file.

    Args:
        stream: Where the text goes; by default stdout.
    """
    stream = stream or sys.stdout
    if stream is None or not is_drawable(stream):
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


def text_display(*, utc: bool = False, stream: TextIO | None = None) -> render.Display:
    """Return what a text is laid out for: a terminal, or a pipe that needs exact times and plain letters.

    Args:
        utc: Whether to give exact times on a terminal, too.
        stream: Where the text goes; by default stdout.
    """
    stream = stream or sys.stdout
    if stream is None or not stream.isatty():
        return render.Display()
    has_marks = is_drawable(stream) and (stream.encoding or "").lower().startswith("utf")
    return render.Display(
        width=terminal_width(stream),
        now=None if utc else utc_now(),
        marks="unicode" if has_marks else "ascii",
    )
