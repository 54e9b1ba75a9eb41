"""A step graph as SVG: a column for each level, and a line from each step to those that wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from reconciler.text import clip, printable
from reconciler.workflow import StepGraph

MOST_STEPS: Final = 80
"""The most steps that are drawn."""

_WIDTH: Final = 150
_HEIGHT: Final = 28
_ACROSS: Final = 190
_DOWN: Final = 42
_LONGEST: Final = 20


def graph_svg(graph: StepGraph, marks: Mapping[str, str], title: str) -> str:
    """Return the drawing of a graph; empty for more than `MOST_STEPS` steps or none.

    Args:
        graph: The steps.
        marks: The class of the steps to mark: `added`, `removed` or `changed`.
        title: What it shows, for a screen reader.
    """
    if not 0 < len(graph.parents) <= MOST_STEPS:
        return ""
    levels = [*graph.levels, graph.stuck] if graph.stuck else list(graph.levels)
    places = {
        name: (column * _ACROSS + 4, row * _DOWN + 4)
        for column, level in enumerate(levels)
        for row, name in enumerate(level)
    }
    width = (len(levels) - 1) * _ACROSS + _WIDTH + 8
    height = (max(map(len, levels)) - 1) * _DOWN + _HEIGHT + 8
    lines = [_edge(places[parent], places[name]) for name in places for parent in graph.parents[name]]
    boxes = [_box(name, place, marks.get(name, "")) for name, place in places.items()]
    return (
        f'<svg role="img" aria-label="{escape(printable(title))}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join([*lines, *boxes])}</svg>'
    )


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0], end[1] + _HEIGHT // 2
    middle = (x1 + x2) // 2
    line = f'<path class="edge" d="M{x1} {y1} C{middle} {y1} {middle} {y2} {x2 - 6} {y2}"/>'
    return f'{line}<path class="tip" d="M{x2} {y2} l-7 -4 v8 z"/>'


def _box(name: str, place: tuple[int, int], mark: str) -> str:
    x, y = place
    shown = escape(clip(printable(name), _LONGEST))
    return (
        f'<g class="{mark}"><title>{escape(printable(name))}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5"/>'
        f'<text x="{x + 8}" y="{y + 18}">{shown}</text></g>'
    )
