"""Writes that happen exactly once: whatever the network does, each is sent until it is known to be done.

A write whose answer was lost may have taken effect. So before it is sent again, the tenant is read: a create
is looked up by its name, an update by whether the workflow is still what it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.api import TenantWriter
from reconciler.client.exceptions import may_have_taken_effect
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import LiveWorkflow
from reconciler.plan.tenant import describe, list_tenant
from reconciler.values import JsonObject


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
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    tries: int = 4
    settle: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)
    poll: float = 2.0
    wait_running: float = 1800.0


def create_once(api: TenantWriter, name: str, body: JsonObject, timing: Timing) -> int:
    """Create the workflow `name`, never a second one, and return its id.

    Raises:
        BlockedError: There is a live workflow of that name already, which the plan did not know.
        ReconcilerError: As the client; what may have been created was looked for and is not there.
    """
    if _ids(api, name):
        raise BlockedError(
            f"a live workflow of this name (id {_ids(api, name)[0]}) appeared after the plan was made",
            hint="Plan again.",
        )
    remaining = timing.tries
    while True:
        remaining -= 1
        try:
            return int(str(api.create_workflow(body)["id"]))
        except ReconcilerError as error:
            if not may_have_taken_effect(error):
                raise
            found = _looked_for(api, name, timing)
            if found is not None:
                return found
            if remaining <= 0:
                raise


def _looked_for(api: TenantWriter, name: str, timing: Timing) -> int | None:
    """Return the id of the workflow that a create with a lost answer made, looked for more than once."""
    for pause in timing.settle[:2]:
        ids = _ids(api, name)
        if ids:
            return ids[0]
        timing.sleep(pause)
    return next(iter(_ids(api, name)), None)


def _ids(api: TenantWriter, name: str) -> list[int]:
    return [listed.id for listed in list_tenant(api, name)]


def update_once(api: TenantWriter, live: LiveWorkflow, body: JsonObject, timing: Timing) -> None:
    """Replace the workflow `live`, which was just read, by `body`.

    Raises:
        BlockedError: Somebody else changed it meanwhile.
        ReconcilerError: As the client; the workflow is still what it was.
    """
    remaining = timing.tries
    while True:
        remaining -= 1
        try:
            api.update_workflow(live.id, body)
        except ReconcilerError as error:
            if not may_have_taken_effect(error):
                raise
            if describe(api, live.id).fingerprint() != live.fingerprint():
                return  # it took effect, or somebody else changed it: reading back tells
            if remaining <= 0:
                raise
            timing.sleep(timing.settle[0])
        else:
            return
