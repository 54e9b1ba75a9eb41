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
_PLACE: Final = re.compile(r"(<!-- measured -->\n).*?(<!-- end of what was measured -->)", re.DOTALL)
_CURVES: Final = {
    "client": "public client, describe loop",
    "plan": "plan",
    "bare": "bare program",
    "bound": "bound",
    "validate": "validate",
}


def page_text(text: str, results: dict[str, Any]) -> str:
    """Return the page `text` with the tables of `results`."""
    tables = "\n".join([*_table(results), "", _machine(results)])
    return _PLACE.sub(lambda match: f"{match[1]}{tables}\n{match[2]}", text)


def plots(results: dict[str, Any]) -> dict[str, str]:
    """Return the plots of `results` as SVG, by the name of the file."""
    found = {}
    for name, key, factor, axis in (
        ("over_size", "count", 1, "workflows"),
        ("over_latency", "latency", 1000, "latency in ms"),
    ):
        points = results.get(name, {}).get("figures", [])
        curves = [
            Curve(name=label, points=[(item[key] * factor, item[what]) for item in points if what in item])
            for what, label in _CURVES.items()
        ]
        if points:
            found[f"performance-{name.replace('_', '-')}.svg"] = plot_svg(
                curves, across=axis, up="seconds", logarithmic=name == "over_size"
            )
    return found


def _table(results: dict[str, Any]) -> list[str]:
    figures = [item for row in results.values() for item in row["figures"] if "bar" in item]
    lines = [
        "| work | measured | compared with | ratio | wanted | load |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for item in figures:
        sign = "≥" if item["at_least"] else "≤"
        ratio = f"{item['ratio']:.2f}"
        cells = [
            item["row"].replace("--help", "`--help`").replace("--version", "`--version`"),
            f"{item['measured']}: {amount(item['value'], item['unit'])}",
            f"{item['reference']}: {amount(item['reference_value'], item['unit'])}",
            ratio if item["met"] else f"**{ratio}**",
            f"{sign} {item['bar']:g}",
            f"{item['load'][0]:.1f} to {item['load'][1]:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


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
