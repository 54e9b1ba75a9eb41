"""Writes that happen exactly once, whatever the network does.

A write whose answer was lost may have taken effect, and so may one that a gateway refused for now (429). So
before it is sent again, the tenant is read: a create is looked up by its name, an update is recognized by a
change of the workflow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from reconciler.api import TenantWriter
from reconciler.apply.preconditions import ids_of, is_gone
from reconciler.apply.report import UnverifiedError, unreachable_after
from reconciler.client import (
    ConflictException,
    NotFoundException,
    RetryPolicy,
    TooManyRequestsException,
    WriteRetry,
    may_be_repeated,
)
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import describe
from reconciler.values import JsonObject
from reconciler.workflow import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A workflow that was created.

    Args:
        id: Its id.
        confirmed: Whether the server answered with its id; else it was found by its name.
        doubted: Whether an earlier try may have created another one, which did not show in time.
    """

    id: int
    confirmed: bool
    doubted: bool


def create_once(api: TenantWriter, name: str, body: JsonObject, policy: RetryPolicy) -> Created:
    """Create the workflow `name`; before a create is sent again, look for what the last one made.

    Raises:
        BlockedError: There is already a live workflow of that name, which the plan did not know.
        ReconcilerError: As the client; no workflow was created.
    """
    appeared = ids_of(api, name)
    if appeared:
        raise _appeared(appeared[0])
    tries = WriteRetry(policy)
    while True:
        try:
            tries.begin()
            identity = int(str(api.create_workflow(body)["id"]))
            return Created(id=identity, confirmed=True, doubted=tries.in_doubt)
        except ConflictException:
            found = _find_created(api, name, policy, policy.settle)
            if found is None:
                raise
            if not tries.in_doubt:
                raise _appeared(found) from None
            return Created(id=found, confirmed=False, doubted=True)
        except ReconcilerError as error:
            again = tries.again(error)
            refused = again and isinstance(error, TooManyRequestsException)
            with unreachable_after("it may have been created"):
                found = _find_created(api, name, policy, policy.settle[:2] if refused else policy.settle)
            if found is not None:
                return Created(id=found, confirmed=False, doubted=True)
            if not again:
                raise


def keep_first(
    api: TenantWriter, name: str, created: Created, is_ours: Callable[[Live], bool], policy: RetryPolicy
) -> int:
    """Keep only the first of several workflows that were created at once under one name; return its id.

    Another run may have created one too, or an earlier try of ours whose answer was lost. Ids grow, so all
    runs agree which one is the first, and each deletes its own later ones.

    Args:
        api: The tenant.
        name: The name.
        created: The one that is known.
        is_ours: Returns whether a workflow is as we sent it, with our owner's tag.
        policy: The limits of tries and waits.

    Raises:
        BlockedError: Another one was first; ours is deleted.
        UnsettledError: The list does not show ours, and so may not show a twin that an earlier try made.
        ReconcilerError: As the client.
    """
    ids = _listed_with(api, name, created, policy)
    first = min([*ids, created.id])
    if first == created.id and not created.doubted:
        return first
    for identity in ids:
        if identity == first:
            continue
        with suppress(NotFoundException):  # its creator has deleted it
            live = describe(api, identity)
            if (created.confirmed and identity == created.id) or is_ours(live):
                delete_once(api, live, policy)
    if first != created.id and not (created.doubted and is_ours(describe(api, first))):
        raise _appeared(first)
    return first


def _listed_with(api: TenantWriter, name: str, created: Created, policy: RetryPolicy) -> list[int]:
    """Return the ids under a name once ours is among them: earlier ones are then listed, too."""
    for pause in policy.settle:
        ids = ids_of(api, name)
        if created.id in ids:
            return ids
        policy.sleep(pause)
    ids = ids_of(api, name)
    if created.doubted and created.id not in ids:
        raise UnverifiedError(
            "the list does not show it yet, so an earlier try may have created a second one of this name",
            hint="Plan again.",
        )
    return ids


def check_name_is_free(api: TenantWriter, name: str, identity: int) -> None:
    """Check that no live workflow other than `identity` has the name that it gets.

    Raises:
        BlockedError: There is one, which the plan did not know.
        ReconcilerError: As the client.
    """
    others = [other for other in ids_of(api, name) if other != identity]
    if others:
        raise _appeared(others[0])


def _appeared(identity: int) -> BlockedError:
    return BlockedError(
        f"a live workflow of this name (id {identity}) appeared after the plan was made", hint="Plan again."
    )


def _find_created(api: TenantWriter, name: str, policy: RetryPolicy, pauses: Iterable[float]) -> int | None:
    """Look more than once for the workflow of a create with a lost answer; return its id, or `None`."""
    for pause in pauses:
        ids = ids_of(api, name)
        if ids:
            return ids[0]
        policy.sleep(pause)
    return next(iter(ids_of(api, name)), None)


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
            with unreachable_after("it may have been updated"):
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
            with unreachable_after("it may have been deleted"):
                if is_gone(api, live):
                    return
                now = describe(api, live.id, live)
            if not now.unchanged_since(live):
                raise BlockedError("it was changed just before the delete", hint="Plan again.") from error
            if not again:
                raise
        else:
            break
    with unreachable_after("it was deleted"):
        _verify_gone(api, live, policy)


def _verify_gone(api: TenantWriter, live: Live, policy: RetryPolicy) -> None:
    for pause in policy.settle:
        if is_gone(api, live):
            return
        policy.sleep(pause)
    if not is_gone(api, live):
        raise UnverifiedError("the delete succeeded, but the workflow is still there", hint="Plan again.")
