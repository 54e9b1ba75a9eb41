"""The one loop that sends requests and repeats them where that is safe.

It owns timeouts, backoff, `Retry-After` and the deadline; the clock, the sleep and the randomness are handed
in. It knows URLs and bytes, nothing of workflows, and what an answer means is decided elsewhere.
"""

from __future__ import annotations

from contextlib import closing
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, TimeoutError  # noqa: A004 - urllib3's

from reconciler import __version__
from reconciler.client.calls import Call, Clock, RetryPolicy, pause_before
from reconciler.client.credentials import is_loopback_http
from reconciler.client.exceptions import (
    AnswerLostError,
    BaseHttpException,
    NotSentError,
    TooManyRequestsException,
    UnreadableAnswerError,
)
from reconciler.client.exchanges import Observer, RequestRecord, Traffic, TrafficMeter
from reconciler.client.failures import UNUSABLE_ADDRESS, Failure, Repeat, refused, unanswered, unreadable
from reconciler.client.pressure import AdaptiveLimiter, NoTimeError, Slot
from reconciler.errors import ReconcilerError, UnexpectedAnswerError

if TYPE_CHECKING:
    from reconciler.secrecy import Redactor

T = TypeVar("T")

_USER_AGENT: Final = f"peak-reconciler/{__version__}"
_NO_PROXIES: Final[dict[str, str]] = {"http": "", "https": "", "all": ""}
_SHORTEST_TIMEOUT = 0.1

LONGEST_WAIT_FOR_TURN: Final = 600.0
"""The seconds after which a request gives up that the pressure does not let go first."""

_PUSHES_BACK: Final = frozenset({429, 503})


