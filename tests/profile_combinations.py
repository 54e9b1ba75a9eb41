"""Random sets of the emulator's switches that go together, for tests of probes."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

from reconciler.emulator import parse_profiles
from reconciler.emulator.profiles import FAMILIES, SWITCHES, check_profile
from reconciler.probing import Experiment, Ids, infer
from reconciler.probing.simulated_tenant import SimulatedTenant
from reconciler.tenant_profile import DELAYS

WORDS: Final = {"hidden": "hidden=auth"}
"""The words for switches that need a parameter."""

_RANGES: Final = {
    "tag-length-cut": (8, 60),
    "tag-length-refused": (8, 60),
    "tag-count-cut": (1, 11),
    "tag-count-refused": (1, 11),
    "names-cut": (25, 200),
    "text-cut": (20, 400),
    "numbers-rounded": (2, 60),
    "timeout-filled": (1, 5000),
}


def combination(chance: random.Random) -> frozenset[str]:
    """Return two to fourteen switches that go together, with random parameters."""
    groups: dict[str, str] = {}
    for name in chance.sample(list(SWITCHES), chance.randint(2, 14)):
        word = WORDS.get(name, name)
        if name in _RANGES:
            word = f"{name}={chance.randint(*_RANGES[name])}"
        groups.setdefault(SWITCHES[name].group or name, word)
    return check_profile(groups.values())


_IDS: Final = Ids(image=100, version=200, instance_type=21)
_NAME: Final = "zz-probe-1a2b3c4d"
_NOT_ASKED: Final = frozenset(
    {
        *FAMILIES["Firing of schedules"],
        *(name for name in SWITCHES if name.startswith("cron-")),
        *DELAYS,
        "catalogue-ids",
        "rewrites-returned",
    }
)
"""What a probe that makes no trigger, and sees one tenant, does not find; and delays, which cost time."""


@cache
def probed(seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the behaviours of a random tenant, and those that a probe finds."""
    drawn = combination(random.Random(seed))  # noqa: S311 - a choice of examples
    profile = frozenset(word for word in drawn if word.partition("=")[0] not in _NOT_ASKED)
    tenant = SimulatedTenant(profile)
    seen = Experiment(tenant, tenant, _NAME, _IDS).run()
    found = infer(seen, _IDS, _NAME, spoke="spoke" in profile).conclusions
    words = [
        f"{name}={value}" if value else name
        for name, item in found.items()
        if item.found
        for value in item.values or ("",)
    ]
    return profile, parse_profiles(words)
