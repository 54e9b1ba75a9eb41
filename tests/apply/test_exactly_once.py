"""A create happens exactly once in every interleaving of runs, lost answers, crashes and lags."""

from __future__ import annotations

import json
import sys

import pytest
from exploration import NAME, Variant, World, explore
from strategies import DEPTH

from reconciler.apply import creating
from reconciler.plan.matching import Refused, match_manifests
from reconciler.workflow import Listed

_SAME = Variant(command="same")
_SECOND = Variant(command="same", run=2)
_OTHER = Variant(command="other")
_STRANGER = Variant(command="same", owner="stranger").body()
_UNOWNED = Variant(command="same", owner=None).body()
_EDITED = Variant(command="edited").body()
_LONG = (1.0, 1.0)


def _kept_form(command: str) -> str:
    """Keep a command in a form that is not like the one that was sent."""
    return f"sh -c '{command}'"


_WORLDS = {
    "one run": World(variants=(_SAME,), losses=2, crashes=1, describe_lag=1.0),
    "two runs": World(variants=(_SAME, _SAME), losses=1),
    "two runs of two commits": World(variants=(_SAME, _OTHER), losses=1),
    "two runs, describe lags": World(variants=(_SAME, _SAME), losses=1, describe_lag=1.0),
    "two runs, late effects": World(variants=(_SAME, _SAME), losses=1, late=1.0, list_lag=0.0),
    "two runs and a crash": World(variants=(_SAME, _SAME), losses=1, crashes=1),
    "two runs without an owner": World(variants=(Variant(command="x", owner=None),) * 2, losses=1),
    "another form": World(variants=(_SAME,), form=_kept_form, losses=2, describe_lag=1.0, settle=_LONG),
    "a stranger's workflow": World(variants=(_SAME,), losses=2, theirs=_STRANGER),
    "an unowned workflow": World(variants=(_SAME,), losses=2, theirs=_UNOWNED),
    "an edited workflow": World(variants=(_SAME,), losses=2, theirs=_EDITED),
}
_DEEP_WORLDS = {
    "two runs, another form": World(variants=(_SAME, _SECOND), form=_kept_form, losses=1),
    "two runs, two losses": World(variants=(_SAME, _SAME), losses=2, describe_lag=1.0),
    "two runs of two commits, two losses": World(variants=(_SAME, _OTHER), losses=2),
    "two runs, a longer window": World(variants=(_SAME, _SAME), losses=1, settle=_LONG, list_lag=2.0),
    "two runs, two losses, a crash": World(variants=(_SAME, _SAME), losses=2, crashes=1),
    "two runs and a stranger": World(variants=(_SAME, _SAME), losses=1, theirs=_STRANGER),
    "three runs": World(variants=(_SAME,) * 3),
    "three runs and a loss": World(variants=(_SAME,) * 3, losses=1, list_lag=0.0),
    "three runs and a crash": World(variants=(_SAME,) * 3, crashes=1),
}
_EXPLORED = {**_WORLDS, **(_DEEP_WORLDS if DEPTH > 1 else {})}


@pytest.mark.parametrize("world", _EXPLORED.values(), ids=_EXPLORED)
def test_every_interleaving(world: World) -> None:
    """There is no twin, no loss and no failure, and nothing of somebody else is deleted."""
    explored = explore(world)
    sys.stdout.write(f"{explored}\n")
    assert not explored.violation


@pytest.mark.parametrize("second", [_SAME, _OTHER], ids=["the same", "another commit"])
def test_the_settle_time_is_needed(monkeypatch: pytest.MonkeyPatch, second: Variant) -> None:
    """Where a run in doubt takes the first workflow that it sees, there is a twin: the shortest way to it."""
    monkeypatch.setattr(creating, "_all_listed", creating._first_listed)
    explored = explore(World(variants=(_SAME, second), losses=1))
    assert explored.violation.startswith("twins"), str(explored)
    assert sum("answer lost, with effect" in step for step in explored.trace) == 1
    assert len(explored.trace) <= 10


def test_waiting_for_what_is_not_described_yet_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a 404 right after a create is believed, a twin stays or a create fails."""
    monkeypatch.setattr(creating, "described_once_there", lambda *_: None)
    explored = explore(World(variants=(_SAME, _SAME), describe_lag=1.0))
    assert explored.violation.startswith("twins"), str(explored)


def test_the_own_id_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each run keeps what it made, two calm runs make a twin."""
    monkeypatch.setattr("reconciler.apply.one_workflow.keep_first", lambda *args: (args[2].id, ()))
    explored = explore(World(variants=(_SAME, _SAME)))
    assert explored.violation.startswith("twins"), str(explored)


def test_what_a_crash_leaves_is_named_by_the_next_plan() -> None:
    """A run that crashed in its create next to another run may leave a twin: it is named, not taken."""
    manifest = _SAME.action(None).manifest
    listed = [Listed(id=number, name=NAME) for number in (1, 2)]
    ((_, match),) = match_manifests([manifest], listed)
    assert isinstance(match, Refused)
    assert "2 live workflows have this name (ids 1, 2)" in match.reason


def test_a_calm_create_costs_four_requests() -> None:
    """Without a loss a create is one look, one write, one look at the list and one reading back."""
    explored = explore(World(variants=(_SAME,), list_lag=0.0))
    assert (explored.states, explored.interleavings) == (5, 1)
    assert json.loads(_SAME.body())["name"] == NAME
