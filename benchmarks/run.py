"""Benchmark of `validate`: prints ratios to reference programs, all measured in one run.

    python benchmarks/run.py [--count 10000]

Each figure is the median of several runs. The two commands of a pair alternate, so that changes in the
speed of the machine affect both.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from manifests import write_manifests, write_templates

_COMMAND = str(Path(sys.executable).with_name("peak-reconciler"))
_SOME = 1000
_PARSE = (
    "import pathlib, sys, yaml\n"
    "for file in sorted(pathlib.Path(sys.argv[1]).rglob('*.yaml')):\n"
    "    yaml.load(file.read_text(), Loader=yaml.CSafeLoader)\n"
)


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=10_000, help="number of manifests")
    options.add_argument("--runs", type=int, default=5, help="number of runs of each command")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "many"
        size = write_manifests(directory, chosen.count)
        print(f"{chosen.count} manifests, {size / chosen.count:.0f} bytes each, {_cpus()} processors")
        _many(directory, chosen.count, chosen.runs)
        _templates(Path(folder), chosen.count, chosen.runs)
        _other_tool(Path(folder), chosen.runs)
        _one(Path(folder), max(chosen.runs, 11))


def _many(directory: Path, count: int, runs: int) -> None:
    validate = [_COMMAND, "validate", str(directory)]
    ours, parse = _paired(validate, [sys.executable, "-c", _PARSE, str(directory)], runs)
    print(f"validate                {ours:7.2f} s   {count / ours:7.0f} files/s")
    print(f"yaml.CSafeLoader alone  {parse:7.2f} s   {count / parse:7.0f} files/s   ratio {ours / parse:.2f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process         {peak:7.0f} MiB")


def _templates(folder: Path, count: int, runs: int) -> None:
    """Compare with the same manifests as templates, with parameters, a loop and an include."""
    directory, parameters = folder / "templates", folder / "parameters.json"
    write_templates(directory, count)
    parameters.write_text('{"region": "eu", "storage": "20GB", "branch": "main", "tags": ["nightly"]}')
    rendered, literal = _paired(
        [_COMMAND, "validate", str(directory), "--params", str(parameters)],
        [_COMMAND, "validate", str(folder / "many")],
        min(runs, 3),
    )
    figures = f"{literal:.2f} s as literal files   ratio {rendered / literal:.2f}"
    print(f"validate of templates   {rendered:7.2f} s   {figures}")


def _other_tool(folder: Path, runs: int) -> None:
    """Compare with a general schema checker, with the same schema and files; fewer, because it is slow."""
    tool = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    if tool is None:
        print("check-jsonschema is not installed; not compared")
        return
    directory, schema = folder / "some", folder / "manifest.json"
    write_manifests(directory, _SOME)
    printed = subprocess.run([_COMMAND, "schema", "manifest"], capture_output=True, check=True)
    schema.write_bytes(printed.stdout)
    files = [str(file) for file in sorted(directory.rglob("*.yaml"))]
    theirs, ours = _paired(
        [tool, "--schemafile", str(schema), *files],
        [_COMMAND, "validate", str(directory)],
        min(runs, 3),
    )
    figures = f"{_SOME} files; validate {ours:.2f} s   {theirs / ours:.1f} times"
    print(f"check-jsonschema        {theirs:7.2f} s   {figures}")


def _one(folder: Path, runs: int) -> None:
    file = folder / "one" / "team-000" / "workflow-00000.yaml"
    write_manifests(folder / "one", 1)
    ours, click = _paired(
        [_COMMAND, "validate", str(file)],
        [sys.executable, "-c", "import click"],
        runs,
    )
    figures = f"{ours * 1000:.0f} ms, import click {click * 1000:.0f} ms"
    print(f"validate of one file    {figures}   ratio {ours / click:.2f}")


def _paired(first: Sequence[str], second: Sequence[str], runs: int) -> tuple[float, float]:
    """Return the median seconds of two commands that alternate, after one warm-up run each."""
    _timed(first)
    _timed(second)
    pairs = [(_timed(first), _timed(second)) for _ in range(runs)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _timed(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
