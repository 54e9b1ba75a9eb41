"""The explored protocols: the worlds of each, what may happen in them, and the laws that hold.

The small worlds are explored in every run of the tests; the deep ones with `TEST_DEPTH` above 1, as before a
change lands; and all of them by `make model`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import exploration
import lease_exploration
import run_exploration
from exploration import Variant
from run_exploration import Commit, Edit, Wanted, deleted, disowned, made, renamed, with_command
from state_search import Explored

W = TypeVar("W")


@dataclass(frozen=True, kw_only=True)
class Protocol(Generic[W]):
    """A protocol that is explored.

    Args:
        name: Its name.
        laws: What holds in every interleaving.
        explore: Returns what every interleaving in a world comes to.
        small: The worlds that cost little, by name.
        deep: Those that cost some seconds.
        deepest: Those that cost more.
    """

    name: str
    laws: tuple[str, ...]
    explore: Callable[[W], Explored]
    small: Mapping[str, W]
    deep: Mapping[str, W] = field(default_factory=dict)
    deepest: Mapping[str, W] = field(default_factory=dict)

    @property
    def worlds(self) -> dict[str, W]:
        """All worlds."""
        return {**self.small, **self.deep, **self.deepest}


def _far(command: str) -> str:
    """Keep a command in a form that is not like the one that was sent."""
    return f"sh -c '{command}'"


def _near(command: str) -> str:
    """Keep a command in a form that is like the one that was sent."""
    return f"{command}; true"


_LONG: Final = (1.0, 1.0)


def _creates() -> Protocol[exploration.World]:
    world = exploration.World
    same, second, other = Variant(command="same"), Variant(command="same", run=2), Variant(command="other")
    stranger = Variant(command="same", owner="stranger").body()
    unowned = Variant(command="same", owner=None).body()
    edit = Variant(command="edited").body()
    return Protocol(
        name="create",
        laws=(
            "there is one workflow of the name at the end, or the next plan names the twin of a killed run",
            "nothing that somebody else made is deleted",
            "a run that is done has its workflow there, as sent",
        ),
        explore=exploration.explore,
        small={
            "one run": world(variants=(same,), losses=2, crashes=1, describe_lag=1.0),
            "two runs": world(variants=(same, same)),
            "a stranger's workflow": world(variants=(same,), losses=1, theirs=stranger),
        },
        deep={
            "two runs and a loss": world(variants=(same, same), losses=1),
            "two runs of two commits": world(variants=(same, other), losses=1),
            "two runs, describe lags": world(variants=(same, same), losses=1, describe_lag=1.0),
            "two runs, late effects": world(variants=(same, same), losses=1, late=1.0, list_lag=0.0),
            "two runs and a crash": world(variants=(same, same), losses=1, crashes=1),
            "two runs without an owner": world(variants=(Variant(command="x", owner=None),) * 2, losses=1),
            "another form": world(variants=(same,), form=_far, losses=2, describe_lag=1.0, settle=_LONG),
            "a stranger's workflow, two losses": world(variants=(same,), losses=2, theirs=stranger),
            "an unowned workflow": world(variants=(same,), losses=2, theirs=unowned),
            "an edited workflow": world(variants=(same,), losses=2, theirs=edit),
        },
        deepest={
            "two runs, another form": world(variants=(same, second), form=_far, losses=1),
            "two runs, two losses": world(variants=(same, same), losses=2, describe_lag=1.0),
            "two runs of two commits, two losses": world(variants=(same, other), losses=2),
            "two runs, a longer window": world(variants=(same, same), losses=1, settle=_LONG, list_lag=2.0),
            "two runs, two losses, a crash": world(variants=(same, same), losses=2, crashes=1),
            "two runs and a stranger": world(variants=(same, same), losses=1, theirs=stranger),
            "three runs": world(variants=(same,) * 3),
            "three runs and a loss": world(variants=(same,) * 3, losses=1, list_lag=0.0),
            "three runs and a crash": world(variants=(same,) * 3, crashes=1),
        },
    )


def _started(owner: str | None = "team", *tags: str) -> str:
    body = json.loads(Variant(command="python main.py", owner=owner).body())
    names = [*(tag["name"] for tag in body.get("tags", [])), *tags]
    return json.dumps({**body, "tags": [{"name": name} for name in names]})


def _updates() -> Protocol[exploration.World]:
    world = exploration.World
    one = Variant(command="python main.py --fast")
    like = Variant(command="python main.py --fast --all")
    third = Variant(command="python main.py --fast --all --twice")
    both = (one, like)
    unowned = tuple(Variant(command=run.command, owner=None) for run in both)
    forgetful = tuple(Variant(command=run.command, remember=False) for run in both)
    marked = _started("team", "reconciler-sent-0zzzzzzz")
    edit, unowned_edit = (
        start.replace("main.py", "main.py --fast --edited") for start in (marked, _started(None))
    )
    return Protocol(
        name="write and verify",
        laws=(
            "a run that is done has its value live, or had it at its last read",
            "no run takes the value of another for the platform's form of its own",
            "no run writes more often than is needed",
        ),
        explore=exploration.explore,
        small={
            "two runs, marked before": world(variants=both, start=marked, losses=1),
            "somebody edits": world(variants=(one,), start=marked, edit=edit, updates=1, losses=1),
        },
        deep={
            "one run": world(variants=(one,), start=marked, losses=2, describe_lag=1.0),
            "one run, another form": world(
                variants=(one,), start=_started(), form=_far, losses=2, describe_lag=1.0, settle=_LONG
            ),
            "two runs": world(variants=both, start=_started(), losses=1, crashes=1),
            "two runs, describe lags": world(variants=both, start=_started(), describe_lag=1.0),
            "two runs, a form like what is sent": world(
                variants=both, start=_started(), form=_near, losses=1
            ),
            "two runs, another form": world(variants=both, start=_started(), form=_far, losses=1),
            "two runs without an owner": world(variants=unowned, start=_started(None), updates=3, losses=1),
            "two runs without digests": world(variants=forgetful, start=_started(), losses=1),
            "two runs, one without marks": world(
                variants=(one, forgetful[1]), start=_started(), updates=3, losses=1
            ),
            "two runs, one without marks after one with": world(
                variants=(one, forgetful[1]), start=marked, updates=1
            ),
            "somebody edits what nobody owns": world(
                variants=unowned[:1], start=_started(None), edit=unowned_edit, updates=3
            ),
            "somebody edits, another form": world(variants=(one,), start=marked, edit=edit, form=_far),
            "three runs": world(variants=(*both, third), start=_started()),
            "two runs, describe lags, a loss": world(
                variants=both, start=_started(), losses=1, describe_lag=1.0
            ),
            "two runs, two losses": world(variants=both, start=_started(), form=_far, losses=2),
        },
    )


_FLOW = Wanted(name="flow")
_KEPT = Wanted(name="kept")
_START: Final[dict[str, Any]] = {
    "start": (_FLOW.body("url-0"), _KEPT.body("url-00")),
    "still": frozenset({2}),
}
_UPDATED = Wanted(name="flow", command="new.py")
_NEWER = Wanted(name="flow", command="newer.py")
_NEW_NAME = Wanted(name="next", former="flow")
_EDITS: Final[tuple[Edit, ...]] = (
    with_command(1, "edited.py"),
    disowned(1),
    renamed(1, "theirs"),
    deleted(1),
)
_NO_LOST_UPDATE: Final = (
    "no write undoes a change that its run did not read, but in the window, or within a lag",
    "a run that undid a change by its second write fails and names it",
    "the URL of a webhook and the id stay",
    "what a run says is done was so at its last read",
    "whatever happened, the next run makes the tenant as Git says, and a plan after it is empty",
)


def _commit(*wanted: Wanted, prune: bool = False, run: int = 0) -> Commit:
    return Commit(wanted=(*wanted, _KEPT), prune=prune, run=run)


def _whole_updates() -> Protocol[run_exploration.World]:
    def world(*commits: Commit, **what: Any) -> run_exploration.World:
        return run_exploration.World(commits=commits, **_START, **what)

    one, again, other = _commit(_UPDATED), _commit(_UPDATED, run=1), _commit(_NEWER)
    return Protocol(
        name="update",
        laws=_NO_LOST_UPDATE,
        explore=run_exploration.explore_runs,
        small={
            "one run": world(one, losses=1, crashes=1, refusals=1),
            "somebody edits": world(one, edits=_EDITS),
        },
        deep={
            "two runs": world(one, again, losses=1, crashes=1),
            "two runs and refusals": world(one, again, losses=1, refusals=1),
            "two runs, reads lag": world(one, again, describe_lag=1.0, list_lag=1.0),
            "two runs of two commits": world(one, other, losses=1, crashes=1),
            "two runs of two commits, reads lag": world(one, other, describe_lag=1.0),
        },
        deepest={
            "one run, reads lag, somebody edits": world(
                one, losses=1, edits=_EDITS[:2], describe_lag=1.0, list_lag=1.0
            ),
            "one run, somebody edits, a refusal": world(one, losses=1, refusals=1, edits=_EDITS),
            "two runs of two commits, somebody edits": world(one, other, edits=_EDITS[:1]),
            "two runs, somebody edits": world(one, again, edits=_EDITS, losses=1),
        },
    )


def _deletes() -> Protocol[run_exploration.World]:
    def world(*commits: Commit, **what: Any) -> run_exploration.World:
        return run_exploration.World(commits=commits, **_START, **what)

    one, again = _commit(prune=True), _commit(prune=True, run=1)
    edits = (*_EDITS, made(_FLOW.body("url-9", owner=None)))
    return Protocol(
        name="delete",
        laws=(
            "nothing is deleted that changed since it was planned, but in the window, or within a lag",
            "nothing else is deleted: no workflow without the owner's tag, and no other one of the name",
            "what a run says is deleted is gone",
            "whatever happened, the next run makes the tenant as Git says, and a plan after it is empty",
        ),
        explore=run_exploration.explore_runs,
        small={"one run": world(one, losses=1, edits=edits[:2])},
        deep={
            "one run, a kill, a refusal": world(one, losses=1, crashes=1, refusals=1, edits=edits),
            "two runs": world(one, again, losses=1, crashes=1, refusals=1),
            "two runs, somebody edits": world(one, again, losses=1, edits=edits),
            "two runs, reads lag": world(one, again, describe_lag=1.0, list_lag=1.0),
            "beside an update of an older commit": world(_commit(_UPDATED), one, losses=1, crashes=1),
        },
        deepest={
            "one run, reads lag": world(
                one, losses=1, refusals=1, edits=edits[:3], describe_lag=1.0, list_lag=1.0
            ),
        },
    )


def _renames() -> Protocol[run_exploration.World]:
    def world(*commits: Commit, **what: Any) -> run_exploration.World:
        return run_exploration.World(commits=commits, **_START, **what)

    one, again = _commit(_NEW_NAME), _commit(_NEW_NAME, run=1)
    creating = _commit(Wanted(name="next"))
    edits = (*_EDITS, renamed(1, "next"), made(Wanted(name="next").body("url-9", owner=None)))
    return Protocol(
        name="rename",
        laws=(
            "a rename makes no second workflow; another one that gets the name at the same moment is named",
            *_NO_LOST_UPDATE,
        ),
        explore=run_exploration.explore_runs,
        small={"one run": world(one, losses=1, crashes=1, refusals=1)},
        deep={
            "one run, somebody edits": world(one, losses=1, edits=edits),
            "one run, reads lag": world(one, losses=1, crashes=1, describe_lag=1.0, list_lag=1.0),
            "two runs": world(one, again, losses=1, crashes=1),
            "two runs, reads lag": world(one, again, describe_lag=1.0, list_lag=1.0),
            "beside a create of the name": world(creating, one, losses=1),
            "beside a create of the name, the list lags": world(creating, one, list_lag=1.0),
            "beside an update of an older commit": world(_commit(_UPDATED), one, losses=1),
        },
        deepest={
            "two runs, somebody edits": world(one, again, edits=edits[:-1]),
        },
    )


def _leases() -> Protocol[lease_exploration.World]:
    world = lease_exploration.World
    return Protocol(
        name="lease",
        laws=(
            "two runs work at once only if the lease of one has ended",
            "two never do while none is suspended and the clocks differ by less than two thirds of a lease",
            "no run replaces or removes a lease of another one that has not ended",
            "wherever runs are killed, the lock is free once a lease has passed",
        ),
        explore=lease_exploration.explore_leases,
        small={
            "two runs and two kills": world(crashes=2, seconds=4, renewals=0),
        },
        deep={
            "two runs": world(),
            "two runs, two kills, a renewal": world(crashes=2),
            "two runs, three renewals": world(renewals=3, crashes=1, seconds=8),
            "two runs, clocks differ": world(skews=(0.0, 1.0, 0.0), crashes=1),
        },
        deepest={
            "two runs, somebody removes the file": world(removal=True),
            "two runs that may be suspended": world(punctual=False, seconds=4),
            "three runs": world(runs=3),
        },
    )


PROTOCOLS: Final[tuple[Protocol[Any], ...]] = (
    _creates(),
    _updates(),
    _whole_updates(),
    _deletes(),
    _renames(),
    _leases(),
)
