"""Adaptive limiter of a session: requests in flight, the gap between them, and the budget for retries.

All threads of a session share one. Its pace follows what the server refuses (429, 503). A `Retry-After` holds
for all; retries come out of one budget, so that the threads do not storm a server that fails.

When the server stops answering (no connection, 502, 503, 504), all requests wait together: one at a time is
sent as a probe, until one is answered or `RetryPolicy.retry_for` has passed. Only a server that has answered
before is waited for: any other is more likely a wrong address.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.client.pacing import Pace

if TYPE_CHECKING:
    from reconciler.client.retrying import RetryPolicy

RETRY_BUDGET: Final = 100.0
"""The most retries beyond the number of successes."""

LONGEST_PAUSE: Final = 60.0
"""The longest `Retry-After`, in seconds, that holds for all requests: a longer one may be an error."""

FIRST_PROBE: Final = 0.5
"""The seconds before the first probe of a server that stopped answering; doubled before each further one."""

LONGEST_PROBE: Final = 5.0
"""The limit of that pause, in seconds."""

_SHORT: Final = 0.25
"""The seconds that a request waits for its moment also when the run was stopped."""

_LOOK: Final = 0.5
"""The real seconds after which a thread that waits for a slot checks its deadline again."""


class NoTimeError(Exception):
    """A request that gets no slot before its deadline."""


class OutageError(Exception):
    """The end of the wait for a server that stopped answering."""


class Slot(NamedTuple):
    """The permission to send one request.

    Attributes:
        waited: The seconds the request waited for it.
        round: The round of the pace at its start.
        answers: The number of answers until then.
        probes: The number of probes of a server that stopped answering until then.
    """

    waited: float
    round: int
    answers: int = 0
    probes: int = 0


class AdaptiveLimiter:
    """A gate that lets requests through one after another; safe to use from many threads.

    Args:
        policy: Time.
        most: The most requests in flight.
        per_second: The most requests per second; `None` for no limit.
        reserve: Takes one request out of a budget that several processes share, and returns the seconds until
            it may be sent; `None` without such a budget.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        most: int,
        per_second: float | None,
        reserve: Callable[[], float] | None = None,
    ) -> None:
        self._policy = policy
        self._reserve_shared = reserve
        self._pace = Pace(most)
        self._shortest = 0.0 if per_second is None else 1.0 / per_second
        self._free = threading.Condition()
        self._flying = 0
        self._not_before = 0.0
        self._next_moment = 0.0
        self._budget = RETRY_BUDGET
        self._answers = 0
        self._gone_since: float | None = None
        self._probes = 0
        self._probe_pause = FIRST_PROBE
        self._next_probe = 0.0

    @property
    def limit(self) -> int:
        """The most requests in flight at present."""
        with self._free:
            return self._pace.limit

    @property
    def tolerates_refusals(self) -> bool:
        """Whether the server refuses requests at random, so that a refused one need not wait long."""
        with self._free:
            return self._pace.tolerates

    def end_waits(self, stopped: Callable[[], bool]) -> None:
        """From now on, once `stopped` returns true, let nobody wait for a server, or for long."""
        self._policy = self._policy._replace(stopped=stopped)

    @contextmanager
    def slot(self, end: float, *, repeated: bool = False) -> Iterator[Slot]:
        """Wait until a request may be sent; it is in flight during the block.

        Args:
            end: The moment, on the policy's clock, by which it must be sent.
            repeated: Whether it was sent before.

        Raises:
            NoTimeError: It may not be sent by then, or the run was stopped while it waited.
            OutageError: The server stopped answering, and was not back in time.
        """
        start = self._policy.monotonic()
        self._enter(end, -math.inf if repeated else start)
        try:
            self._wait_for_gap(end)
            with self._free:
                slot = Slot(self._policy.monotonic() - start, self._pace.round, self._answers, self._probes)
            yield slot
        finally:
            with self._free:
                self._flying -= 1
                self._free.notify()

    def _enter(self, end: float, start: float) -> None:
        with self._free:
            while True:
                now = self._policy.monotonic()
                # After the wait is over, a new request may still probe once, and fails quickly.
                if self._gone_since is not None and now >= self._outage_end() > start:
                    raise OutageError
                if self._flying < (self._pace.limit if self._gone_since is None else 1):
                    break
                if now >= end or (self._gone_since is not None and self._policy.stopped()):
                    raise NoTimeError
                self._free.wait(_LOOK)
            self._flying += 1

    def _wait_for_gap(self, end: float) -> None:
        """Wait for the gap after the request before, and for a `Retry-After` that arrives meanwhile."""
        while True:
            moment = self._reserve(end)
            wait = moment - self._policy.monotonic()
            if wait > _SHORT and not self._policy.wait(wait):
                raise NoTimeError
            if 0 < wait <= _SHORT:
                self._policy.sleep(wait)
            with self._free:
                if self._not_before <= moment:
                    return

    def _reserve(self, end: float) -> float:
        """Reserve and return the next moment at which a request may be sent."""
        shared = 0.0 if self._reserve_shared is None else self._reserve_shared() + self._policy.monotonic()
        with self._free:
            moment = max(
                self._policy.monotonic(), shared, self._not_before, self._next_moment, self._next_probe
            )
            if moment >= end:
                raise NoTimeError
            self._next_moment = moment + max(self._pace.gap, self._shortest)
            return moment

    def _outage_end(self) -> float:
        return (self._gone_since or 0.0) + self._policy.retry_for

    def answered(self) -> None:
        """Note an answer of the server, whatever it says: it can be reached."""
        with self._free:
            self._answers += 1
            if self._gone_since is not None:
                self._gone_since = None
                self._next_probe = 0.0
                self._free.notify_all()

    def unanswered(self, slot: Slot, answers: int) -> float | None:
        """Note a request that no server answered; wait for the server if it answers nobody.

        Args:
            slot: The slot of the request.
            answers: The number of answers when it was first sent.

        Returns:
            The moment until which the server is waited for; `None` if it is not.
        """
        with self._free:
            now = self._policy.monotonic()
            if self._gone_since is None:
                if not self._answers or self._answers != answers or not self._policy.retry_for:
                    return None
                self._gone_since = now
                self._probe_pause = FIRST_PROBE
            elif slot.probes != self._probes:
                return self._outage_end()
            else:
                self._probe_pause = min(LONGEST_PROBE, self._probe_pause * 2)
            self._probes += 1
            self._next_probe = min(now + self._probe_pause, max(now, self._outage_end()))
            return self._outage_end()

    def succeeded(self, slot: Slot) -> None:
        """Note that the server accepted the request of `slot`: go faster, and give a retry back."""
        with self._free:
            self._budget = min(RETRY_BUDGET, self._budget + 1)
            limit = self._pace.limit
            self._pace.succeeded(slot.round)
            if self._pace.limit > limit:
                self._free.notify_all()

    def pushed_back(self, slot: Slot, retry_after: float) -> None:
        """Note that the server refused a request for now: go slower if that helps.

        Args:
            slot: The slot of the request.
            retry_after: The seconds that it asks to wait; zero when it does not say.
        """
        with self._free:
            limit = self._pace.limit
            self._pace.refused(slot.round)
            if self._pace.limit > limit:
                self._free.notify_all()
            if retry_after <= LONGEST_PAUSE:
                self._not_before = max(self._not_before, self._policy.monotonic() + retry_after)

    def may_retry(self) -> bool:
        """Take a retry out of the budget, and return whether there was one."""
        with self._free:
            if self._budget < 1:
                return False
            self._budget -= 1
            return True
