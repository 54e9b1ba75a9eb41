"""Adaptive limiter of a session: requests in flight, the gap between them, and the budget for retries.

All threads of a session share one. The number of requests in flight halves when the server pushes back (429,
503); when it is down to one, the gap between two requests grows instead. Successes take both back, the gap
first. A `Retry-After` holds for all; retries come out of one budget, so that the threads do not storm a
server that is down.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.client.retrying import RetryPolicy

RETRY_BUDGET: Final = 100.0
"""The most retries beyond the number of successes."""

LONGEST_PAUSE: Final = 60.0
"""The longest `Retry-After`, in seconds, that holds for all requests: a longer one may be an error."""

SHORTEST_GAP: Final = 0.05
"""The gap, in seconds, after the first push-back with one request in flight; then doubled."""

LONGEST_GAP: Final = 2.0
"""The limit of that gap, in seconds."""

_EASING: Final = 0.8
"""The factor by which a success shortens the gap."""

_LOOK: Final = 0.5
"""The real seconds after which a thread that waits for a slot checks its deadline again."""


class NoTimeError(Exception):
    """A request that gets no slot before its deadline."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The permission to send one request.

    Attributes:
        waited: The seconds the request waited for it.
        round: The number of times the server had pushed back until then.
    """

    waited: float
    round: int


class AdaptiveLimiter:
    """A gate that lets requests through one after another; safe to use from many threads.

    Args:
        policy: Time.
        most: The most requests in flight.
        per_second: The most requests per second; `None` for no limit.
    """

    def __init__(self, policy: RetryPolicy, most: int, per_second: float | None) -> None:
        self._policy = policy
        self._most = most
        self._shortest = 0.0 if per_second is None else 1.0 / per_second
        self._gap = 0.0
        self._free = threading.Condition()
        self._limit = most
        self._flying = 0
        self._successes = 0
        self._round = 0
        self._not_before = 0.0
        self._next_moment = 0.0
        self._budget = RETRY_BUDGET

    @property
    def limit(self) -> int:
        """The most requests in flight at present."""
        with self._free:
            return self._limit

    @contextmanager
    def slot(self, end: float) -> Iterator[Slot]:
        """Wait until a request may be sent; it is in flight during the block.

        Args:
            end: The moment, on the policy's clock, by which it must be sent.

        Raises:
            NoTimeError: It may not be sent by then.
        """
        start = self._policy.monotonic()
        self._enter(end)
        try:
            self._wait_for_gap(end)
            with self._free:
                slot = Slot(self._policy.monotonic() - start, self._round)
            yield slot
        finally:
            with self._free:
                self._flying -= 1
                self._free.notify()

    def _enter(self, end: float) -> None:
        with self._free:
            while self._flying >= self._limit:
                if self._policy.monotonic() >= end:
                    raise NoTimeError
                self._free.wait(_LOOK)
            self._flying += 1

    def _wait_for_gap(self, end: float) -> None:
        """Wait for the gap after the request before, and for a `Retry-After` that arrives meanwhile."""
        while True:
            moment = self._reserve(end)
            wait = moment - self._policy.monotonic()
            if wait > 0:
                self._policy.sleep(wait)
            with self._free:
                if self._not_before <= moment:
                    return

    def _reserve(self, end: float) -> float:
        """Reserve and return the next moment at which a request may be sent."""
        with self._free:
            moment = max(self._policy.monotonic(), self._not_before, self._next_moment)
            if moment >= end:
                raise NoTimeError
            self._next_moment = moment + max(self._gap, self._shortest)
            return moment

    def succeeded(self) -> None:
        """Shorten the gap, or allow more requests in flight, after a success."""
        with self._free:
            self._budget = min(RETRY_BUDGET, self._budget + 1)
            if self._gap:
                self._gap = self._gap * _EASING if self._gap > SHORTEST_GAP / 4 else 0.0
                return
            self._successes += 1
            if self._successes >= self._limit and self._limit < self._most:
                self._limit += 1
                self._successes = 0
                self._free.notify()

    def pushed_back(self, slot: Slot, retry_after: float) -> None:
        """Slow down after the server pushed back.

        Answers to requests that were in flight together count as one.

        Args:
            slot: The slot of the request it answered.
            retry_after: The seconds that it asks to wait; zero when it does not say.
        """
        with self._free:
            if slot.round == self._round:
                self._round += 1
                self._successes = 0
                if self._limit > 1:
                    self._limit //= 2
                else:
                    self._gap = min(LONGEST_GAP, max(SHORTEST_GAP, self._gap * 2))
            if retry_after <= LONGEST_PAUSE:
                self._not_before = max(self._not_before, self._policy.monotonic() + retry_after)

    def may_retry(self) -> bool:
        """Take a retry out of the budget, and return whether there was one."""
        with self._free:
            if self._budget < 1:
                return False
            self._budget -= 1
            return True
