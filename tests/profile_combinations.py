"""Random sets of the emulator's switches that go together, for tests of probes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.emulator.profiles import SWITCHES, check_profile

if TYPE_CHECKING:
    import random

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
