"""Updates and deletes that happen exactly once, whatever the network does.

A write whose answer was lost may have taken effect, and so may one that a gateway refused for now (429). So
before it is sent again, the workflow is read: an update is recognized by a change of it.
"""

from __future__ import annotations

from contextlib import suppress

from reconciler.api import TenantWriter
from reconciler.apply.preconditions import ids_of, is_gone
from reconciler.apply.report import UnverifiedError, unverified_after
from reconciler.client import (
    NotFoundException,
    RetryPolicy,
    WriteRetry,
    may_be_repeated,
)
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import describe
from reconciler.values import JsonObject
from reconciler.workflow import Live


def check_name_is_free(api: TenantWriter, name: str, identity: int) -> None:
    """Check that no live workflow other than `identity` has the name that it gets.

    Raises:
        BlockedError: There is one, which the plan did not know.
        ReconcilerError: As the client.
    """
    others = [other for other in ids_of(api, name) if other != identity]
    if others:
        raise appeared(others[0])


def appeared(identity: int) -> BlockedError:
    """Return the error for a live workflow whose name the plan took for free."""
    return BlockedError(
        f"a live workflow of this name (id {identity}) appeared after the plan was made", hint="Plan again."
    )


def update_once(api: TenantWriter, live: Live, body: JsonObject, policy: RetryPolicy) -> None:
    """Replace the workflow `live`, which was just read, with `body`.

    Raises:
        BlockedError: Somebody else changed it meanwhile.
        ReconcilerError: As the client; the workflow is still what it was.
    """
    tries = WriteRetry(policy)
    while True:
        try:
            tries.begin()
            api.update_workflow(live.id, body)
        except ReconcilerError as error:
            if tries.in_doubt and not may_be_repeated(error):
                if _changes(api, live, policy):
                    return  # this try was refused, and one before it took effect after all
                raise
            again = tries.again(error)
            with unverified_after("it may have been updated"):
                now = describe(api, live.id, live)
            if not now.unchanged_since(live):
                return  # it took effect, or somebody else changed it: reading back shows
            if not again:
                raise
        else:
            return


def _changes(api: TenantWriter, live: Live, policy: RetryPolicy) -> bool:
    """Return whether a workflow shows a change, with more than one look."""
    for pause in policy.settle:
        if not describe(api, live.id, live).unchanged_since(live):
            return True
        policy.sleep(pause)
    return not describe(api, live.id, live).unchanged_since(live)


def delete_once(api: TenantWriter, live: Live, policy: RetryPolicy) -> None:
    """Delete the workflow `live`, which was just read, and verify that it is gone.

    Raises:
        ConflictException: It runs.
        BlockedError: Somebody else changed it meanwhile.
        UnsettledError: It was deleted, and is still there.
        ReconcilerError: As the client; the workflow is still there.
    """
    tries = WriteRetry(policy)
    while True:
        try:
            tries.begin()
            api.delete_workflow(live.id)
        except NotFoundException:
            break  # somebody else deleted it, or a gateway answered: the next read shows
        except ReconcilerError as error:
            again = tries.again(error)
            described = _is_described(api, live, error)
            if not again and described:
                raise
            if not again:
                break
        else:
            break
    with unverified_after("it was deleted"):
        _verify_gone(api, live, policy)


def _is_described(api: TenantWriter, live: Live, failure: ReconcilerError) -> bool:
    """Return whether a workflow is still described after a delete whose answer was lost.

    If it is not, that proves nothing of one that was just created: only another delete answers for sure.

    Raises:
        BlockedError: Somebody else changed it meanwhile.
    """
    with unverified_after("it may have been deleted"), suppress(NotFoundException):
        if not describe(api, live.id, live).unchanged_since(live):
            raise BlockedError("it was changed just before the delete", hint="Plan again.") from failure
        return True
    return False


def _verify_gone(api: TenantWriter, live: Live, policy: RetryPolicy) -> None:
    for pause in policy.settle:
        if is_gone(api, live):
            return
        policy.sleep(pause)
    if not is_gone(api, live):
        raise UnverifiedError("the delete succeeded, but the workflow is still there", hint="Plan again.")
