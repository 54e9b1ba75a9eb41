"""What a session has sent: each request for whoever watches, and their numbers. Never the token."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from reconciler.values import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request that was sent, or tried to be, and what came of it.

    Attributes:
        method: The HTTP method.
        path: The path, fit to be shown, without the query, which may hold a secret.
        outcome: `ok`, `refused` (by a status), `not sent`, `lost` (no answer) or `unreadable`.
        status: The HTTP status of the answer; `None` where there was none, or it could not be read.
        attempt: Which try of the request it was, from 1.
        started: When, in seconds since the epoch.
        seconds: How long it took.
        waited: The seconds that it waited before, for its turn or after a failure.
        body: The JSON that was sent, unmasked: whoever shows it masks it.
    """

    method: str
    path: str
    outcome: str
    status: int | None
    attempt: int
    started: float
    seconds: float
    waited: float
    body: JsonValue = field(default=None, repr=False)


Observer: TypeAlias = Callable[[RequestRecord], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The numbers of what a session has sent.

    Attributes:
        requests: Every try.
        retries: Those that were not the first of their request.
        throttled: How often the server asked for less (429).
        waited: The seconds that requests waited, over all threads.
    """

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited: float = 0.0


class TrafficMeter:
    """Counts exchanges and tells them on; usable from many threads at once.

    Args:
        observe: Told of each exchange; what it raises is ignored, since it must not break a request.
    """

    def __init__(self, observe: Observer | None) -> None:
        self._observe = observe
        self._lock = threading.Lock()
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        """The numbers so far."""
        with self._lock:
            return self._traffic

    def repeats(self, waited: float) -> None:
        """Count a write that is sent again by whoever looked what became of the last try.

        Args:
            waited: The seconds that were waited before.
        """
        with self._lock:
            self._traffic = replace(
                self._traffic, retries=self._traffic.retries + 1, waited=self._traffic.waited + waited
            )

    def tell(self, exchange: RequestRecord) -> None:
        """Count an exchange, and tell it on."""
        with self._lock:
            self._traffic = Traffic(
                requests=self._traffic.requests + 1,
                retries=self._traffic.retries + (exchange.attempt > 1),
                throttled=self._traffic.throttled + (exchange.status == 429),  # noqa: PLR2004 - Too Many Requests
                waited=self._traffic.waited + exchange.waited,
            )
        if self._observe is not None:
            with suppress(Exception):
                self._observe(exchange)
