"""How often and how long things are tried and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.apply.report import StoppedError
from reconciler.client.exceptions import ConflictException
from reconciler.errors import BlockedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often and how long things are tried, with time handed in for tests.

    Attributes:
        sleep: Waits so many seconds.
        monotonic: Seconds that never go back.
        tries: How often a write is sent whose answer is lost.
        settle: The seconds to wait before each further reading, until a write shows.
        poll: The seconds between two looks at a running workflow.
        wait_running: The seconds to wait at most for a run to end.
        tell_every: The seconds between two lines that say what is waited for.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    tries: int = 4
    settle: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)
    poll: float = 2.0
    wait_running: float = 1800.0
    tell_every: float = 30.0


class Patience:
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
