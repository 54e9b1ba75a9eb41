"""Waiting for a workflow's execution to end before a write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.apply.report import StoppedError
from reconciler.client import ConflictException, RetryPolicy, WriteRetry, may_be_repeated
from reconciler.errors import BlockedError

__all__ = ["ExecutionWaiter", "Timing", "WriteRetry", "may_be_repeated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing(RetryPolicy):
    """The limits of retries, and of waiting for executions.

    Attributes:
        poll: The seconds between two looks at a running workflow.
        wait_running: The most seconds to wait for an execution to end.
        report_every: The seconds between two progress lines.
    """

    poll: float = 2.0
    wait_running: float = 1800.0
    report_every: float = 30.0


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
        if now - self._told >= self._timing.report_every:
            self._told = now
            self._tell(f"waiting for its run to end, {now - self._start:.0f} s so far, {limit:.0f} s at most")
        self._timing.sleep(self._timing.poll)
