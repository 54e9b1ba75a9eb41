"""Ledger in the scheduler: how often each unit was begun, and a budget of requests for each tenant.

All workers ask the same scheduler, one at a time, so that what they may do together holds. Nothing of it is
secret: a tenant goes by the name of its environment.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

_NAME: Final = "peak-reconciler"
_AHEAD: Final = 0.1
"""The seconds of requests that a worker takes out of a budget at a time."""


class FleetLedger:
    """The counts and the budgets of all fleets of one scheduler.

    Args:
        clock: Returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: Counter[str] = Counter()
        self._next: dict[str, float] = {}

    def begin(self, unit: str) -> int:
        """Count a try of a unit, and return its number, from 1."""
        self._begun[unit] += 1
        return self._begun[unit]

    def take(self, tenant: str, per_second: float, count: int) -> list[float]:
        """Take requests out of a budget, and return the seconds from now at which each may be sent.

        Args:
            tenant: The tenant.
            per_second: The most requests per second that all workers may send to it.
            count: The number of requests.
        """
        now = self._clock()
        first = max(now, self._next.get(tenant, now))
        self._next[tenant] = first + count / per_second
        return [first - now + number / per_second for number in range(count)]

    def forget(self, prefix: str) -> None:
        """Forget the units whose name begins with `prefix`."""
        for unit in [unit for unit in self._begun if unit.startswith(prefix)]:
            del self._begun[unit]


def begin(unit: str, dask_scheduler: Any = None) -> int:  # noqa: ANN401 - Dask hands it in by this name
    """Count a try of a unit in the scheduler, and return its number."""
    return _ledger(dask_scheduler).begin(unit)


def take(tenant: str, per_second: float, count: int, dask_scheduler: Any = None) -> list[float]:  # noqa: ANN401
    """Take requests out of a budget in the scheduler; see `FleetLedger.take`."""
    return _ledger(dask_scheduler).take(tenant, per_second, count)


def forget(prefix: str, dask_scheduler: Any = None) -> None:  # noqa: ANN401
    """Forget units in the scheduler; see `FleetLedger.forget`."""
    _ledger(dask_scheduler).forget(prefix)


def _ledger(scheduler: Any) -> FleetLedger:  # noqa: ANN401 - Dask's scheduler
    found: FleetLedger = scheduler.extensions.setdefault(_NAME, FleetLedger())
    return found


class SharedBudget:
    """A worker's part of a budget: a few requests ahead, asked for when they are used up.

    Args:
        ask: Takes a number of requests out of the budget, as `FleetLedger.take`.
        per_second: The most requests per second of all workers together.
        clock: Returns seconds that never go back.
    """

    def __init__(
        self,
        ask: Callable[[int], list[float]],
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._gap = 1 / per_second
        self._count = max(1, int(per_second * _AHEAD))
        self._clock = clock
        self._lock = threading.Lock()
        self._moments: deque[float] = deque()

    def reserve(self) -> float:
        """Take one request, and return the seconds until it may be sent.

        A moment that has passed unused is not made up for.
        """
        with self._lock:
            while self._moments and self._moments[0] < self._clock() - self._gap:
                self._moments.popleft()
            if not self._moments:
                waits = self._ask(self._count)
                now = self._clock()
                self._moments.extend(now + wait for wait in waits)
            return max(0.0, self._moments.popleft() - self._clock())
