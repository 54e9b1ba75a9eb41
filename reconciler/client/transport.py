"""Transport: the loop that sends a request and retries it where that is safe.

It owns timeouts, backoff, `Retry-After` and the deadline; time and chance come with the retry policy. It
handles URLs and bytes, knows nothing of workflows, and leaves the meaning of an answer to its caller.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from urllib3.exceptions import HTTPError, TimeoutError  # noqa: A004 - urllib3's

from reconciler import __version__
from reconciler.client.bounded_http import BoundedHttp
from reconciler.client.calls import Call, Observer, RequestRecord, TrafficMeter
from reconciler.client.exceptions import (
    AnswerLostError,
    BaseHttpException,
    NotSentError,
    ServerUnreachableError,
    StoppedBeforeError,
    TooManyRequestsException,
    UnreadableAnswerError,
)
from reconciler.client.failures import UNUSABLE_ADDRESS, Failure, Repeat, refused, unanswered, unreadable
from reconciler.client.limiter import AdaptiveLimiter, NoTimeError, OutageError, Slot
from reconciler.client.retrying import RetryPolicy
from reconciler.errors import ReconcilerError, UnexpectedAnswerError

if TYPE_CHECKING:
    from reconciler.secrecy import Redactor

T = TypeVar("T")

_USER_AGENT: Final = f"peak-reconciler/{__version__}"
_SHORTEST_TIMEOUT = 0.1

LONGEST_WAIT_FOR_SLOT: Final = 600.0
"""The seconds after which a request gives up that the limiter has not let go."""

_UNREACHABLE: Final = "Run again once the server is back; --retry-for SECONDS waits longer."
_PUSHES_BACK: Final = frozenset({429, 503})


class _Attempt(Generic[T]):
    """The tries of one request, and the moment by which the last one must end.

    The wait for the first slot does not count: other requests caused it.
    """

    def __init__(self, call: Call[T], policy: RetryPolicy) -> None:
        self.call = call
        self.number = 0
        self.failed = 0
        self.answers = 0
        self.outage_end: float | None = None
        self.slept = 0.0
        self.failure: Failure | None = None
        self._policy = policy
        self._start = policy.monotonic()
        self.end = self._start + LONGEST_WAIT_FOR_SLOT + policy.retry_for

    def begin(self, slot: Slot) -> None:
        """Start the deadline at the first try."""
        if self.number == 1:
            self._start = self._policy.monotonic()
            self.end = self._start + self.call.deadline
        if self.failure is None or not self.failure.no_server:
            self.answers = slot.answers

    def note(self, failure: Failure, outage_end: float | None) -> None:
        """Note a failed try; one of a server that all requests wait for does not count."""
        self.failure = failure
        self.outage_end = outage_end
        if outage_end is None:
            self.failed += 1
        else:
            self.end = max(self.end, outage_end + self.call.deadline)

    def give_up(self, failure: Failure) -> ReconcilerError:
        """Return the error to raise when there is no further try."""
        if self.number > 1:
            seconds = self._policy.monotonic() - self._start
            failure.error.message += f" (given up after {self.number} tries in {seconds:.0f} s)"
        return failure.error


class Transport:
    """A sender of calls over pooled connections; safe to use from many threads.

    Args:
        timeout: The seconds to connect, and to wait for each part of the answer.
        pool_size: The connections kept to one host, and the most requests in flight.
        policy: The limits of retries, with time and chance.
        redactor: Removes the token and other secrets from messages.
        per_second: The most requests per second; `None` for no limit.
        reserve: Takes a request out of a budget that is shared with other processes, as `AdaptiveLimiter`.
        observe: Called with the record of each try.
        purpose: A word for the `User-Agent`, such as `plan`.

    Attributes:
        meter: Counts the tries.
        redactor: Removes secrets from messages.
        date: The `Date` of the last answer of the API; empty where it had none.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        timeout: tuple[float, float],
        pool_size: int,
        policy: RetryPolicy,
        redactor: Redactor,
        per_second: float | None = None,
        reserve: Callable[[], float] | None = None,
        observe: Observer | None = None,
        purpose: str = "",
    ) -> None:
        self._limiter = AdaptiveLimiter(policy, pool_size, per_second, reserve)
        self.meter = TrafficMeter(observe)
        self.date = ""
        self._timeout = timeout
        self._policy = policy
        self.redactor = redactor
        user_agent = f"{_USER_AGENT} ({purpose})" if purpose else _USER_AGENT
        self._http = BoundedHttp(pool_size, policy.monotonic, user_agent)

    def end_waits(self, stopped: Callable[[], bool]) -> None:
        """From now on, once `stopped` returns true, wait for no slot, pause or server any longer."""
        self._policy = self._policy._replace(stopped=stopped)
        self._limiter.end_waits(stopped)

    def hide(self, redactor: Redactor) -> None:
        """From now on, remove further secrets from messages."""
        self.redactor = self.redactor.joined(redactor)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send `call` and return what its `read` returns, with retries where they are safe.

        A GET is repeated after 429 (until the deadline), 500, 502, 503, 504, a failed connection, a timeout,
        and an answer that is cut off or not JSON. Any other request is repeated only when no connection could
        be made, so that it certainly took no effect. So no write takes effect twice; with the public client,
        which repeats all requests alike, one can. While the API answers nobody, all requests wait together.

        Raises:
            BaseHttpException: The server answered with an error; the last one, after several tries.
            NotSentError: No connection could be made; `ServerUnreachableError` if the server stopped
                answering, and was not back in time.
            AnswerLostError: The request was sent and its answer did not arrive.
            UnexpectedAnswerError: The answer says success and cannot be read; `UnreadableAnswerError` for a
                request that writes.
        """
        attempt = _Attempt(call, self._policy)
        while True:
            attempt.number += 1
            try:
                return self._in_slot(attempt)
            except Failure as failure:
                wait = self._wait(failure, attempt)
                late = wait is None or self._policy.monotonic() + wait >= attempt.end
                if wait is None or late or not self._policy.wait(wait):
                    raise attempt.give_up(failure) from failure.__cause__
            attempt.slept = wait

    def _wait(self, failure: Failure, attempt: _Attempt[T]) -> float | None:
        """Return the seconds to wait before the next try; `None` when there must not be one."""
        reads = failure.repeat is Repeat.READS and attempt.call.changes_nothing
        if not reads and failure.repeat is not Repeat.ANY:
            return None
        if attempt.outage_end is not None:
            return 0.0  # the limiter says when
        tries = attempt.failed
        if failure.status == TooManyRequestsException.STATUS:  # the limiter paces these
            at_random = self._limiter.tolerates_refusals
            return self._policy.pause_after_refusal(tries, failure.retry_after, at_random=at_random)
        if tries >= self._policy.tries:
            return None
        if not self._limiter.may_retry():
            failure.error.message += "; not retried: too many requests failed lately"
            return None
        return self._policy.pause_before(tries, failure.retry_after)

    def _in_slot(self, attempt: _Attempt[T]) -> T:
        try:
            with self._limiter.slot(attempt.end, repeated=attempt.number > 1) as slot:
                attempt.begin(slot)
                return self._observed(attempt, slot)
        except OutageError:
            attempt.number -= 1
            last = f" (the last one was {attempt.failure.error.message})" if attempt.failure else ""
            message = f"server unreachable: no answer for {self._policy.retry_for:.0f} s{last}"
            raise Failure(ServerUnreachableError(message, hint=_UNREACHABLE), Repeat.NEVER) from None
        except NoTimeError:
            if attempt.failure is not None:  # it says more than a slot that did not come
                attempt.number -= 1
                raise Failure(attempt.failure.error, Repeat.NEVER) from attempt.failure.__cause__
            stopped = self._policy.stopped()
            why = "the run was stopped" if stopped else "gave up waiting for earlier requests"
            message = f"{attempt.call.label}: {why}; nothing was sent"
            error = StoppedBeforeError(message) if stopped else NotSentError(message)
            raise Failure(error, Repeat.NEVER) from None

    def _observed(self, attempt: _Attempt[T], slot: Slot) -> T:
        started, began = self._policy.wall(), self._policy.monotonic()

        def record(outcome: str, status: int | None) -> None:
            request = RequestRecord(
                method=attempt.call.method,
                path=attempt.call.path,
                outcome=outcome,
                status=status,
                attempt=attempt.number,
                started=started,
                seconds=self._policy.monotonic() - began,
                waited=attempt.slept + slot.waited,
                body=attempt.call.value,
            )
            self.meter.record(request)

        try:
            status, answer = self._once(attempt.call, attempt.end)
        except Failure as failure:
            record(_outcome(failure.error), failure.status)
            attempt.note(failure, self._outage_end(failure, attempt, slot))
            if failure.status in _PUSHES_BACK:
                self._limiter.pushed_back(slot, failure.retry_after)
            raise
        record("ok", status)
        if attempt.call.of_api:
            self._limiter.answered()
        self._limiter.succeeded(slot)
        return answer

    def _outage_end(self, failure: Failure, attempt: _Attempt[T], slot: Slot) -> float | None:
        """Return the moment until which all requests wait for the server; `None` if it can be reached."""
        if not attempt.call.of_api:
            return None
        if failure.no_server:
            return self._limiter.unanswered(slot, attempt.answers)
        if failure.status is not None:
            self._limiter.answered()
        return None

    def _once(self, call: Call[T], end: float) -> tuple[int, T]:
        def tick() -> None:
            if self._policy.monotonic() >= end:
                raise TimeoutError("no time left")

        left = max(_SHORTEST_TIMEOUT, end - self._policy.monotonic())
        try:
            response = self._http.send(
                call.method,
                call.url,
                end=end,
                timeout=(min(self._timeout[0], left), min(self._timeout[1], left)),
                auth=call.auth,
                params=call.params,
                body=call.body,
                content_type=call.content_type,
            )
        except (OSError, HTTPError, ValueError) as error:  # what requests raises is an OSError
            # The error about an unusable address may quote a password in it.
            cause = None if isinstance(error, UNUSABLE_ADDRESS) else error
            raise unanswered(call.label, error, changes_nothing=call.changes_nothing) from cause
        with closing(response):
            if call.of_api:
                self.date = response.headers.get("Date", "")
            if response.status_code // 100 != 2:  # noqa: PLR2004 - as in 2xx
                raise refused(call.label, response, self.redactor, tick, self._policy.wall())
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
