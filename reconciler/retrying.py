"""How often and how long things are tried and waited for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.apply.report import StoppedError
from reconciler.client.calls import pause_before
from reconciler.client.exceptions import (
    BaseHttpException,
    ConflictException,
    TooManyRequestsException,
    may_have_taken_effect,
)
from reconciler.errors import BlockedError, ReconcilerError


def _uncounted(_waited: float) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often and how long things are tried, with time handed in for tests.

    Attributes:
        sleep: Waits so many seconds.
        monotonic: Seconds that never go back.
        random: A number from 0 to 1, for the jitter.
        tries: How often a write is sent whose answer is lost.
        deadline: The seconds within which the last try of a write must begin.
        backoff: The longest wait before the second try, in seconds; doubled before each further one.
        longest_backoff: What that wait does not grow beyond, unless the server asks for more.
        settle: The seconds to wait before each further reading, until a write shows.
        poll: The seconds between two looks at a running workflow.
        wait_running: The seconds to wait at most for a run to end.
        tell_every: The seconds between two lines that say what is waited for.
        repeats: Told of each write that is sent again, with the seconds that were waited before.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    tries: int = 4
    deadline: float = 120.0
    backoff: float = 0.5
    longest_backoff: float = 20.0
    settle: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)
    poll: float = 2.0
    wait_running: float = 1800.0
    tell_every: float = 30.0
    repeats: Callable[[float], None] = _uncounted


def may_be_repeated(error: ReconcilerError) -> bool:
    """Return whether a write that ended in `error` may be tried again, once it is seen what it did.

    True when the server pushes back (429), and when it is not known whether the write took effect.
    """
    return isinstance(error, TooManyRequestsException) or may_have_taken_effect(error)


class WriteRetry:
    """The tries of one write: counted, further and further apart, and under one deadline.

    Whoever repeats a write looks, between waiting and the next try, whether the last one took effect after
    all: that alone makes repeating safe.

    Args:
        timing: How many there are, and how far apart.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._start = timing.monotonic()
        self._done = 0
        self._waited = 0.0

    @property
    def in_doubt(self) -> bool:
        """Whether a try before this one may have taken effect."""
        return self._done > 0

    def begins(self) -> None:
        """Know that a try is sent now."""
        if self._waited:
            self._timing.repeats(self._waited)
            self._waited = 0.0

    def again(self, error: ReconcilerError) -> bool:
        """Wait after a try that failed, and return whether there may be another one.

        A server that pushes back (429) is asked again until the deadline; any other write of which it is not
        known whether it took effect, a few times.

        Args:
            error: What the try ended in; it is told how often it was tried when there must be no further one.

        Raises:
            ReconcilerError: `error` itself, when the write was refused: it would be again.
        """
        if not may_be_repeated(error):
            raise error
        self._done += 1
        pushed_back = isinstance(error, TooManyRequestsException)
        wait = self._wait(error.retry_after if isinstance(error, BaseHttpException) else 0.0)
        passed = self._timing.monotonic() - self._start
        if (not pushed_back and self._done >= self._timing.tries) or passed + wait >= self._timing.deadline:
            error.message += (
                f" (given up after {self._done} tries in {passed:.0f} s)" if self._done > 1 else ""
            )
            return False
        self._timing.sleep(wait)
        self._waited = wait
        return True

    def _wait(self, asked: float) -> float:
        timing = self._timing
        return pause_before(self._done, timing.backoff, timing.longest_backoff, timing.random(), asked)


class ExecutionWaiter:
    """Waits for the runs of one workflow to end, and not beyond a limit.

    Args:
        timing: The limit.
        stopped: Whether the run was stopped meanwhile.
        tell: Called with what is waited for, now and then.
    """

    def __init__(self, timing: Timing, stopped: Callable[[], bool], tell: Callable[[str], None]) -> None:
        self._timing = timing
        self._stopped = stopped
        self._tell = tell
        self._start: float | None = None
        self._told = 0.0
        self._unexplained = 0

    def wait_after(self, refusal: ConflictException, *, running: bool) -> None:
        """Wait after the platform refused a write to the workflow.

        Args:
            refusal: What it said.
            running: Whether the workflow runs. When not, that is believed only after some tries.

        Raises:
            ConflictException: It refuses, and not because of a run.
            StoppedError: The run was stopped.
            BlockedError: The limit is reached.
        """
        self._unexplained += not running
        if self._unexplained >= self._timing.tries:
            raise refusal
        self.wait()

    def wait(self) -> None:
        """Wait a moment.

        Raises:
            StoppedError: The run was stopped.
            BlockedError: The limit is reached.
        """
        now = self._timing.monotonic()
        if self._start is None:
            self._start = self._told = now
        if self._stopped():
            raise StoppedError("the run was stopped while this workflow was waited for")
        limit = self._timing.wait_running
        if now - self._start >= limit:
            raise BlockedError(
                f"it is still running after {limit:.0f} s of waiting",
                hint="--wait-running SECONDS waits longer.",
            )
        if now - self._told >= self._timing.tell_every:
            self._told = now
            self._tell(f"waiting for its run to end, {now - self._start:.0f} s so far, {limit:.0f} s at most")
        self._timing.sleep(self._timing.poll)
