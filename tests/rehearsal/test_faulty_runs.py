"""What goes wrong in rehearsals: each write is stopped at, before and after, and a seed repeats it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import parse_fault
from reconciler.rehearsal import FAULTS, draw_faults


@given(writes=st.integers(1, 6), seed=st.integers(0, 99))
def test_every_stop(writes: int, seed: int) -> None:
    """Each write is stopped at once before any is twice, and at last both before and after it is handled."""
    runs = [*draw_faults(4 * writes, writes, seed)]
    stops = [(run.stops_at, run.handled) for run in runs if run.stops_at is not None]
    assert len(stops) == 2 * writes
    assert {*(number for number, _ in stops[:writes])} == {*range(1, writes + 1)}
    assert Counter(stops) == {(number, handled): 1 for number in range(1, writes + 1) for handled in (0, 1)}


@given(runs=st.integers(0, 60), writes=st.integers(0, 12), seed=st.integers(0, 99))
def test_a_seed(runs: int, writes: int, seed: int) -> None:
    """A seed gives the same faults again, as many as asked, which the emulator knows."""
    drawn = [*draw_faults(runs, writes, seed)]
    assert drawn == [*draw_faults(runs, writes, seed)]
    assert len(drawn) == (runs if writes else 0)
    for run in drawn:
        assert {*run.faults} <= {*FAULTS}
        for rule in run.wire:
            parse_fault(rule)


def test_every_fault() -> None:
    """Twenty rehearsals have each kind of fault."""
    assert {word for run in draw_faults(20, 10, 0) for word in run.faults} == {*FAULTS}
