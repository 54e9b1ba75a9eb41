"""A report as one self-contained HTML file: counts, a filter, and an entry for each workflow.

The page loads nothing and sends nothing: its policy allows only its own style and script. Every text from
outside is escaped by the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.render.change_lines import Line
from reconciler.render.report_page import TONES, ReportEntry, ReportPage
from reconciler.render.step_graph_as_svg import graph_svg
from reconciler.text import printable

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE: Final = "report.html.j2"

_WORD_AT_END: Final = re.compile(r"\w+\Z")

_LEAST_COMMON: Final = 0.3
"""The part of the longer of two lines that must be common for the rest of them to be marked."""


class Cell(NamedTuple):
    """A side of a row: its class (`del`, `add`, `same`, `hunk` or `none`), and its text in three parts.

    The middle part is what differs from the other side, where both have much in common.
    """

    kind: str
    start: str
    marked: str = ""
    end: str = ""


class Row(NamedTuple):
    """A row of a side-by-side diff."""

    before: Cell
    after: Cell


_NOTHING: Final = Cell("none", "")


def html_report(page: ReportPage) -> Iterator[str]:
    """Yield a report as an HTML page, in pieces."""
    return _template().generate(page=page)


def side_by_side(lines: Iterable[Line]) -> Iterator[Row]:
    """Yield the rows of a unified diff, what is removed next to what replaces it."""
    removed: list[str] = []
    added: list[str] = []
    for sign, text in lines:
        if sign == "-" and not added:
            removed.append(text)
        elif sign == "+":
            added.append(text)
        else:
            yield from _paired(removed, added)
            removed, added = ([text], []) if sign == "-" else ([], [])
            if sign == " ":
                yield Row(Cell("same", text), Cell("same", text))
            elif sign != "-":
                yield Row(Cell("hunk", text), Cell("hunk", ""))
    yield from _paired(removed, added)


def _paired(removed: Sequence[str], added: Sequence[str]) -> Iterator[Row]:
    for number in range(max(len(removed), len(added))):
        if number >= len(added):
            yield Row(Cell("del", removed[number]), _NOTHING)
        elif number >= len(removed):
            yield Row(_NOTHING, Cell("add", added[number]))
        else:
            yield _marked(removed[number], added[number])


def _marked(before: str, after: str) -> Row:
    """Return a row in which what differs is marked, where the rest is long enough to make it hard to see."""
    start = _whole_words(before, _common(before, after))
    left, right = before[start:][::-1], after[start:][::-1]
    end = _whole_words(left, _common(left, right))
    if start + end < _LEAST_COMMON * max(len(before), len(after)):
        return Row(Cell("del", before), Cell("add", after))
    return Row(
        *(
            Cell(kind, text[:start], text[start : len(text) - end], text[len(text) - end :])
            for kind, text in (("del", before), ("add", after))
        )
    )


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _whole_words(text: str, number: int) -> int:
    """Return `number`, or fewer characters where the text would be divided within a word."""
    if number == len(text):
        return number
    return len(_WORD_AT_END.sub("", text[:number]))


def _is_one_sided(rows: Sequence[Row]) -> bool:
    """Return whether all rows have only one side, so that the other needs no room."""
    return all(_NOTHING in row or row.before.kind == "hunk" for row in rows)


def _drawings(entry: ReportEntry) -> Iterator[tuple[str, str]]:
    """Yield the drawing of the steps of a workflow, or those before and after, each with its title."""
    if entry.steps is None:
        return
    steps, marks = entry.steps, entry.steps.marks
    graphs = [("Steps before", steps.before)] if steps.is_rewired else []
    graphs += [("Steps after" if steps.is_rewired else "Steps", steps.after or steps.before)]
    for title, graph in graphs:
        drawing = graph_svg(graph, marks, f"{title} of {entry.name}") if graph else ""
        if graph and drawing:
            named = [
                f"{mark} {', '.join(names)}"
                for mark in ("added", "removed", "changed")
                if (names := [name for name in graph.parents if marks.get(name) == mark])
            ]
            yield f"{title}: {'; '.join(named)}" if named else title, drawing


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only for this format
    from markupsafe import Markup  # noqa: PLC0415 - as above

    def shown(value: object) -> object:
        """Return what an expression of the template shows: no text from outside steers anything."""
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=shown
    )
    helpers = {
        "drawings": lambda entry: [(title, Markup(svg)) for title, svg in _drawings(entry)],  # noqa: S704 # nosec B704
        "rows": lambda lines: list(side_by_side(lines)),
        "is_one_sided": _is_one_sided,
        "newline": Markup("\n"),
        "tone": lambda word: TONES.get(word, "plain"),
    }
    environment.globals.update(helpers)
    return environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
