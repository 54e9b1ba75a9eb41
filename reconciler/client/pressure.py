"""How hard a session may press a server: how many requests at a time, how soon, and how many retries.

One object for all threads of a session. The number of requests in flight halves when the server pushes back
(429, 503); when it is down to one, the gap between two requests grows instead. Successes take both back, the
gap first. A `Retry-After` holds for all; retries come out of one budget, so that a server that is down is not
stormed by all threads at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.client.calls import Clock

RETRY_BUDGET: Final = 100.0
"""How many retries there may be beyond the number of successes."""

LONGEST_PAUSE: Final = 60.0
"""A server that asks all to wait longer than these seconds is asked again sooner: it may be mistaken."""

SHORTEST_GAP: Final = 0.05
"""The seconds between two requests, one at a time, when the server pushes back all the same; then doubled."""

LONGEST_GAP: Final = 2.0
"""What that gap does not grow beyond."""

_EASING: Final = 0.8
"""What a success leaves of the gap."""

_LOOK: Final = 0.5
"""The real seconds after which a thread that waits for its turn looks at its deadline again."""


class NoTimeError(Exception):
    """A request cannot have its turn before its deadline."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A request's turn.

    Attributes:
        waited: The seconds that it waited for it.
        round: Counts the times that the server has pushed back.
    """

    waited: float
    round: int


class AdaptiveLimiter:
    """Decides when each request may be sent; usable from many threads at once.

    Args:
        clock: Time.
        most: How many requests may be in flight at most.
        per_second: How many may be sent in a second at most; `None` for no limit.
    """

    def __init__(self, clock: Clock, most: int, per_second: float | None) -> None:
        self._clock = clock
        self._most = most
        self._shortest = 0.0 if per_second is None else 1.0 / per_second
        self._gap = 0.0
        self._free = threading.Condition()
        self._limit = most
        self._flying = 0
        self._successes = 0
        self._round = 0
        self._not_before = 0.0
        self._next_slot = 0.0
        self._budget = RETRY_BUDGET

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        with self._free:
            return self._limit

    @contextmanager
    def turn(self, end: float) -> Iterator[Slot]:
        """Wait until a request may be sent; the block is the time in which it is in flight.

        Args:
            end: The moment by which it must be sent.

        Raises:
            NoTimeError: It may not be sent by then.
        """
        start = self._clock.monotonic()
        self._enter(end)
        try:
            self._wait_for_slot(end)
            with self._free:
                turn = Slot(self._clock.monotonic() - start, self._round)
            yield turn
        finally:
            with self._free:
                self._flying -= 1
                self._free.notify()

    def _enter(self, end: float) -> None:
        with self._free:
            while self._flying >= self._limit:
                if self._clock.monotonic() >= end:
                    raise NoTimeError
                self._free.wait(_LOOK)
            self._flying += 1

    def _wait_for_slot(self, end: float) -> None:
        """Wait until the request may be sent; what the server asks of all meanwhile is waited for, too."""
        while True:
            slot = self._slot(end)
            wait = slot - self._clock.monotonic()
            if wait > 0:
                self._clock.sleep(wait)
            with self._free:
                if self._not_before <= slot:
                    return

    def _slot(self, end: float) -> float:
        """Return the moment at which the request may be sent, and take it."""
        with self._free:
            slot = max(self._clock.monotonic(), self._not_before, self._next_slot)
            if slot >= end:
                raise NoTimeError
            self._next_slot = slot + max(self._gap, self._shortest)
            return slot

    def succeeded(self) -> None:
        """Know that a request succeeded."""
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

    def pushed_back(self, turn: Slot, retry_after: float) -> None:
        """Know that the server asked for less.

        Answers to requests that were in flight together count as one.

        Args:
            turn: That of the request it answered.
            retry_after: The seconds that it asks to wait; zero when it does not say.
        """
        with self._free:
            if turn.round == self._round:
                self._round += 1
                self._successes = 0
                if self._limit > 1:
                    self._limit //= 2
                else:
                    self._gap = min(LONGEST_GAP, max(SHORTEST_GAP, self._gap * 2))
            if retry_after <= LONGEST_PAUSE:
                self._not_before = max(self._not_before, self._clock.monotonic() + retry_after)

    def may_retry(self) -> bool:
        """Return whether there is a retry left for what may have failed of overload, and take it."""
        with self._free:
            if self._budget < 1:
                return False
            self._budget -= 1
            return True
