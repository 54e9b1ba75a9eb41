"""The check right before each write: the workflow is unchanged since the plan, and not running."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from reconciler.api import TenantReader
from reconciler.apply.report import StoppedError
from reconciler.client import ConflictException, NotFoundException, RetryPolicy
from reconciler.errors import BlockedError
from reconciler.manifests import WhenRunning
from reconciler.plan import describe, list_tenant
from reconciler.workflow import Live


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


class GoneError(BlockedError):
    """The live workflow was deleted."""


def wait_until_ready(
    api: TenantReader, planned: Live, when_running: WhenRunning, waiter: ExecutionWaiter
) -> Live:
    """Return the workflow as it is now, once it may be written.

    Args:
        api: The tenant.
        planned: The workflow as it was when the plan was made.
        when_running: What to do while it runs.
        waiter: Waits for its execution to end.

    Raises:
        StoppedError: The run was stopped while an execution was waited for.
        GoneError: It was deleted after the plan was made.
        BlockedError: It was changed after the plan was made, or runs although it must not.
        ReconcilerError: As the client.
    """
    while True:
        live = read_unchanged(api, planned)
        if not live.running or when_running is WhenRunning.PROCEED:
            return live
        if when_running is WhenRunning.SKIP:
            raise BlockedError("it is running, and reconcile.whenRunning is skip")
        waiter.wait()


def read_unchanged(api: TenantReader, planned: Live) -> Live:
    """Return the workflow as it is now: as it was when it was planned, or read before.

    Raises:
        GoneError: It was deleted since.
        BlockedError: It was changed since.
        ReconcilerError: As the client.
    """
    try:
        live = describe(api, planned.id, planned)
    except NotFoundException:
        if planned.id in ids_of(api, planned.name):
            raise
        raise GoneError("the live workflow was deleted after the plan was made", hint="Plan again.") from None
    if not live.unchanged_since(planned):
        raise BlockedError("the live workflow changed after the plan was made", hint="Plan again.")
    return live


def is_gone(api: TenantReader, live: Live) -> bool:
    """Return whether a workflow is neither described nor listed: a 404 alone may come from a gateway.

    Raises:
        ReconcilerError: As the client.
    """
    try:
        describe(api, live.id, live)
    except NotFoundException:
        return live.id not in ids_of(api, live.name)
    return False


def described_once_there(api: TenantReader, identity: int, policy: RetryPolicy) -> Live | None:
    """Return a workflow that was just created; `None` when it is not described within the settle time.

    Some platforms answer 404 for a moment.

    Raises:
        ReconcilerError: As the client.
    """
    for _ in policy.looks():
        with suppress(NotFoundException):
            return describe(api, identity)
    return None


def ids_of(api: TenantReader, name: str) -> list[int]:
    """Return the ids of the live workflows called `name`, in ascending order.

    Raises:
        ReconcilerError: As the client.
    """
    return [listed.id for listed in list_tenant(api, name)]
