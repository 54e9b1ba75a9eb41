"""Workflows on a tenant that was probed, and on one emulated from its profile: same plans, same notes."""

from __future__ import annotations

import copy
import random
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from flow_helpers import RICH, FakeTime, Git
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from profile_combinations import combination
from strategies import DEPTH, workflow_bodies

from reconciler.emulator import parse_profiles
from reconciler.emulator.profiles import FAMILIES
from reconciler.emulator.server import EmulatorServer
from reconciler.probing import Experiment, Ids, infer
from reconciler.probing.simulated_tenant import SimulatedTenant
from reconciler.render import plan_text
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    from pathlib import Path

IDS: Final = Ids(image=100, version=200, instance_type=21)
NAME: Final = "zz-probe-1a2b3c4d"
NOT_ASKED: Final = frozenset(
    {
        *FAMILIES["Firing of schedules"],
        *(name for family in FAMILIES.values() for name in family if "cron" in name),
    }
    | {"catalogue-ids", "rewrites-returned"}
)
"""What a probe, which makes no trigger and knows one tenant, does not find."""

Account = list[Any]


@cache
def _probed(seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the behaviours of a random tenant, and those that a probe finds."""
    drawn = combination(random.Random(seed))  # noqa: S311 - a choice of examples
    profile = frozenset(word for word in drawn if word.partition("=")[0] not in NOT_ASKED)
    tenant = SimulatedTenant(profile)
    seen = Experiment(tenant, tenant, NAME, IDS).run()
    found = infer(seen, IDS, NAME, spoke="spoke" in profile).conclusions
    words = [
        f"{name}={value}" if value else name
        for name, item in found.items()
        if item.found
        for value in item.values or ("",)
    ]
    return profile, parse_profiles(words)


def _account(profile: frozenset[str], folder: Path, bodies: list[dict[str, Any]]) -> Account:
    """Return what plans and applies of some workflows say on a tenant, also after a change of each."""
    time = FakeTime()
    folder.mkdir()
    with EmulatorServer(token=None, clock=time, profile=profile) as server:
        git = Git(server, folder, time)
        git.choose(concurrency=1)
        said: Account = []
        for version in (bodies, [_changed(body) for body in bodies]):
            for number, body in enumerate(version):
                git.write({**body, "name": f"workflow-{number}"}, f"{number}.json")
            said.append(_shown(git))
            said += [
                (result.action.name, result.status, result.error, result.notes)
                for result in git.apply().results
            ]
            time.sleep(15)
            said.append(_shown(git))
        return said


def _shown(git: Git) -> str:
    """Return a plan as text, without the folder that it was made for."""
    return plan_text(git.plan(), Redactor()).replace(str(git.folder), "")


def _changed(body: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow with a field less, and a tag more."""
    changed = copy.deepcopy(body)
    changed.pop("metadata", None)
    changed["tags"] = [*(changed.get("tags") or []), {"name": "one-more"}]
    return changed


_FOLDERS: Final = count()


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
@pytest.mark.parametrize("seed", range(2 * DEPTH))
def test_the_same_plans_and_notes(tmp_path: Path, seed: int) -> None:
    """Generated workflows, and one with every field, converge alike on both."""
    profile, found = _probed(seed)

    @settings(
        max_examples=2 * DEPTH,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(workflow_bodies(), min_size=1, max_size=2))
    def alike(bodies: list[dict[str, Any]]) -> None:
        number = next(_FOLDERS)
        both = [*bodies, {key: value for key, value in RICH.items() if key != "name"}]
        probed, emulated = (
            _account(words, tmp_path / f"{number}-{name}", both)
            for name, words in (("probed", profile), ("emulated", found))
        )
        assert emulated == probed, (sorted(profile), sorted(found))

    alike()
