"""Progress of a fleet: redrawn on a terminal, elsewhere a line for each unit."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from fake_terminal import FakeTerminal

from reconciler.cli import fleet_progress as module
from reconciler.cli.fleet_progress import fleet_progress
from reconciler.errors import ReconcilerError
from reconciler.fleet import FleetWork, Unit
from reconciler.fleet.units import unit_without_result
from reconciler.plan import Shard
from reconciler.render import Display, fleet_progress_text


def _units(*environments: str, shards: int = 2) -> list[Unit]:
    pairs = [(name, number) for name in environments for number in range(1, shards + 1)]
    return [
        Unit(index=index, of=len(pairs), environment=name, shard=Shard(number=number, of=shards))
        for index, (name, number) in enumerate(pairs)
    ]


def _ended(unit: Unit, **summary: int) -> dict[str, Any]:
    document: dict[str, Any] = unit_without_result(FleetWork(command="plan"), unit)
    return {**document, "skipped": False, "exit_code": 0, "seconds": 1.5, "plan": {"summary": summary}}


def _failed(unit: Unit, error: str = "no connection") -> dict[str, Any]:
    return dict(unit_without_result(FleetWork(command="plan"), unit, error))


def test_what_is_wrong_comes_first() -> None:
    """Each environment has a line with its state and its sums; those that failed are at the top."""
    units = _units("a", "b", "c", "d", "e")
    found = [
        *(_ended(unit, create=1, unchanged=2) for unit in units[:3]),
        _failed(units[4], "\x1b[31m" + "long " * 30),
        unit_without_result(FleetWork(command="plan"), units[6]),
    ]
    totals = dict.fromkeys("abcde", 2)
    lines = fleet_progress_text("head", totals, found, Display(width=90, height=24)).splitlines()
    assert lines[0] == "head"
    shown = [line.replace("\x1b[0m", "").split() for line in lines[2:]]
    assert [words[0] for words in shown] == ["c", "d", "b", "a", "e"]
    assert all(len(line) <= 90 + len("\x1b[31m\x1b[0m") for line in lines)
    assert "4 unchanged" not in lines[4]
    assert "2 to create, 4 unchanged" in lines[5]
    assert "\x1b[31mlong" not in lines[2]


def test_environments_without_room_are_counted() -> None:
    """On a low terminal the rest is counted by state."""
    units = _units(*map(str, range(100)), shards=1)
    found = [_ended(unit, unchanged=1) for unit in units[:50]]
    totals = {unit.environment: 1 for unit in units}
    lines = fleet_progress_text("head", totals, found, Display(width=80, height=12)).splitlines()
    assert len(lines) < 12
    assert lines[-1] == "93 more environments: 43 done, 50 waiting"


def test_a_terminal_keeps_only_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environments are drawn from the beginning, also as they end; at the end the numbers stay."""
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "_EVERY", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    units = _units("live", "dead", shards=1)
    with fleet_progress(units, quiet=False) as take:
        take(_failed(units[1]))
        while "failed" not in terminal.getvalue():
            pass
        take(_ended(units[0], unchanged=3))
    drawn = terminal.getvalue()
    assert drawn.index("waiting") < drawn.index("failed") < drawn.index("running units: 2/2")
    assert "error: no connection" in drawn
    last = drawn[drawn.index("running units: 2/2") :]
    assert "live" not in last
    assert drawn.endswith("\x1b[?25h")


def test_a_fleet_that_breaks_leaves_the_terminal_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error ends the drawing, so that its message comes below."""
    terminal = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(ReconcilerError), fleet_progress(_units("live"), quiet=False):
        raise ReconcilerError("gone")
    assert sys.stderr is terminal
    assert terminal.getvalue().endswith("\x1b[?25h")


@pytest.mark.parametrize("quiet", [False, True])
def test_elsewhere_a_line_for_each_unit(capsys: pytest.CaptureFixture[str], *, quiet: bool) -> None:
    """In a log, each unit has a line with its number; with --quiet there is none."""
    units = _units("live", "dead", shards=1)
    with fleet_progress(units, quiet=quiet) as take:
        take(_ended(units[0], unchanged=3))
        take(_failed(units[1]))
    lines = ["[1/2] live: 3 unchanged (1.5 s)", "[2/2] dead: error: no connection"]
    assert capsys.readouterr().err.splitlines() == ([] if quiet else lines)
