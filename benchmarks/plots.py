"""Plots of curves as SVG: axes, grid lines, one colour for each curve and its name at its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH, _HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 560, 20, 350
_COLOURS: Final = ("#d95f02", "#1f6feb", "#1b9e77", "#6e7781", "#8250df")
_LABEL_GAP: Final = 16
_STYLE: Final = 'font-family="sans-serif" font-size="12" role="img"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line through points.

    Args:
        name: Its name.
        points: The points, from left to right.
    """

    name: str
    points: Sequence[tuple[float, float]]


def plot_svg(curves: Sequence[Curve], *, across: str, up: str, logarithmic: bool) -> str:
    """Return a plot of curves.

    Args:
        curves: The curves; one without points is left out.
        across: The name of the axis from left to right.
        up: The name of the other axis.
        logarithmic: Whether both axes are.
    """
    curves = [curve for curve in curves if curve.points]
    place_x = _axis([x for curve in curves for x, _ in curve.points], _LEFT, _RIGHT, logarithmic=logarithmic)
    place_y = _axis([y for curve in curves for _, y in curve.points], _BOTTOM, _TOP, logarithmic=logarithmic)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_STYLE}>',
        f"<title>{escape(up)} over {escape(across)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        *_grid(curves, place_x, place_y, logarithmic=logarithmic),
        f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<g transform="translate(16 {(_TOP + _BOTTOM) / 2}) rotate(-90)">',
        f'<text text-anchor="middle">{escape(up)}</text></g>',
        *_lines(curves, place_x, place_y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axis(
    values: Sequence[float], start: float, end: float, *, logarithmic: bool
) -> Callable[[float], float]:
    """Return what places a value between two positions."""
    least, most = (min(values), max(values)) if logarithmic else (0.0, max(values))
    scale: Callable[[float], float] = math.log10 if logarithmic else float
    low, high = scale(least), scale(most)

    def place(value: float) -> float:
        return round(start + (scale(value) - low) / ((high - low) or 1) * (end - start), 1)

    return place


def _ticks(values: Sequence[float], *, logarithmic: bool) -> list[float]:
    """Return the values of an axis that are named: powers of ten, or a few round ones."""
    if logarithmic:
        first, last = math.ceil(math.log10(min(values))), math.floor(math.log10(max(values)))
        return [10.0**power for power in range(first, last + 1)]
    step = 10 ** math.floor(math.log10(max(values)))
    step = next(step * part for part in (0.2, 0.5, 1) if max(values) / (step * part) <= 6)  # noqa: PLR2004 - six lines
    return [step * number for number in range(math.floor(max(values) / step) + 1)]


def _grid(
    curves: Sequence[Curve],
    place_x: Callable[[float], float],
    place_y: Callable[[float], float],
    *,
    logarithmic: bool,
) -> Iterator[str]:
    for value in _ticks([x for curve in curves for x, _ in curve.points], logarithmic=logarithmic):
        x = place_x(value)
        yield f'<path d="M{x} {_TOP}V{_BOTTOM}" stroke="#d8dee4"/>'
        yield f'<text x="{x}" y="{_BOTTOM + 18}" text-anchor="middle">{value:,g}</text>'
    for value in _ticks([y for curve in curves for _, y in curve.points], logarithmic=logarithmic):
        y = place_y(value)
        yield f'<path d="M{_LEFT} {y}H{_RIGHT}" stroke="#d8dee4"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{value:,g}</text>'


def _lines(
    curves: Sequence[Curve], place_x: Callable[[float], float], place_y: Callable[[float], float]
) -> Iterator[str]:
    """Yield each curve with its name at its end; names keep a distance."""
    last = -math.inf
    ends = sorted(zip(curves, _COLOURS, strict=False), key=lambda pair: place_y(pair[0].points[-1][1]))
    for curve, colour in ends:
        points = [(place_x(x), place_y(y)) for x, y in curve.points]
        path = " ".join(f"{x},{y}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points)
        last = max(points[-1][1] + 4, last + _LABEL_GAP)
        yield f'<text x="{_RIGHT + 10}" y="{last}" fill="{colour}">{escape(curve.name)}</text>'
