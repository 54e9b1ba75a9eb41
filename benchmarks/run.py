"""Benchmark: prints ratios to reference programs, all measured in one run.

    python benchmarks/run.py [--quick] [--only ROW]... [--runs N] [--results FILE]

Each figure is the median of several runs. The commands of a row alternate, so that changes in the speed of
the machine affect all; the load average says how busy it was. `!` marks a ratio that is not as wanted;
nothing fails.

PEAK_SDK_PYTHON names an interpreter that has `peak-sdk`, with which the public client is compared. `pages.py`
makes docs/explanation/performance.md and its plots from the results. Rows that are not measured stay in the
file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from measuring import Figure, description, load, machine
from rows import FULL, QUICK, Rows
from tenants import Tenants

from reconciler import __version__

_ROWS = (
    "startup",
    "validate",
    "plan",
    "client",
    "limited",
    "apply",
    "creates",
    "growth",
    "growth_of_reads",
    "growth_of_writes",
    "fleet",
    "over_size",
    "over_latency",
)


def main() -> None:
    """Measure, print a table, and write the results."""
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true", help="small sizes, one run of each: about a minute")
    options.add_argument("--only", choices=_ROWS, action="append", help="measure only this row; repeatable")
    options.add_argument("--runs", type=int, help="how often to run each command at most")
    options.add_argument("--results", type=Path, help="write the results into this JSON file")
    chosen = options.parse_args()
    sizes = QUICK if chosen.quick else FULL
    if chosen.runs:
        sizes = dataclasses.replace(sizes, runs=chosen.runs)
    start = time.monotonic()
    print(f"{description(machine())}, load {load()}")
    if chosen.quick:
        print(
            "Small sizes, where the start of a process is most of the time: `make bench` judges the ratios."
        )
    with tempfile.TemporaryDirectory() as folder, Tenants() as tenants:
        rows = Rows(Path(folder), tenants, sizes)
        for name in chosen.only or _ROWS:
            measured = [_printed(item) for item in getattr(rows, name)()]
            if chosen.results and measured:
                _keep(chosen.results, name, measured)
    print(f"{time.monotonic() - start:.0f} s, load {load()}")


def _printed(item: Figure | dict[str, Any]) -> dict[str, Any]:
    """Print a figure or a point of a curve, and return it for a JSON file."""
    if isinstance(item, Figure):
        print(item.line(), flush=True)
        return item.document()
    numbers = {name: value for name, value in item.items() if name != "load"}
    print("  " + ", ".join(f"{name} {value:g}" for name, value in numbers.items()), flush=True)
    return item


def _keep(file: Path, name: str, measured: list[dict[str, Any]]) -> None:
    """Replace one row in the file of results."""
    results = json.loads(file.read_text("utf-8")) if file.exists() else {}
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    results[name] = {"version": __version__, "measured": today, "machine": machine(), "figures": measured}
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
