"""Makes the tables and plots of docs/explanation/performance.md from the results of a benchmark.

python benchmarks/pages.py RESULTS
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from measuring import amount, description
from plots import Curve, plot_svg

_DOCS: Final = Path(__file__).parent.parent / "docs"
_PAGE: Final = _DOCS / "explanation" / "performance.md"
_PLACE: Final = re.compile(r"(<!-- ([a-z]+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)
_GROWTH: Final = ("growth", "growth_of_reads", "growth_of_writes")
_BUSY: Final = 2
"""The load for each processor above which seconds say little: emulator and command keep one busy each."""

_CURVES: Final = {
    "client": "public client, describe loop",
    "plan": "plan",
    "bare": "bare program",
    "bound": "bound",
    "validate": "validate",
}


def page_text(text: str, results: dict[str, Any]) -> str:
    """Return the page `text` with the tables of `results`, and what is said of its plots."""
    parts = {
        "measured": [*_table(results), "", _machine(results)],
        "growth": _growth(results),
        "plots": [_busy(results)],
    }
    return _PLACE.sub(lambda match: "\n".join([match[1].rstrip(), *parts[match[2]], match[3]]), text)


def plots(results: dict[str, Any]) -> dict[str, str]:
    """Return the plots of `results` as SVG, by the name of the file."""
    found = {}
    for name, key, factor, axis in (
        ("over_size", "count", 1, "workflows"),
        ("over_latency", "latency", 1000, "latency in ms"),
    ):
        points = sorted(_points(results, name), key=lambda item: item[key])
        curves = [
            Curve(name=label, points=[(item[key] * factor, item[what]) for item in points if what in item])
            for what, label in _CURVES.items()
        ]
        if points:
            found[f"performance-{name.replace('_', '-')}.svg"] = plot_svg(
                curves, across=axis, up="seconds", logarithmic=name == "over_size"
            )
    return found


def _points(results: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the points of a curve; those over the size have the points of the row `plan`, too."""
    rows = [name, *(["plan"] if name == "over_size" else [])]
    return [item for row in rows for item in results.get(row, {}).get("figures", []) if "bar" not in item]


def _table(results: dict[str, Any]) -> list[str]:
    rows = [row for name, row in results.items() if name not in _GROWTH]
    figures = [item for row in rows for item in row["figures"] if "bar" in item]
    lines = [
        "| work | measured | compared with | ratio | wanted | load |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for item in figures:
        sign = "≥" if item["at_least"] else "≤"
        cells = [
            item["row"].replace("--help", "`--help`").replace("--version", "`--version`"),
            f"{item['measured']}: {amount(item['value'], item['unit'])}",
            f"{item['reference']}: {amount(item['reference_value'], item['unit'])}",
            _ratio(item),
            f"{sign} {item['bar']:g}",
            f"{item['load'][0]:.1f} to {item['load'][1]:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _growth(results: dict[str, Any]) -> list[str]:
    """Return a table with a line for each command: what grows, from which value to which, and the ratio."""
    figures = [item for name in _GROWTH for item in results.get(name, {}).get("figures", [])]
    if not figures:
        return ["Not measured yet."]
    commands: dict[str, dict[str, str]] = {}
    for item in figures:
        name = item["row"].rpartition(", ")[0]
        amounts = [amount(item[key], item["unit"]) for key in ("reference_value", "value")]
        commands.setdefault(name, {})[item["measured"]] = f"{' → '.join(amounts)}: {_ratio(item)}"
    columns = ("CPU time", "requests", "peak memory")
    return [
        f"| command | {' | '.join(columns)} |",
        f"| --- |{' --- |' * len(columns)}",
        *(
            f"| `{name}` | {' | '.join(found.get(column, 'none') for column in columns)} |"
            for name, found in commands.items()
        ),
    ]


def _ratio(item: dict[str, Any]) -> str:
    """Return the ratio of a figure, in bold where it is not as wanted."""
    return f"{item['ratio']:.2f}" if item["met"] else f"**{item['ratio']:.2f}**"


def _busy(results: dict[str, Any]) -> str:
    """Return how busy the machine was while the points of the plots were measured."""
    loads = [
        load
        for name in ("over_size", "over_latency")
        for item in _points(results, name)
        for load in item["load"]
    ]
    most = max(loads)
    text = f"The load average was {min(loads):.1f} to {most:.1f} while the points of the plots were measured"
    row = results["over_size"]
    if most > row["machine"]["processors"] * _BUSY:
        return f"{text}: their shape counts, not their seconds."
    return f"{text}."


def _machine(results: dict[str, Any]) -> str:
    """Return on what the results were measured, and when."""
    places = {f"{description(row['machine'])}, on {row['measured']}" for row in results.values()}
    return f"Measured with {'; with '.join(sorted(places))}. A ratio in bold is not as wanted."


def main() -> None:
    """Write the page and the plots."""
    results = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    _PAGE.write_text(page_text(_PAGE.read_text("utf-8"), results), encoding="utf-8")
    for name, svg in plots(results).items():
        (_DOCS / "images" / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
