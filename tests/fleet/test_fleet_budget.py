"""The budget that workers share: whatever they do, a tenant gets no more requests per second than allowed."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.client import Session, Workflow
from reconciler.emulator import EmulatorServer
from reconciler.fleet.ledger import FleetLedger, SharedBudget


class _Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@LAWS
@given(
    st.sampled_from([0.5, 3.0, 20.0, 200.0]),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2)), max_size=80),
)
def test_the_rate_holds_over_all_workers(per_second: float, steps: list[tuple[int, float]]) -> None:
    """Workers that take requests at any moments get moments that are a gap apart, and never in the past."""
    clock = _Clock()
    ledger = FleetLedger(clock)
    workers = [SharedBudget(partial(ledger.take, "tenant", per_second), per_second, clock) for _ in range(4)]
    moments = []
    for worker, passes in steps:
        wait = workers[worker].reserve()
        assert wait >= 0
        moments.append(clock.now + wait)
        clock.now += passes / per_second
    # A worker may use a moment up to a gap late, and so at the same time as the next one.
    for first, third in zip(sorted(moments), sorted(moments)[2:], strict=False):
        assert third - first >= 0.99 / per_second


def test_tenants_have_budgets_of_their_own() -> None:
    """A busy tenant delays no other; one that was idle owes nothing and saves nothing."""
    clock = _Clock()
    ledger = FleetLedger(clock)
    assert ledger.take("a", 2, 4) == [0.0, 0.5, 1.0, 1.5]
    assert ledger.take("b", 2, 1) == [0.0]
    assert ledger.take("a", 2, 1) == [2.0]
    clock.now += 100
    assert ledger.take("a", 2, 2) == [0.0, 0.5]


def test_units_are_counted_until_their_fleet_ends() -> None:
    """The tries of a unit are counted; the end of a fleet takes its counts away, and no other's."""
    ledger = FleetLedger()
    assert [ledger.begin("one 1"), ledger.begin("one 1"), ledger.begin("two 1")] == [1, 2, 1]
    ledger.forget("one")
    assert [ledger.begin("one 1"), ledger.begin("two 1")] == [1, 2]


def test_a_session_takes_each_request_out_of_the_budget() -> None:
    """A session asks before each request, also before a retry, and waits as it is told."""
    asked = []

    def reserve() -> float:
        asked.append(0.02)
        return asked[-1]

    with (
        EmulatorServer(faults=("503:x1",)) as server,
        Session("any", base_url=server.url, env={}, reserve=reserve) as session,
    ):
        workflows = Workflow(session)
        for _ in range(3):
            workflows.get_default_resource()
        assert len(asked) == len(server.requests) == 4
    assert all(first <= second for first, second in pairwise(asked))
