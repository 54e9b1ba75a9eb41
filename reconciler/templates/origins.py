"""Origins: for every character of a rendered text, the place in a template that it comes from."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.findings import Position


class Part(NamedTuple):
    """A part of a rendered text.

    Args:
        text: The text.
        file: The template that it comes from.
        line: The line in that template, from 1.
        column: The column, from 1.
        literal: Whether the text is written in the template as it is, so that positions inside it are known.
        secret: Whether the text may hold the value of an environment variable.
    """

    text: str
    file: str
    line: int
    column: int
    literal: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins of a rendered text. Make them with `Origins.of`.

    Args:
        file: The template that was rendered.
        sources: The text of each template, by file.
    """

    file: str
    sources: Mapping[str, str] = field(repr=False)
    _files: tuple[str, ...] = field(repr=False)
    _starts: array[int] = field(repr=False)
    _places: array[int] = field(repr=False)
    _lines: array[int] = field(repr=False)
    _secret: tuple[tuple[int, int], ...] = field(repr=False)

    @staticmethod
    def of(file: str, sources: Mapping[str, str], parts: Sequence[Part], text: str) -> Origins:
        """Return the origins of the text that `parts` make up, rendered from `file`."""
        files: dict[str, int] = {file: 0}
        starts, places = array("L"), array("L")
        lines = array("L", [0, *(match.end() for match in re.finditer("\n", text))])
        secret: list[tuple[int, int]] = []
        offset = 0
        for part in parts:
            starts.append(offset)
            index = files.setdefault(part.file, len(files))
            places.extend((index, part.line, part.column, part.literal))
            end = offset + len(part.text)
            if part.secret:
                secret.append((offset, end))
            offset = end
        return Origins(file, sources, tuple(files), starts, places, lines, tuple(secret))

    def translate(self, position: Position) -> Position:
        """Return the place in a template of a position in the rendered text.

        The place of a value that an expression gives is that of the expression.
        """
        offset = self.offset(position)
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return Position(1, 1)
        file, line, column, literal = self._places[4 * index : 4 * index + 4]
        if literal:
            first = bisect_right(self._lines, self._starts[index])
            crossed = bisect_right(self._lines, offset) - first
            start = self._lines[first + crossed - 1] if crossed else self._starts[index]
            line, column = line + crossed, offset - start + (1 if crossed else column)
        name = self._files[file]
        return Position(line, column, "" if name == self.file else name)

    def is_secret(self, start: Position, end: Position) -> bool:
        """Return whether the rendered text between two positions may hold an environment variable."""
        first, last = self.offset(start), self.offset(end)
        return any(below < last and first < above for below, above in self._secret)

    def offset(self, position: Position) -> int:
        """Return the number of characters before a position in the rendered text."""
        line = min(position.line, len(self._lines))
        return self._lines[line - 1] + position.column - 1
