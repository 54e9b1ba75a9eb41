"""Progress of long steps: lines of the form n/N where stderr is no terminal, a bar where it is one."""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from fake_terminal import FakeTerminal

from reconciler.cli import main, progress
from reconciler.cli.progress import Progress
from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r"reading workflows: (\d+)/(\d+), \d+ s elapsed")


class _Lines:
    """The lines of a progress, and an event when the first one is there."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.first = threading.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self.first.set()


def test_a_line_at_each_interval_until_the_step_ends() -> None:
    """A step in progress prints lines, also while nothing happens; one that has ended prints no more."""
    lines = _Lines()
    shown = Progress(lines, interval=0.01)
    shown.update("reading workflows", 3, 8)
    assert lines.first.wait(5)
    shown.update("reading workflows", 8, 8)
    number = len(lines.lines)
    assert re.fullmatch(
        r"reading workflows: 3/8, 0 s elapsed, \S+/s, about \d+ (s|min|h).* left", lines.lines[0]
    )
    lines.first.clear()
    assert not lines.first.wait(0.1)
    assert len(lines.lines) == number


def test_a_new_step_begins_its_own_count() -> None:
    """The words of the next step replace those of the one before."""
    lines = _Lines()
    shown = Progress(lines, interval=0.01)
    shown.update("listing workflows", 100, 300)
    shown.update("reading workflows", 0, 300)
    assert lines.first.wait(5)
    shown.end()
    assert lines.lines[-1] == "reading workflows: 0/300, 0 s elapsed"


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a bar with the same numbers, which is erased at the end."""
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_BAR_AFTER", 0.0)
    lines = _Lines()
    shown = Progress(lines, interval=0.01)
    drawn = threading.Event()
    write = terminal.write

    def note(text: str) -> int:
        if "4/9" in text:
            drawn.set()
        return write(text)

    monkeypatch.setattr(terminal, "write", note)
    shown.update("applying", 4, 9)
    assert drawn.wait(5)
    shown.end()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert lines.lines == []


@pytest.mark.parametrize(
    ("width", "bar"),
    [
        (20, "applying  120/500"),
        (39, "applying  [####--------------]  120/500"),
        (59, "applying  [###------------]  120/500, about 3 min 13 s left"),
        (79, "applying  [#-------]  120/500, 1 min 1 s elapsed, 1.97/s, about 3 min 13 s left"),
        (119, f"applying  [{'#' * 5}{'-' * 19}]  120/500, 1 min 1 s elapsed, 1.97/s, about 3 min 13 s left"),
    ],
)
def test_the_bar_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int, bar: str) -> None:
    """However narrow the terminal, the bar is one line with n/N; what is in flight gets the room left."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    shown = Progress(_Lines(), interval=1000)
    shown.update("applying", 0, 500)
    now[0] = 61.0
    shown.update("applying", 120, 500, ["daily-forecast", "churn", "nightly-report", "weekly"])
    assert shown.bar(width) == bar
    assert len(bar) <= width
    assert shown.bar(159).endswith("left; now daily-forecast, churn, nightly-report and 1 more")
    assert shown.bar(130).endswith("left; now daily-forecast and 3 more")
    shown.end()


@pytest.mark.parametrize("quiet", [False, True])
def test_a_plan_prints_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, quiet: bool
) -> None:
    """A plan of many workflows says how many it has read, on stderr only; --quiet does not."""
    monkeypatch.setattr(progress, "INTERVAL", 0.05)
    with EmulatorServer(token=None) as server:
        for number in range(40):
            text = f"name: w{number}\nsteps: {{a: {{type: standard, imageId: 1, imageVersionId: 2}}}}\n"
            (tmp_path / f"{number}.yaml").write_text(text)
            step = {"type": "standard", "imageId": 1, "imageVersionId": 2}
            server.store.create({"name": f"w{number}", "steps": {"a": step}})
        monkeypatch.setenv("PEAK_API_URL", server.url)
        monkeypatch.setenv("PEAK_AUTH_TOKEN", "anything")
        with pytest.raises(SystemExit) as ended:
            main(["plan", str(tmp_path), "--max-requests-per-second", "80", *(["--quiet"] if quiet else [])])
    streams = capsys.readouterr()
    assert ended.value.code == 0, streams.err
    assert "reading workflows" not in streams.out
    counts = [(int(match[1]), int(match[2])) for match in map(_LINE.match, streams.err.splitlines()) if match]
    assert bool(counts) is not quiet
    assert all(done < total == 40 for done, total in counts)
