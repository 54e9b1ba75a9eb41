"""Measurements: commands that alternate, the median of several runs, and how busy the machine was."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("peak-reconciler"))
"""The command line of this environment."""

_AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Lets the command of a clone keep its bytecode, as an installed one has it: else each start compiles it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of a command took, the processes that it started included.

    Args:
        seconds: The wall time.
        cpu: The seconds of processor time.
        mebibytes: The peak memory of its largest process.
    """

    seconds: float
    cpu: float
    mebibytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to measure.

    Args:
        words: The command line.
        env: Variables over those of this process.
        before: Called before each run, outside of the time.
        cwd: The working directory.
        codes: The exit codes that are no failure.
    """

    words: Sequence[str]
    env: Mapping[str, str]
    before: Callable[[], object] = lambda: None
    cwd: Path = Path()
    codes: frozenset[int] = frozenset({0})

    def output(self) -> str:
        """Run it once, and return what it prints.

        Raises:
            CalledProcessError: It failed.
        """
        self.before()
        env = {**os.environ, **_AS_INSTALLED, **self.env}
        return subprocess.run(
            self.words, env=env, cwd=self.cwd, stdout=subprocess.PIPE, check=True, text=True
        ).stdout

    def run(self) -> Run:
        """Run it once, and return what it took.

        Raises:
            SystemExit: It failed; the message has the end of what it printed.
        """
        self.before()
        start = time.perf_counter()
        process = subprocess.Popen(
            self.words,
            env={**os.environ, **_AS_INSTALLED, **self.env},
            cwd=self.cwd,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None  # noqa: S101 - a pipe
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.codes:
            raise SystemExit(f"{self.words} exited with {process.returncode}:\n{errors.decode()[-2000:]}")
        # Linux counts in kibibytes, macOS in bytes.
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return Run(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime, mebibytes=usage.ru_maxrss / unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A ratio of two measurements of one run of the benchmark.

    Args:
        row: The work, as the table names it.
        measured: What is measured.
        value: The median of it.
        reference: What it is compared with.
        reference_value: The median of that, or a limit.
        unit: The unit of both.
        bar: The ratio that is wanted.
        at_least: Whether that is a least ratio of reference to measured; else a most of the reverse.
        runs: The number of runs of each.
        load: The load average of the last minute, before and after.
    """

    row: str
    measured: str
    value: float
    reference: str
    reference_value: float
    unit: str
    bar: float
    at_least: bool = False
    runs: int
    load: tuple[float, float]

    @property
    def ratio(self) -> float:
        """The ratio that `bar` is about."""
        over = (self.reference_value, self.value) if self.at_least else (self.value, self.reference_value)
        return over[0] / over[1]

    @property
    def met(self) -> bool:
        """Whether the ratio is as wanted."""
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar

    def line(self) -> str:
        """Return the figure in one line of text."""
        sign = "≥" if self.at_least else "≤"
        mark = " " if self.met else "!"
        what = f"{self.measured} {amount(self.value, self.unit)}"
        other = f"{self.reference} {amount(self.reference_value, self.unit)}"
        return f"{mark} {self.row:48} {what:21} {other:38} ratio {self.ratio:5.2f} {sign} {self.bar:g}"

    def document(self) -> dict[str, Any]:
        """Return the figure for a JSON file."""
        return {**asdict(self), "ratio": round(self.ratio, 4), "met": self.met}


def amount(value: float, unit: str) -> str:
    """Return a measured value with its unit, in three digits."""
    if unit == "s" and value < 1:
        return f"{value * 1000:.0f} ms"
    digits = 0 if value >= 100 or not unit else 1 if value >= 10 else 2  # noqa: PLR2004 - three digits
    return f"{value:,.{digits}f} {unit}".rstrip()


def alternating(commands: Sequence[Command], runs: int, *, warm: bool = True) -> list[list[Run]]:
    """Return the runs of each command; they alternate, so that a change of the machine's speed meets all.

    Args:
        commands: The commands.
        runs: How often each is run.
        warm: Whether each is run once before.
    """
    if warm:
        for command in commands:
            command.run()
    turns = [[command.run() for command in commands] for _ in range(runs)]
    return [list(column) for column in zip(*turns, strict=True)]


def median(runs: Sequence[Run], field: str = "seconds") -> float:
    """Return the median of a field of `runs`."""
    return statistics.median(getattr(run, field) for run in runs)


def load() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def machine() -> dict[str, Any]:
    """Return what the measurements were made on."""
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def description(place: Mapping[str, Any]) -> str:
    """Return what `machine` returned in words."""
    system, python = place["system"], place["python"]
    return f"{place['processors']} processors ({place['processor']}), {system}, Python {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
