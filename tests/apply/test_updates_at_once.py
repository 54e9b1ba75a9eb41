"""Two runs that update one workflow at once: no update is lost without a word, in any interleaving."""

from __future__ import annotations

import json
import sys

import pytest
from exploration import Variant, World, explore
from strategies import DEPTH

from reconciler.apply.marks import SentTags, WrittenBy


def _start(owner: str | None = "team", *tags: str) -> str:
    body = json.loads(Variant(command="python main.py", owner=owner).body())
    names = [*(tag["name"] for tag in body.get("tags", [])), *tags]
    return json.dumps({**body, "tags": [{"name": name} for name in names]})


def _far(command: str) -> str:
    """Keep a command in a form that is not like the one that was sent."""
    return f"sh -c '{command}'"


def _near(command: str) -> str:
    """Keep a command in a form that is like the one that was sent."""
    return f"{command}; true"


_ONE = Variant(command="python main.py --fast")
_LIKE = Variant(command="python main.py --fast --all")
_NOBODYS = tuple(Variant(command=run.command, owner=None) for run in (_ONE, _LIKE))
_THIRD = Variant(command="python main.py --fast --all --twice")
_FORGETFUL = tuple(Variant(command=run.command, remember=False) for run in (_ONE, _LIKE))
_BOTH = (_ONE, _LIKE)
_MARKED = _start("team", "reconciler-sent-0zzzzzzz")
_EDIT, _UNOWNED_EDIT = (
    start.replace("main.py", "main.py --fast --edited") for start in (_MARKED, _start(None))
)

_WORLDS = {
    "one run": World(variants=(_ONE,), start=_MARKED, losses=2, describe_lag=1.0),
    "one run, another form": World(
        variants=(_ONE,), start=_start(), form=_far, losses=2, describe_lag=1.0, settle=(1.0, 1.0)
    ),
    "two runs": World(variants=_BOTH, start=_start(), losses=1, crashes=1),
    "two runs, marked before": World(variants=_BOTH, start=_MARKED, losses=1),
    "two runs, describe lags": World(variants=_BOTH, start=_start(), describe_lag=1.0),
    "two runs, a form like what is sent": World(variants=_BOTH, start=_start(), form=_near, losses=1),
    "two runs, another form": World(variants=_BOTH, start=_start(), form=_far, losses=1),
    "two runs without an owner": World(variants=_NOBODYS, start=_start(None), updates=3, losses=1),
    "two runs without digests": World(variants=_FORGETFUL, start=_start(), losses=1),
    "two runs, one without marks": World(variants=(_ONE, _FORGETFUL[1]), start=_start(), updates=3, losses=1),
    "two runs, one without marks after one with": World(
        variants=(_ONE, _FORGETFUL[1]), start=_MARKED, updates=1
    ),
    "somebody edits what nobody owns": World(
        variants=_NOBODYS[:1], start=_start(None), edit=_UNOWNED_EDIT, updates=3
    ),
    "somebody edits": World(variants=(_ONE,), start=_MARKED, edit=_EDIT, updates=1, losses=1),
    "somebody edits, another form": World(variants=(_ONE,), start=_MARKED, edit=_EDIT, form=_far),
    "three runs": World(variants=(*_BOTH, _THIRD), start=_start()),
    "two runs, describe lags, a loss": World(variants=_BOTH, start=_start(), losses=1, describe_lag=1.0),
}
_DEEP_WORLDS = {
    "two runs, two losses": World(variants=_BOTH, start=_start(), form=_far, losses=2),
}
_EXPLORED = {**_WORLDS, **(_DEEP_WORLDS if DEPTH > 1 else {})}


@pytest.mark.parametrize("world", _EXPLORED.values(), ids=_EXPLORED)
def test_every_interleaving(world: World) -> None:
    """A run that is done has its value live; none takes another's for its own, or writes too often."""
    explored = explore(world)
    sys.stdout.write(f"{explored}; ends: {sorted(explored.ends)}\n")
    assert not explored.violation, str(explored)


@pytest.mark.parametrize("world", ["two runs", "two runs, marked before", "somebody edits"])
def test_the_mark_is_needed(monkeypatch: pytest.MonkeyPatch, world: str) -> None:
    """Where a read-back is judged only by its likeness, a run ends done with another one's value live."""
    monkeypatch.setattr(SentTags, "origin", lambda *_: WrittenBy.UNKNOWN)
    assert explore(_WORLDS[world]).violation