class _Http(requests.Session):
    """A `requests` session without redirects: not even the target of one is looked at."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests' signature
        """Return none, whatever the answer says."""
        return None


class _Attempt(Generic[T]):
    """How far one request has come: its tries, and when the last one must have ended.

    The time that it waits for its first turn does not count: that is for what others did.
    """

    def __init__(self, call: Call[T], clock: Clock) -> None:
        self.call = call
        self.number = 0
        self.slept = 0.0
        self.failure: Failure | None = None
        self._clock = clock
        self._start = clock.monotonic()
        self.end = self._start + LONGEST_WAIT_FOR_TURN

    def begins(self) -> None:
        """Let the deadline run from now on, unless it does already."""
        if self.number == 1:
            self._start = self._clock.monotonic()
            self.end = self._start + self.call.deadline

    def given_up(self, failure: Failure) -> ReconcilerError:
        """Return what the caller is told when there is no further try."""
        if self.number > 1:
            seconds = self._clock.monotonic() - self._start
            failure.error.message += f" (given up after {self.number} tries in {seconds:.0f} s)"
        return failure.error


class Transport:
    """Sends calls over connections that are kept and shared; usable from many threads at once.

    Args:
        timeout: The seconds for a connection, and for each wait upon the answer.
        pool_size: How many connections to one host are kept, and requests in flight at most.
        policy: How often and how long a request is tried.
        clock: Time and chance.
        redactor: What removes the token, and whatever else is secret, from what is shown.
        per_second: How many requests are sent in a second at most; `None` for no limit.
        observe: Told of each request.
        purpose: What the requests are for, in a word: told to the server.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        timeout: tuple[float, float],
        pool_size: int,
        policy: RetryPolicy,
        clock: Clock,
        redactor: Redactor,
        per_second: float | None = None,
        observe: Observer | None = None,
        purpose: str = "",
    ) -> None:
        self._pressure = AdaptiveLimiter(clock, pool_size, per_second)
        self._counter = TrafficMeter(observe)
        self._timeout = timeout
        self._policy = policy
        self._clock = clock
        self._redactor = redactor
        self._http = _Http()
        self._http.headers["User-Agent"] = f"{_USER_AGENT} ({purpose})" if purpose else _USER_AGENT
        self._http.headers["Accept-Encoding"] = "gzip, deflate"
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)

    @property
    def traffic(self) -> Traffic:
        """The numbers of what was sent so far."""
        return self._counter.traffic

    def repeats(self, waited: float) -> None:
        """Count a write that is sent again, after so many seconds, by whoever looked what became of it."""
        self._counter.repeats(waited)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send `call` and return what its `read` makes of the answer, trying again where that is safe.

        A GET is repeated after 429 (until the deadline), 500, 502, 503, 504, a connection that failed, a
        timeout, and an answer that was cut off or is not JSON. Any other request is repeated only when no
        connection could be made, and so it certainly took no effect. So no write takes effect twice; with the
        public client, which repeats all of them alike, one can.

        Raises:
            BaseHttpException: The server answered with an error; the last one, after several tries.
            NotSentError: No connection could be made.
            AnswerLostError: The request was sent and its answer did not arrive.
            UnexpectedAnswerError: The answer says success and cannot be read; `UnreadableAnswerError` for a
                request that writes.
        """
        attempt = _Attempt(call, self._clock)
        while True:
            attempt.number += 1
            try:
                return self._in_turn(attempt)
            except Failure as failure:
                wait = self._wait(failure, attempt.number, changes_nothing=call.changes_nothing)
                if wait is None or self._clock.monotonic() + wait >= attempt.end:
                    raise attempt.given_up(failure) from failure.__cause__
                attempt.failure = failure
            self._clock.sleep(wait)
            attempt.slept = wait

    def _wait(self, failure: Failure, tries: int, *, changes_nothing: bool) -> float | None:
        """Return how long to wait before the next try; none when there must not be one."""
        allowed = failure.repeat is Repeat.ANY or (failure.repeat is Repeat.READS and changes_nothing)
        if not allowed:
            return None
        if failure.status != TooManyRequestsException.STATUS:  # then it is the pressure that holds back
            if tries >= self._policy.tries:
                return None
            if not self._pressure.may_retry():
                failure.error.message += "; too many requests failed lately for another try"
                return None
        policy, chance = self._policy, self._clock.random()
        return pause_before(tries, policy.backoff, policy.longest_backoff, chance, failure.retry_after)

    def _in_turn(self, attempt: _Attempt[T]) -> T:
        try:
            with self._pressure.turn(attempt.end) as turn:
                attempt.begins()
                return self._watched(attempt, turn)
        except NoTimeError:
            if attempt.failure is not None:  # what the last try met says more
                attempt.number -= 1
                raise Failure(attempt.failure.error, Repeat.NEVER) from attempt.failure.__cause__
            message = f"{attempt.call.label}: its turn did not come in time; nothing was sent"
            raise Failure(NotSentError(message), Repeat.NEVER) from None

    def _watched(self, attempt: _Attempt[T], turn: Slot) -> T:
        started, began = self._clock.wall(), self._clock.monotonic()

        def tell(outcome: str, status: int | None) -> None:
            exchange = RequestRecord(
                method=attempt.call.method,
                path=attempt.call.path,
                outcome=outcome,
                status=status,
                attempt=attempt.number,
                started=started,
                seconds=self._clock.monotonic() - began,
                waited=attempt.slept + turn.waited,
                body=attempt.call.value,
            )
            self._counter.tell(exchange)

        try:
            status, answer = self._once(attempt.call, attempt.end)
        except Failure as failure:
            tell(_outcome(failure.error), failure.status)
            if failure.status in _PUSHES_BACK:
                self._pressure.pushed_back(turn, failure.retry_after)
            raise
        tell("ok", status)
        self._pressure.succeeded()
        return answer

    def _once(self, call: Call[T], end: float) -> tuple[int, T]:
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
                headers={"Content-Type": call.content_type} if call.body is not None else None,
                auth=call.auth,
                timeout=(min(self._timeout[0], left), min(self._timeout[1], left)),
                proxies=dict(_NO_PROXIES) if is_loopback_http(call.url) else None,
                allow_redirects=False,
                stream=True,
            )
        except (OSError, HTTPError, ValueError) as error:  # what requests raises is an OSError
            # What an address that cannot be used is told with may quote the password in it.
            cause = None if isinstance(error, UNUSABLE_ADDRESS) else error
            raise unanswered(call.label, error, changes_nothing=call.changes_nothing) from cause
        with closing(response):
            if response.status_code // 100 != 2:  # noqa: PLR2004 - as in 2xx
                raise refused(call.label, response, self._redactor, tick, self._clock.wall())
            try:
                return response.status_code, call.read(response, tick)
            except (UnexpectedAnswerError, HTTPError) as error:
                raise unreadable(call.label, error, changes_nothing=call.changes_nothing) from error


def _outcome(error: ReconcilerError) -> str:
    if isinstance(error, BaseHttpException):
        return "refused"
    if isinstance(error, NotSentError):
        return "not sent"
    if isinstance(error, AnswerLostError) and not isinstance(error, UnreadableAnswerError):
        return "lost"
    return "unreadable"
