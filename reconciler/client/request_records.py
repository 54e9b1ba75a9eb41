"""Request records: one for each attempt, without the token, and the traffic totals."""

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
    """One try of a request, and its outcome.

    Attributes:
        method: The HTTP method.
        path: The path, escaped and clipped, without the query, which may hold a secret.
        outcome: `ok`, `refused` (by a status), `not sent`, `lost` (no answer) or `unreadable`.
        status: The HTTP status of the answer; `None` without a readable answer.
        attempt: The number of the try, from 1.
        started: The start, in seconds since the epoch.
        seconds: The duration, in seconds.
        waited: The seconds it waited before, for a slot or after a failure.
        body: The JSON that was sent, unmasked: mask it before it is shown.
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
    """The counts of requests of a session.

    Attributes:
        requests: The tries.
        retries: The tries that were not the first of their request.
        throttled: The answers with status 429.
        waited: The seconds that requests waited, summed over all threads.
    """

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited: float = 0.0


class TrafficMeter:
    """A counter of requests, safe to use from many threads.

    Args:
        observe: Called with each record; what it raises is ignored, since it must not break a request.
    """

    def __init__(self, observe: Observer | None) -> None:
        self._observe = observe
        self._lock = threading.Lock()
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        """The counts so far."""
        with self._lock:
            return self._traffic

    def count_retry(self, waited: float) -> None:
        """Count a write that its caller sends again, after waiting `waited` seconds."""
        with self._lock:
            self._traffic = replace(
                self._traffic, retries=self._traffic.retries + 1, waited=self._traffic.waited + waited
            )

    def record(self, request: RequestRecord) -> None:
        """Count one try, and pass its record on."""
        with self._lock:
            self._traffic = Traffic(
                requests=self._traffic.requests + 1,
                retries=self._traffic.retries + (request.attempt > 1),
                throttled=self._traffic.throttled + (request.status == 429),  # noqa: PLR2004 - Too Many Requests
                waited=self._traffic.waited + request.waited,
            )
        if self._observe is not None:
            with suppress(Exception):
                self._observe(request)
