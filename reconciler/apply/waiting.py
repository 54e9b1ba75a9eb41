"""Waiting for the executions of a workflow to end before a write."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.apply.report import StoppedError
from reconciler.client import ConflictException, RetryPolicy
from reconciler.errors import BlockedError


class ExecutionWaiter:
    """The wait for the executions of one workflow to end, up to `RetryPolicy.wait_running`.

    Args:
        policy: The limit of waiting, and time.
        stopped: Returns whether the run was stopped.
        report: Called with a progress message now and then.
    """

    def __init__(
        self, policy: RetryPolicy, stopped: Callable[[], bool], report: Callable[[str], None]
    ) -> None:
        self._policy = policy
        self._stopped = stopped
        self._report = report
        self._start: float | None = None
        self._reported = 0.0
        self._unexplained = 0

    def wait_after(self, refusal: ConflictException, *, running: bool) -> None:
        """Wait after the platform refused a write.

        Args:
            refusal: The refusal.
            running: Whether the workflow is running. If not, the refusal is final only after some tries.

        Raises:
            ConflictException: The refusal itself, when no execution explains it.
            StoppedError: The run was stopped.
            BlockedError: The limit is reached.
        """
        self._unexplained += not running
        if self._unexplained >= self._policy.tries:
            raise refusal
        self.wait()

    def wait(self) -> None:
        """Wait until the next poll.

        Raises:
            StoppedError: The run was stopped.
            BlockedError: The limit is reached.
        """
        now = self._policy.monotonic()
        if self._start is None:
            self._start = self._reported = now
        if self._stopped():
            raise StoppedError("the run was stopped while it waited for an execution of this workflow")
        limit = self._policy.wait_running
        if now - self._start >= limit:
            raise BlockedError(
                f"the workflow is still running after {limit:.0f} s",
                hint="Use --wait-running SECONDS to wait longer.",
            )
        if now - self._reported >= self._policy.report_every:
            self._reported = now
            self._report(f"waiting for its execution to end: {now - self._start:.0f} s of {limit:.0f} s")
        self._policy.sleep(self._policy.poll)
