"""Every operation meets every kind of fault, on its writes and its reads, with several seeds."""

from __future__ import annotations

import fnmatch
import time as real_time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from campaign_helpers import Campaign, is_done
from flow_helpers import LIST, TENANTS, Git, statuses
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flow_helpers import FakeTime

_STATUSES = [
    "400", "403", "404", "409", "413", "422", "429-seconds:7", "429-date:7", "500", "502", "503",
    "503-seconds:7", "504-text",
]  # fmt: skip
_DELAYS = ["latency:5ms", "slow-body:5ms"]
_WIRE = ["drop-before", "drop-after", "truncated", "not-json", *_DELAYS]


def _after(kind: str) -> str:
    """Return the fault that answers the same although the request took effect."""
    status, colon, seconds = kind.partition(":")
    return f"{status}-after{colon}{seconds}"


WRITE_FAULTS = [*_STATUSES, *map(_after, _STATUSES), *_WIRE]
READ_FAULTS = [*_STATUSES, *_WIRE]

_WRITING = ("POST", "PUT", "DELETE")
_SEEDS = [(1, 0.3, "documented"), (2, 0.5, "all+token-omitted")]
_MOST_RUNS = 40


def _with_seeds(faults: list[str]) -> pytest.MarkDecorator:
    """Return the marker for a test of each fault, with its seeds in turn, or (with `TEST_DEPTH`) with all."""
    every = [
        pytest.param(fault, *seed, id=f"{fault}-{seed[2]}")
        for number, fault in enumerate(faults)
        for turn, seed in enumerate(_SEEDS)
        if DEPTH > 1 or number % len(_SEEDS) == turn
    ]
    return pytest.mark.parametrize(("fault", "seed", "chance", "profile"), every)


@contextmanager
def _tenant(folder: Path, time: FakeTime, seed: int, profile: str) -> Iterator[Git]:
    """Yield an empty Git for an empty tenant whose faults are thrown with `seed`."""
    time.now = real_time.time()  # a Retry-After that is a date says the real one
    manifests = folder / "workflows"
    manifests.mkdir()
    with EmulatorServer(clock=time, step_seconds=1.0, profile=TENANTS[profile], seed=seed) as server:
        yield Git(server, manifests, time)


def _sure(campaign: Campaign) -> dict[str, str]:
    """Return one request of each operation, of its last workflow: it meets the fault in any case."""
    ids = {name.rpartition("-")[0]: expected.id for name, expected in campaign.expected.items()}
    return {
        "create": f"POST{LIST}",
        "create-paused": f"POST{LIST}*/pause",
        "patch": f"PUT{LIST}{ids['patch']}",
        "replace": f"PUT{LIST}{ids['replace']}",
        "rename": f"PUT{LIST}{ids['rename']}",
        "pause": f"POST{LIST}{ids['pause']}/pause",
        "resume": f"POST{LIST}{ids['resume']}/resume",
        "delete": f"DELETE{LIST}{max(campaign.going)}",
    }


def _unmet(git: Git, sure: dict[str, str]) -> dict[str, str]:
    """Return those of `sure` that no fault has struck yet."""
    struck = [f"{request.method}{request.path}" for request in git.server.requests if request.fault]
    return {name: what for name, what in sure.items() if not fnmatch.filter(struck, what)}


def _until_done(git: Git, campaign: Campaign, rules: Callable[[], list[str]]) -> None:
    """Apply under `rules` until everything is done; after each run everything that must hold does."""
    for run in range(_MOST_RUNS):
        git.server.faults = ()
        plan = git.plan()
        # A rule's dice follow from its place: each run throws others.
        git.server.faults = (*["500:0@TRACE"] * run, *rules())
        report = git.apply(plan)
        campaign.holds()
        campaign.is_true(plan, report)
        if is_done(report):
            return
    pytest.fail(f"not done after {_MOST_RUNS} runs")


@_with_seeds(WRITE_FAULTS)
def test_faults_on_writes(  # noqa: PLR0913, PLR0917 - what is multiplied
    tmp_path: Path, time: FakeTime, fault: str, seed: int, chance: float, profile: str
) -> None:
    """Whatever becomes of a write, some runs later the tenant equals Git, and every report was true."""
    with _tenant(tmp_path, time, seed, profile) as git:
        campaign = Campaign(git, each=2)
        sure = _sure(campaign)
        _until_done(
            git,
            campaign,
            lambda: [
                *[f"{fault}:x1@{what}" for what in _unmet(git, sure).values()],
                *[f"{fault}:{chance}@{method}" for method in _WRITING],
            ],
        )
        assert fault in _DELAYS or not _unmet(git, sure)
        campaign.is_finished()


@_with_seeds(READ_FAULTS)
def test_faults_on_reads(  # noqa: PLR0913, PLR0917 - what is multiplied
    tmp_path: Path, time: FakeTime, fault: str, seed: int, chance: float, profile: str
) -> None:
    """Whatever becomes of the reads of an apply, some runs later the tenant equals Git; reports are true."""
    with _tenant(tmp_path, time, seed, profile) as git:
        campaign = Campaign(git, each=2)
        _until_done(git, campaign, lambda: [f"{fault}:{chance / 2}@GET"])
        campaign.is_finished()


_STAYING = [*_STATUSES, "drop-before", "not-json"]


@pytest.mark.parametrize("fault", _STAYING)
def test_a_fault_that_stays(tmp_path: Path, time: FakeTime, fault: str) -> None:
    """A write that never succeeds fails that workflow and skips the deletes; nothing else is affected."""
    with _tenant(tmp_path, time, 1, "documented") as git:
        campaign = Campaign(git, each=2)
        struck = {name: what for name, what in _sure(campaign).items() if name != "create-paused"}
        git.server.faults = tuple(f"{fault}@{what}" for what in struck.values())
        plan = git.plan()
        report = git.apply(plan)
        campaign.holds()
        campaign.is_true(plan, report)
        assert statuses(report) == {
            name: "not_tried"
            if name.startswith("delete")
            else "failed"
            if name.startswith("create") or name.endswith("-01")
            else "done"
            for name in statuses(report)
        }
        git.server.faults = ()
        assert is_done(git.apply())
        campaign.is_finished()
