"""Faulty runs: what goes wrong in each rehearsal, drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

STOP: Final = "stop"
LOST: Final = "lost answers"
PUSHED_BACK: Final = "too many requests"
LAG: Final = "list lag"
SECOND: Final = "second run"

FAULTS: Final = {
    STOP: "SIGKILL at a write",
    LOST: "lost answers",
    PUSHED_BACK: "429",
    LAG: "the list lags",
    SECOND: "a second run at the same time",
}
"""What may go wrong, by its word, as people read it."""

_OTHERS: Final = (LOST, PUSHED_BACK, LAG, SECOND)
_WIRE: Final = {
    LOST: ("drop-after:30%@POST", "drop-after:30%@PUT", "drop-after:30%@DELETE", "drop-before:10%"),
    PUSHED_BACK: ("429-seconds:1:20%",),
}
_LAG_TOO: Final = 1 / 3
"""How often the list lags besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyRun:
    """What goes wrong in one rehearsal.

    Args:
        seed: The seed of what is left to chance.
        faults: The words of the faults, the main one first.
        stops_at: The number of the write at which the run is killed, from 1; `None` where it is not.
        handled: Whether that write takes effect before.
    """

    seed: int = 0
    faults: tuple[str, ...] = ()
    stops_at: int | None = None
    handled: bool = False

    @property
    def wire(self) -> tuple[str, ...]:
        """The faults as the emulator takes them."""
        return tuple(rule for word in self.faults for rule in _WIRE.get(word, ()))

    @property
    def lags(self) -> bool:
        """Whether the list lags."""
        return LAG in self.faults

    @property
    def is_doubled(self) -> bool:
        """Whether a second run is started at the same time."""
        return SECOND in self.faults


def draw_faults(runs: int, writes: int, seed: int) -> Iterator[FaultyRun]:
    """Yield what goes wrong in each of `runs` rehearsals of a plan.

    Every other run is stopped: at each write once before one is stopped at twice, before it is handled and
    after in turns. The rest takes the other faults in turns.

    Args:
        runs: The number of rehearsals.
        writes: The number of writes that the plan takes.
        seed: The seed of what is left to chance.
    """
    chance = random.Random(seed)  # noqa: S311 - faults, not secrecy
    order = chance.sample(range(writes), writes)
    for number in range(runs if writes else 0):
        turn = number // 2
        word = _OTHERS[turn % len(_OTHERS)] if number % 2 else STOP
        own = chance.randrange(2**31)
        lags = word != LAG and chance.random() < _LAG_TOO
        yield FaultyRun(
            seed=own,
            faults=(word, LAG) if lags else (word,),
            stops_at=order[turn % writes] + 1 if word == STOP else None,
            handled=(turn % writes + turn // writes) % 2 == 1,
        )
