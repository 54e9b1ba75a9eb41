"""Retry policy: the number of attempts and the waits, and the attempts of one write."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from reconciler.client.exceptions import BaseHttpException, TooManyRequestsException, may_be_repeated
from reconciler.concurrency import RETRY_FOR
from reconciler.errors import ReconcilerError

_MOST_DOUBLINGS: Final = 4
"""The number of the retry after a 429 from which the pauses stay the same."""


_SETTLE_PAUSE: Final = 2.0
"""The seconds of each further settle pause, where writes are known to show late."""

_PART: Final = 0.25
"""The most seconds of a wait that pass before it is checked whether the run was stopped."""


def _never() -> bool:
    """Return that the run was not stopped."""
    return False


def _ignore(_waited: float) -> None:
    """Ignore a retry."""


class RetryPolicy(NamedTuple):
    """The limits of tries and waits, with time and chance injected for tests.

    Attributes:
        tries: The most tries of one request, the first one included.
        deadline: The seconds within which the last try of a read must end, and that of a write begin.
        retry_for: The seconds to wait for a server that stopped answering; zero for none but the tries.
        download_deadline: The same for the download of a file, which may be large.
        backoff: The longest pause before the second try, in seconds; doubled before each further one.
        longest_backoff: The limit of that pause, unless the server asks for more.
        settle: The pauses between the reads that wait for a write to show, in seconds.
        poll: The pause between two reads of a running execution, in seconds.
        wait_running: The most seconds to wait for an execution to end.
        report_every: The seconds between two progress messages while waiting.
        monotonic: Returns seconds that never go back, for deadlines.
        wall: Returns seconds since the epoch, for a `Retry-After` that is a date.
        sleep: Sleeps for a number of seconds.
        random: Returns a number from 0 to 1, for the jitter.
        on_retry: Called before each retry of a write, with the seconds waited for it.
        stopped: Returns whether the run was stopped: then nothing is waited for or tried again.
    """

    tries: int = 4
    deadline: float = 120.0
    retry_for: float = RETRY_FOR
    download_deadline: float = 600.0
    backoff: float = 0.5
    longest_backoff: float = 20.0
    settle: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)
    poll: float = 2.0
    wait_running: float = 1800.0
    report_every: float = 30.0
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    on_retry: Callable[[float], None] = _ignore
    stopped: Callable[[], bool] = _never

    def settling_for(self, lag: float) -> RetryPolicy:
        """Return this policy with settle pauses that last at least twice as long as a known delay of writes.

        They are never fewer or shorter than those of this policy.

        Args:
            lag: The seconds after which a write shows.
        """
        missing = 2 * lag - sum(self.settle)
        more = max(0, math.ceil(missing / _SETTLE_PAUSE))
        return self._replace(settle=(*self.settle, *[_SETTLE_PAUSE] * more))

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds`, or until the run is stopped; return whether it goes on."""
        if self.stopped is _never:
            if seconds:
                self.sleep(seconds)
            return True
        while seconds > 0 and not self.stopped():
            part = min(seconds, _PART)
            self.sleep(part)
            seconds -= part
        return not self.stopped()

    def pause_before(self, retry: int, retry_after: float = 0.0) -> float:
        """Return the seconds to wait before a retry: doubled each time, jittered.

        Args:
            retry: The number of the retry, from 1.
            retry_after: The seconds that the server asks to wait at least.
        """
        backoff = min(self.longest_backoff, self.backoff * 2.0 ** (retry - 1))
        return max(retry_after, backoff * (1 + self.random()) / 2)

    def pause_after_refusal(self, retry: int, retry_after: float = 0.0, *, at_random: bool = False) -> float:
        """Return the seconds to wait before a retry of a request that was refused for now (429).

        They do not grow for long, since the limiter paces these requests.

        Args:
            retry: The number of the retry, from 1.
            retry_after: The seconds that the server asks to wait at least.
            at_random: Whether the server refuses at random, so that a long pause does not help.
        """
        doublings = min(retry, _MOST_DOUBLINGS)
        return self.pause_before(doublings - _MOST_DOUBLINGS if at_random else doublings, retry_after)

    def looks(self, pauses: int | None = None) -> Iterator[None]:
        """Yield at once, then again after each of the settle pauses: for reads that wait for a write to show.

        Args:
            pauses: Use only the first pauses; `None` for all of them.
        """
        yield
        for pause in self.settle[:pauses]:
            self.sleep(pause)
            yield


class WriteRetry:
    """The tries of one write: counted, further and further apart, and under one deadline.

    Whoever repeats a write checks, between waiting and the next try, whether the last one took effect after
    all: that alone makes repeating safe.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._start = policy.monotonic()
        self._failed = 0
        self._waited = 0.0

    @property
    def in_doubt(self) -> bool:
        """Whether an earlier try may have taken effect."""
        return self._failed > 0

    def begin(self) -> None:
        """Report the retry that is about to be sent; nothing before the first try."""
        if self._waited:
            self._policy.on_retry(self._waited)
            self._waited = 0.0

    def again(self, error: ReconcilerError) -> bool:
        """Wait after a failed try, and return whether there may be another one.

        A server that pushes back (429) is asked again until the deadline; any other write that may have taken
        effect, up to the policy's number of tries; none once the run was stopped.

        Args:
            error: The failure; the number of tries is added to its message when there is no further one.

        Raises:
            ReconcilerError: `error` itself, when the write was refused: it would be refused again.
        """
        if not may_be_repeated(error):
            raise error
        policy = self._policy
        self._failed += 1
        pushed_back = isinstance(error, TooManyRequestsException)
        retry_after = error.retry_after if isinstance(error, BaseHttpException) else 0.0
        pause_before = policy.pause_after_refusal if pushed_back else policy.pause_before
        pause = pause_before(self._failed, retry_after)
        passed = policy.monotonic() - self._start
        if (not pushed_back and self._failed >= policy.tries) or passed + pause >= policy.deadline:
            if self._failed > 1:
                error.message += f" (given up after {self._failed} tries in {passed:.0f} s)"
            return False
        self._waited = pause
        return policy.wait(pause)
