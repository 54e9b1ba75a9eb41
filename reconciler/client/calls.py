"""API calls: one request and how its response is read, the record of each try, and the traffic totals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from reconciler.text import clip, printable

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

    from reconciler.client.responses import Tick
    from reconciler.values import JsonValue

T = TypeVar("T")

Params: TypeAlias = Mapping[str, "str | int | Sequence[str] | None"]
"""A query by name: a list is repeated, `None` is left out (public client)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        method: The HTTP method.
        url: The address, without a query.
        auth: The credentials.
        read: Reads a successful answer; called again for each try.
        params: The query.
        body: The JSON to send, encoded.
        value: The same JSON, for the observer of requests.
        content_type: The media type of the body.
        deadline: The seconds within which the last try must end.
        of_api: Whether it goes to the API, whose outages all requests wait for together.
    """

    method: str
    url: str
    auth: AuthBase
    read: Callable[[requests.Response, Tick], T]
    params: Params | None = None
    body: bytes | None = None
    value: JsonValue = None
    content_type: str = "application/json"
    deadline: float
    of_api: bool = True

    @property
    def label(self) -> str:
        """The method and the path, safe to show: no query, which may hold a secret."""
        return f"{self.method} {self.path}"

    @property
    def path(self) -> str:
        """The path, escaped and clipped."""
        return clip(printable(urlsplit(self.url).path), 200)

    @property
    def changes_nothing(self) -> bool:
        """Whether the request is a read."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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


class Traffic(NamedTuple):
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
            self._traffic = self._traffic._replace(
                retries=self._traffic.retries + 1, waited=self._traffic.waited + waited
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
