"""What a probe concludes: every behaviour that it finds is there, and none that it rules out."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import pytest
from profile_combinations import WORDS, combination
from strategies import DEPTH

from reconciler.emulator.profiles import SWITCHES, check_profile
from reconciler.probing import Experiment, Ids, infer
from reconciler.probing.experiment import Answer
from reconciler.probing.simulated_tenant import SimulatedTenant

if TYPE_CHECKING:
    from reconciler.probing import Inference, Observations

IDS: Final = Ids(image=100, version=200, instance_type=21)

FEW: Final = (
    "token-masked", "names-cut=40",
)  # fmt: skip
"""The behaviours that every run tries; a deeper one tries all."""

SINGLES: Final = FEW if DEPTH == 1 else tuple(WORDS.get(name, name) for name in SWITCHES)
NAME: Final = "zz-probe-1a2b3c4d"


def _observed(profile: frozenset[str], name: str = NAME) -> Observations:
    tenant = SimulatedTenant(profile)
    return Experiment(tenant, tenant, name, IDS).run()


def _true_values(profile: frozenset[str]) -> dict[str, set[str]]:
    values: dict[str, set[str]] = {}
    for word in profile:
        name, _, value = word.partition("=")
        values.setdefault(name, set()).add(value or SWITCHES[name].default)
    return values


def _wrong(found: Inference, profile: frozenset[str]) -> list[str]:
    """Return the conclusions that are not so; what is unknown is never wrong."""
    true = _true_values(profile)
    return [
        f"{name}: {conclusion}"
        for name, conclusion in found.conclusions.items()
        if conclusion.found is not None
        and (
            conclusion.found != (name in true)
            or (conclusion.found and SWITCHES[name].takes and {*conclusion.values} != true[name])
        )
    ]


@pytest.mark.parametrize("word", SINGLES)
def test_a_behaviour_alone(word: str) -> None:
    """A tenant with one behaviour is recognised, or that is unknown; nothing is made up."""
    profile = check_profile([word])
    found = infer(_observed(profile), IDS, NAME, spoke=word == "spoke")
    assert not _wrong(found, profile)
    assert not found.unexplained
    if word in FEW:
        name = word.partition("=")[0]
        assert found.conclusions[name].found is True


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
@pytest.mark.parametrize("seed", range(5 * DEPTH))
def test_behaviours_together(seed: int) -> None:
    """Random combinations: every conclusion is right, whatever hides what, and everything is explained."""
    profile = combination(random.Random(seed))  # noqa: S311 - a choice of examples
    found = infer(_observed(profile), IDS, NAME, spoke="spoke" in profile)
    assert not _wrong(found, profile), sorted(profile)


def test_a_tenant_as_documented() -> None:
    """A tenant without any behaviour shows none; what a probe does not ask for is unknown."""
    found = infer(_observed(frozenset()), IDS, NAME, spoke=False)
    assert [name for name, item in found.conclusions.items() if item.found] == []
    unknown = {name for name, item in found.conclusions.items() if item.found is None}
    assert {"cron-upper", "catalogue-ids", "schedules-fire", "rewrites-returned"} == {
        name for name in unknown if not name.startswith(("cron-", "sched", "crontab-", "quartz-"))
    } | {"cron-upper", "schedules-fire"}


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
def test_another_prefix() -> None:
    """Where names are cut is found whatever the length of the prefix is."""
    profile = check_profile(["names-cut=40"])
    name = "team-a-probes-1a2b3c4d"
    found = infer(_observed(profile, name), IDS, name, spoke=False)
    assert not _wrong(found, profile)
    assert found.conclusions["names-cut"].values == ("40",)
    assert not found.unexplained


HOSTILE: Final[dict[str, dict[str, Any]]] = {
    "plain": {"name": 7, "steps": []},
    "tag-length": {"name": None, "steps": {"x": None}, "tags": {"name": []}},
    "retries": {"name": "x", "steps": {"x": {"stepTimeout": "1e999", "command": ["a"], "repository": "no"}}},
    "variables": {"steps": {"x": {"stepTimeout": float("inf"), "parameters": {"env": [[["a"]]]}}}},
}


def test_hostile_answers() -> None:
    """Answers of any shape are unexplained, and end in no traceback."""
    observations = _observed(frozenset())
    observations.answers.update({key: Answer(view=view) for key, view in HOSTILE.items()})
    assert infer(observations, IDS, NAME, spoke=False).unexplained
