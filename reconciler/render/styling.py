"""Styles for terminals: colours, and tables whose cells are each one line of printable text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.text import clip, printable

_CODES: Final = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "bold": "1", "dim": "2"}
_LONGEST_CELL: Final = 100
_EMPTY: Final = "-"


def paint(text: str, colour: str) -> str:
    """Return `text` in a colour, `bold` or `dim`, as escapes that only a terminal is to get."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str | None]], colours: Mapping[str, str] | None = None
) -> list[str]:
    """Return the lines of a table.

    Args:
        heads: The names of the columns.
        rows: The cells of each row; an empty one shows as a hyphen.
        colours: The colour of each cell, by its whole text.
    """
    cells = [[clip(printable(cell or _EMPTY), _LONGEST_CELL) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    return [
        "  ".join(
            paint(head.ljust(width), "dim") for head, width in zip(heads, widths, strict=True)
        ).rstrip(),
        *(_row(row, widths, colours or {}) for row in cells),
    ]


def _row(cells: Sequence[str], widths: Sequence[int], colours: Mapping[str, str]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    padded[-1] = padded[-1].rstrip()
    painted = (
        paint(text, colours[cell]) if cell in colours else text
        for cell, text in zip(cells, padded, strict=True)
    )
    return "  ".join(painted)
