"""The one loop that sends requests and repeats them where that is safe.

It owns timeouts, backoff, `Retry-After` and the deadline; the clock, the sleep and the randomness are handed
in. It knows URLs and bytes, nothing of workflows, and what an answer means is decided elsewhere.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, TimeoutError  # noqa: A004 - urllib3's

from reconciler import __version__
from reconciler.client.credentials import is_loopback_http
from reconciler.client.failures import Failure, Repeat, refused, unanswered, unreadable
from reconciler.errors import UnexpectedAnswerError
from reconciler.text import clip, printable

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from reconciler.client.answers import Tick
    from reconciler.text import Redactor

T = TypeVar("T")

Params: TypeAlias = Mapping[str, "str | int | Sequence[str] | None"]
"""A query by name: a list is repeated, `None` is left out (public client)."""

_HEADERS: Final = {
    "User-Agent": f"peak-reconciler/{__version__}",
    "Accept-Encoding": "gzip, deflate",
}
_NO_PROXIES: Final[dict[str, str]] = {"http": "", "https": "", "all": ""}
_SHORTEST_TIMEOUT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long a request is tried.

    Attributes:
        tries: How many times at most, the first one counted.
        deadline: The seconds within which the last try must have ended.
        download_deadline: The same for a file, which may be large.
        backoff: The longest wait after the first failure, in seconds; doubled after each further one.
        longest_backoff: What the wait does not grow beyond, unless the server asks for more.
    """

    tries: int = 4
    deadline: float = 120.0
    download_deadline: float = 600.0
    backoff: float = 0.5
    longest_backoff: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance, handed in so that a test owns them.

    Attributes:
        monotonic: Seconds that never go back, for deadlines.
        wall: Seconds since the epoch, for a `Retry-After` that is a date.
        sleep: Waits so many seconds.
        random: A number from 0 to 1, for the jitter.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        method: The HTTP method.
        url: Without a query of ours.
        auth: The credentials it is sent with.
        read: Reads an answer that says success; called anew for each try.
        params: The query.
        body: JSON, encoded.
        deadline: The seconds within which the last try must have ended.
    """

    method: str
    url: str
    auth: AuthBase
    read: Callable[[requests.Response, Tick], T]
    params: Params | None = None
    body: bytes | None = None
    deadline: float

    @property
    def label(self) -> str:
        """The method and the path, fit to be shown: no query, which may hold a secret."""
        return f"{self.method} {clip(printable(urlsplit(self.url).path), 200)}"

    @property
    def changes_nothing(self) -> bool:
        """Whether the request is a read."""
        return self.method == "GET"


class _Http(requests.Session):
    """A `requests` session without redirects: not even the target of one is looked at."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests' signature
        """Return none, whatever the answer says."""
        return None


class Transport:
    """Sends calls over connections that are kept and shared; usable from many threads at once.

    Args:
        timeout: The seconds for a connection, and for each wait upon the answer.
        pool_size: How many connections to one host are kept.
        policy: How often and how long a request is tried.
        clock: Time and chance.
        redactor: What removes the token, and whatever else is secret, from what is shown.
    """

    def __init__(
        self,
        *,
        timeout: tuple[float, float],
        pool_size: int,
        policy: RetryPolicy,
        clock: Clock,
        redactor: Redactor,
    ) -> None:
        self._timeout = timeout
        self._policy = policy
        self._clock = clock
        self._redactor = redactor
        self._http = _Http()
        self._http.headers.update(_HEADERS)
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send `call` and return what its `read` makes of the answer, trying again where that is safe.

        A GET is repeated after 429, 500, 502, 503, 504, a connection that failed, a timeout, and an answer
        that was cut off or is not JSON. Any other request is repeated only when it certainly took no effect:
        after 429, and when no connection could be made. So no write takes effect twice; with the public
        client, which repeats all of them alike, one can.

        Raises:
            BaseHttpException: The server answered with an error; the last one, after several tries.
            NotSentError: No connection could be made.
            AnswerLostError: The request was sent and its answer did not arrive.
            UnexpectedAnswerError: The answer says success and cannot be read; `UnreadableAnswerError` for a
                request that writes.
        """
        end = self._clock.monotonic() + call.deadline
        tries = 0
        while True:
            tries += 1
            try:
                return self._once(call, end)
            except Failure as failure:
                wait = self._wait(failure, tries, changes_nothing=call.changes_nothing)
                if wait is None or self._clock.monotonic() + wait >= end:
                    raise failure.error from failure.__cause__
            self._clock.sleep(wait)

    def _wait(self, failure: Failure, tries: int, *, changes_nothing: bool) -> float | None:
        """Return how long to wait before the next try; none when there must not be one."""
        allowed = failure.repeat is Repeat.ANY or (failure.repeat is Repeat.READS and changes_nothing)
        if not allowed or tries >= self._policy.tries:
            return None
        longest = min(self._policy.longest_backoff, self._policy.backoff * 2.0 ** (tries - 1))
        return max(failure.retry_after, longest * (1 + self._clock.random()) / 2)

    def _once(self, call: Call[T], end: float) -> T:
        def tick() -> None:
            if self._clock.monotonic() >= end:
                raise TimeoutError("no time left")

        left = max(_SHORTEST_TIMEOUT, end - self._clock.monotonic())
        try:
            response = self._http.request(
                call.method,
                call.url,
                params=call.params,
                data=call.body,
                headers={"Content-Type": "application/json"} if call.body is not None else None,
                auth=call.auth,
                timeout=(min(self._timeout[0], left), min(self._timeout[1], left)),
                proxies=dict(_NO_PROXIES) if is_loopback_http(call.url) else None,
                allow_redirects=False,
                stream=True,
            )
        except (OSError, HTTPError) as error:  # what requests raises is an OSError
            raise unanswered(call.label, error, changes_nothing=call.changes_nothing) from error
        with closing(response):
            if response.status_code // 100 != 2:  # noqa: PLR2004 - as in 2xx
                raise refused(call.label, response, self._redactor, tick, self._clock.wall())
            try:
                return call.read(response, tick)
            except (UnexpectedAnswerError, HTTPError) as error:
                raise unreadable(call.label, error, changes_nothing=call.changes_nothing) from error
