"""The look that comes right before each write: is the workflow still what the plan was made for, and idle?"""

from __future__ import annotations

from reconciler.api import TenantReader
from reconciler.apply.waiting import ExecutionWaiter
from reconciler.client import NotFoundException
from reconciler.errors import BlockedError
from reconciler.manifests import WhenRunning
from reconciler.plan import describe, list_tenant
from reconciler.workflow import Live


class GoneError(BlockedError):
    """The live workflow does not exist any more."""


def ready(api: TenantReader, planned: Live, when_running: WhenRunning, patience: ExecutionWaiter) -> Live:
    """Return the workflow as it is now, once it may be written.

    Args:
        api: The tenant.
        planned: As it was when the plan was made.
        when_running: What is done while it runs.
        patience: How long that is waited for.

    Raises:
        StoppedError: The run was stopped while a run of the workflow was waited for.
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
        patience.wait()


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
    """Return whether a workflow is neither told of nor listed: a 404 alone may be a gateway's.

    Raises:
        ReconcilerError: As the client.
    """
    try:
        describe(api, live.id, live)
    except NotFoundException:
        return live.id not in ids_of(api, live.name)
    return False


def ids_of(api: TenantReader, name: str) -> list[int]:
    """Return the ids of the live workflows called `name`, the first one first.

    Raises:
        ReconcilerError: As the client.
    """
    return [listed.id for listed in list_tenant(api, name)]
