"""Layout of text for a terminal: tables and paragraphs that fit its width.

Without a width, as in a pipe, every row and every paragraph is one line. With one, nothing is cut: what does
not fit goes on in the next line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from reconciler.render.markup import paint
from reconciler.text import clip, printable

NARROWEST: Final = 40
"""The narrowest terminal that output is laid out for."""

_EMPTY: Final = "-"
_GAP: Final = "  "
_LONGEST_CELL: Final = 100
_NARROWEST_COLUMN: Final = 16
"""The width to which a column of long texts may shrink."""

_WORDS: Final = re.compile(r"\s*\S+\s*|\s+")
_NAME_PARTS: Final = re.compile(r"\s*[^\s_./:@-]*[_./:@-]*\s*")
"""The parts of a name, between which a cell is broken."""

_INDENT: Final = "    "
_LEAST_ROOM: Final = 20


class Display(NamedTuple):
    """What a text is laid out for; by default a pipe.

    Args:
        width: The columns of the terminal; `None` for no limit.
        height: The lines of a terminal on which the text is redrawn; `None` for no limit.
        now: The current time, to say how long ago something was; `None` to give exact times.
        marks: The characters for marks: `unicode` or `ascii` for a terminal, `letters` for a pipe.
    """

    width: int | None = None
    height: int | None = None
    now: datetime | None = None
    marks: Literal["unicode", "ascii", "letters"] = "letters"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    colours: Mapping[str, str] | None = None,
    width: int | None = None,
    whole: Collection[str] = (),
) -> list[str]:
    """Return the lines of a table.

    To fit a width, the columns of long texts shrink and their cells go on in the next line. Columns for which
    there is still no room, the last ones first, go below their row, each value with its head.

    Args:
        heads: The names of the columns, most important first.
        rows: The cells of each row; an empty one shows as a hyphen.
        colours: The colour of each cell, by its whole text.
        width: The columns of the terminal; `None` for no limit.
        whole: The heads of columns that never shrink, so that their cells can be copied.
    """
    cells = [[clip(printable(cell or _EMPTY), _LONGEST_CELL) for cell in row] for row in rows]
    natural = [max(map(_length(width), column)) for column in zip(heads, *cells, strict=True)]
    least = [
        min(size, _NARROWEST_COLUMN if width is None or head not in whole else width)
        for head, size in zip(heads, natural, strict=True)
    ]
    widths = natural if width is None else _shrunk(natural, least, width)
    lines = _row(heads[: len(widths)], widths, dict.fromkeys(heads, "dim"), width)
    for row in cells:
        lines += _row(row[: len(widths)], widths, colours or {}, width)
        below = [
            f"{head.lower()} {cell}"
            for head, cell in zip(heads[len(widths) :], row[len(widths) :], strict=True)
            if cell != _EMPTY
        ]
        lines += hanging(", ".join(below), width, first=_INDENT) if below else []
    return lines


def _shrunk(natural: list[int], least: list[int], width: int) -> list[int]:
    """Return the widths of the columns that fit next to each other, each at least that in `least`."""
    shown = len(natural)
    while shown > 1 and sum(least[:shown]) + len(_GAP) * (shown - 1) > width:
        shown -= 1
    widths = natural[:shown]
    spare = sum(widths) + len(_GAP) * (shown - 1) - width
    while spare > 0 and (wide := [index for index in range(shown) if widths[index] > least[index]]):
        widest = max(wide, key=widths.__getitem__)
        second = max((widths[index] for index in wide if index != widest), default=0)
        step = min(spare, widths[widest] - max(second, least[widest])) or 1
        widths[widest] -= step
        spare -= step
    return widths


def _row(
    cells: Sequence[str], widths: Sequence[int], colours: Mapping[str, str], width: int | None
) -> list[str]:
    folded = [
        [cell] if width is None else _pieces(cell, size, _NAME_PARTS)
        for cell, size in zip(cells, widths, strict=True)
    ]
    length = _length(width)
    lines = []
    for number in range(max(map(len, folded))):
        parts = [pieces[number] if number < len(pieces) else "" for pieces in folded]
        last = max(index for index, part in enumerate(parts) if part or not index)
        padded = [
            part + " " * (size - length(part) if index < last else 0)
            for index, (part, size) in enumerate(zip(parts[: last + 1], widths, strict=False))
        ]
        painted = (
            paint(text, colours[cell]) if cell in colours else text
            for cell, text in zip(cells, padded, strict=False)
        )
        lines.append(_GAP.join(painted))
    return lines


def hanging(text: str, width: int | None, *, first: str = "", rest: str | None = None) -> list[str]:
    """Return a printable text without line breaks as lines that fit a width.

    Args:
        text: The text.
        width: The columns of the terminal; `None` for one line.
        first: What the first line begins with.
        rest: What the others begin with; by default, as many spaces.
    """
    rest = " " * len(first) if rest is None else rest
    if width is None or len(first) + len(text) * 2 <= width:  # no character is wider than two columns
        return [first + text]
    room = max(max(width, NARROWEST) - max(len(first), len(rest)), _LEAST_ROOM)
    head, *more = _pieces(text, room) or [""]
    return [first + head, *(rest + piece for piece in more)]


def titled(head: str, aside: str, colour: str, width: int | None, indent: str) -> list[str]:
    """Return a heading in a colour, and what is said of it in the same line if there is room.

    Args:
        head: The heading, printable.
        aside: What is said of it, printable; empty for nothing.
        colour: The colour of the heading.
        width: The columns of the terminal; `None` for one line.
        indent: What the lines after the first begin with.
    """
    first, *rest = hanging(head, width, first="  ", rest=indent)
    whole = f"{first}  {aside}"
    if not aside:
        return [paint(line, colour) for line in (first, *rest)]
    if not rest and hanging(whole, width) == [whole]:
        return [f"{paint(first, colour)}  {paint(aside, 'dim')}"]
    below = hanging(aside, width, first=indent, rest=f"{indent}  ")
    return [*(paint(line, colour) for line in (first, *rest)), *(paint(line, "dim") for line in below)]


def _pieces(text: str, width: int, parts: re.Pattern[str] = _WORDS) -> list[str]:
    """Return `text` in pieces of at most `width` columns, broken between `parts` where that is possible."""
    from rich.cells import cell_len, chop_cells  # noqa: PLC0415 - only needed on a terminal

    pieces = [""]
    for part in parts.findall(text):
        if cell_len(pieces[-1] + part.rstrip()) <= width:
            pieces[-1] += part
        else:
            begun = [pieces[-1]] if pieces[-1].strip() else []
            pieces = [*pieces[:-1], *begun, *chop_cells(part.rstrip(), width)]
            pieces[-1] += part[len(part.rstrip()) :]
    return [piece.rstrip() for piece in pieces]


def _length(width: int | None) -> Callable[[str], int]:
    """Return what measures a text: in columns of the terminal, where that has a width."""
    if width is None:
        return len
    from rich.cells import cell_len  # noqa: PLC0415 - only needed on a terminal

    return cell_len
