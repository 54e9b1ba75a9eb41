"""Writes that happen exactly once: whatever the network does, each is sent until it is known to be done.

A write whose answer was lost may have taken effect. So before it is sent again, the tenant is read: a create
is looked up by its name, an update by whether the workflow is still what it was.
"""

from __future__ import annotations

from reconciler.api import TenantWriter
from reconciler.apply.report import UnsettledError
from reconciler.apply.timing import Timing
from reconciler.client.exceptions import ConflictException, NotFoundException, may_have_taken_effect
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import LiveWorkflow
from reconciler.plan.tenant import describe, list_tenant
from reconciler.values import JsonObject


def create_once(api: TenantWriter, name: str, body: JsonObject, timing: Timing) -> int:
    """Create the workflow `name`, never a second one, and return its id.

    Raises:
        BlockedError: There is a live workflow of that name already, which the plan did not know, or another
            run made one at the same moment: then ours is taken back.
        ReconcilerError: As the client; what may have been created was looked for and is not there.
    """
    appeared = _ids(api, name)
    if appeared:
        raise _appeared(appeared[0])
    identity = _created(api, name, body, timing)
    earlier = [other for other in _ids(api, name) if other < identity]
    if earlier:
        # Of two runs that create at once the later one sees both; ids grow, so they agree which goes.
        delete_once(api, describe(api, identity), timing)
        raise _appeared(earlier[0])
    return identity


def _created(api: TenantWriter, name: str, body: JsonObject, timing: Timing) -> int:
    remaining = timing.tries
    while True:
        remaining -= 1
        try:
            return int(str(api.create_workflow(body)["id"]))
        except ConflictException:
            appeared = _ids(api, name)
            if not appeared:
                raise
            raise _appeared(appeared[0]) from None
        except ReconcilerError as error:
            if not may_have_taken_effect(error):
                raise
            found = _looked_for(api, name, timing)
            if found is not None:
                return found
            if remaining <= 0:
                raise


def _appeared(identity: int) -> BlockedError:
    return BlockedError(
        f"a live workflow of this name (id {identity}) appeared after the plan was made", hint="Plan again."
    )


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


def delete_once(api: TenantWriter, live: LiveWorkflow, timing: Timing) -> None:
    """Delete the workflow `live`, which was just read, and see that it is gone.

    Raises:
        ConflictException: It runs.
        BlockedError: Somebody else changed it meanwhile.
        UnsettledError: It was deleted, and is still there.
        ReconcilerError: As the client; the workflow is still there.
    """
    remaining = timing.tries
    while True:
        remaining -= 1
        try:
            api.delete_workflow(live.id)
        except NotFoundException:
            return
        except ReconcilerError as error:
            if not may_have_taken_effect(error):
                raise
            left = _left(api, live.id)
            if left is None:
                return
            if left.fingerprint() != live.fingerprint():
                raise BlockedError("it was changed while it was to be deleted", hint="Plan again.") from error
            if remaining <= 0:
                raise
            timing.sleep(timing.settle[0])
        else:
            _see_gone(api, live.id, timing)
            return


def _see_gone(api: TenantWriter, identity: int, timing: Timing) -> None:
    for pause in timing.settle:
        if _left(api, identity) is None:
            return
        timing.sleep(pause)
    if _left(api, identity) is not None:
        raise UnsettledError("the server says that it was deleted, and still tells of it", hint="Plan again.")


def _left(api: TenantWriter, identity: int) -> LiveWorkflow | None:
    try:
        return describe(api, identity)
    except NotFoundException:
        return None
