"""The guard right before each write: the workflow is still the one that was planned for, and idle."""

from __future__ import annotations

from reconciler.api import TenantReader
from reconciler.apply.waiting import ExecutionWaiter
from reconciler.client import NotFoundException
from reconciler.errors import BlockedError
from reconciler.manifests import WhenRunning
from reconciler.plan import describe, list_tenant
from reconciler.workflow import Live


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
        live = _unchanged(api, planned)
        if not live.running or when_running is WhenRunning.PROCEED:
            return live
        if when_running is WhenRunning.SKIP:
            raise BlockedError("it is running, and reconcile.whenRunning is skip")
        waiter.wait()


def _unchanged(api: TenantReader, planned: Live) -> Live:
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


def ids_of(api: TenantReader, name: str) -> list[int]:
    """Return the ids of the live workflows called `name`, in ascending order.

    Raises:
        ReconcilerError: As the client.
    """
    return [listed.id for listed in list_tenant(api, name)]
