"""A create happens exactly once: each guard of it is needed, and it costs no more than it must."""

from __future__ import annotations

import json

import pytest
from exploration import NAME, Variant, World, explore
from strategies import DEPTH

from reconciler.apply import creating
from reconciler.plan.matching import Refused, match_manifests
from reconciler.workflow import Listed

_SAME = Variant(command="same")
_OTHER = Variant(command="other")


@pytest.mark.parametrize("second", [_SAME, _OTHER][: 1 if DEPTH == 1 else 2])
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
