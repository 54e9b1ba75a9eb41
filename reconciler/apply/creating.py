"""Create that happens exactly once, with lost answers, a list that lags, and another run at the same time.

The API has no key that makes a create repeatable. So before a create is sent again, the list is searched for
what the last try made. Ids grow, so all runs agree on the first workflow of a name, which stays. A run that
was answered with an id deletes that workflow if it was not the first. A run whose answer was lost looks
through the whole settle time for what it sent: the name, the owner and every field, as they read back. It
deletes each later one that is as it was sent, or a copy of the first. So nothing is deleted that does not
stay under a lower id, unless its own run takes it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.api import TenantReader, TenantWriter
from reconciler.apply.preconditions import described_once_there, ids_of
from reconciler.apply.report import UnverifiedError, unverified_after
from reconciler.apply.writing import appeared, delete_once
from reconciler.client import (
    ConflictException,
    NotFoundException,
    RetryPolicy,
    TooManyRequestsException,
    WriteRetry,
)
from reconciler.errors import ReconcilerError
from reconciler.plan import describe, list_tenant
from reconciler.values import JsonObject, dump_compact
from reconciler.workflow import Live, may_be_cut, name_key

_LOOKS_AFTER_REFUSAL: Final = 2
"""The number of pauses to look for a workflow after a 429, which hardly ever has taken effect."""

_FOUND: Final = (
    "the answer to its create was lost, and it was found by its name; "
    "another run may have created it at the same moment"
)
_UNLISTED: Final = (
    "the list does not show it yet; another run may have created a second one of this name at the same moment"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A workflow that was created.

    Args:
        id: Its id, as the server answered; `None` when the answer was lost, and the list shows the name.
        doubted: Whether an earlier try may have created another one.
    """

    id: int | None
    doubted: bool


def create_once(api: TenantWriter, name: str, body: JsonObject, policy: RetryPolicy) -> Created:
    """Create the workflow `name`; before a create is sent again, look for what the last one made.

    Raises:
        BlockedError: There is already a live workflow of that name, which the plan did not know.
        ReconcilerError: As the client; no workflow was created.
    """
    ids = ids_of(api, name)
    if ids:
        raise appeared(ids[0])
    tries = WriteRetry(policy)
    while True:
        try:
            tries.begin()
            identity = int(str(api.create_workflow(body)["id"]))
            return Created(id=identity, doubted=tries.in_doubt)
        except ConflictException:
            ids = _first_listed(api, name, policy)
            if not ids:
                raise
            if not tries.in_doubt:
                raise appeared(ids[0]) from None
            return Created(id=None, doubted=True)
        except ReconcilerError as error:
            again = tries.again(error)
            refused = again and isinstance(error, TooManyRequestsException)
            with unverified_after("it may have been created"):
                listed = _first_listed(api, name, policy, _LOOKS_AFTER_REFUSAL if refused else None)
                if not listed and not refused:
                    _check_spelling(api, name)
            if listed:
                return Created(id=None, doubted=True)
            if not again:
                raise


def _first_listed(api: TenantReader, name: str, policy: RetryPolicy, pauses: int | None = None) -> list[int]:
    """Return the ids under a name once there are any; none after the last look."""
    for _ in policy.looks(pauses):
        ids = ids_of(api, name)
        if ids:
            return ids
    return []


def _check_spelling(api: TenantReader, name: str) -> None:
    """Check that no live workflow has the name as a platform may spell it.

    The plan found none, so one that there is now was just created.

    Raises:
        UnverifiedError: There is one.
    """
    listed = list_tenant(api)
    longest = max((len(item.name) for item in listed), default=0)
    for item in listed:
        same = item.name != name and name_key(item.name) == name_key(name)
        if same or may_be_cut(name, item.name, longest):
            raise UnverifiedError(
                f"it may have been created under the name {dump_compact(item.name)} (id {item.id})",
                hint=f"If this is the same workflow, write name: {dump_compact(item.name)}; then plan again.",
            )


def keep_first(
    api: TenantWriter, name: str, created: Created, is_as_sent: Callable[[Live], bool], policy: RetryPolicy
) -> tuple[int, tuple[str, ...]]:
    """Keep the first of several workflows that were created at once under one name.

    Args:
        api: The tenant.
        name: The name.
        created: What is known of ours.
        is_as_sent: Returns whether a workflow reads back as we sent it, with our owner's tag.
        policy: The limits of tries and waits.

    Returns:
        The id of the workflow, and notes for the user.

    Raises:
        BlockedError: Another one was first; ours is deleted.
        UnverifiedError: The list does not show ours, and so may not show a twin that an earlier try made.
        ReconcilerError: As the client.
    """
    if created.id is not None and not created.doubted:
        return _keep_confirmed(api, name, created.id, policy)
    ids = _ids_in_doubt(api, name, created, policy)
    if ids == [created.id]:
        return ids[0], ()
    return _keep_one(api, ids, created, is_as_sent, policy), () if created.id is not None else (_FOUND,)


def _keep_confirmed(
    api: TenantWriter, name: str, identity: int, policy: RetryPolicy
) -> tuple[int, tuple[str, ...]]:
    """Keep the one workflow that we made, or delete it if it was not the first."""
    ids = listed_with(api, name, identity, policy)
    first = min([*ids, identity])
    if first == identity:
        return identity, () if identity in ids else (_UNLISTED,)
    live = described_once_there(api, identity, policy)
    if live is not None:
        delete_once(api, live, policy)
    raise appeared(first)


def _ids_in_doubt(api: TenantReader, name: str, created: Created, policy: RetryPolicy) -> list[int]:
    """Return every id under the name that an earlier try of ours may have made.

    Raises:
        UnverifiedError: The list does not show all of them yet.
    """
    if created.id is None:
        return _all_listed(api, name, policy)
    ids = listed_with(api, name, created.id, policy)
    if created.id in ids or _is_taken_back(api, created.id, policy):
        return ids
    raise UnverifiedError(
        "the list does not show it yet, so an earlier try may have created a second one of this name",
        hint="Plan again.",
    )


def _is_taken_back(api: TenantReader, identity: int, policy: RetryPolicy) -> bool:
    """Return whether another run has deleted our workflow as a copy of its own; a describe may lag."""
    for _ in policy.looks():
        try:
            describe(api, identity)
        except NotFoundException:
            return True
    return False


def _keep_one(
    api: TenantWriter,
    ids: list[int],
    created: Created,
    is_as_sent: Callable[[Live], bool],
    policy: RetryPolicy,
) -> int:
    """Keep the first of `ids`, and delete the later ones that we sent or that are copies of it."""
    found = {identity: described_once_there(api, identity, policy) for identity in ids}
    there = [live for live in found.values() if live is not None]
    if not there:
        raise UnverifiedError("it may have been created, and was deleted at once", hint="Plan again.")
    first = there[0]
    for live in there[1:]:
        if live.id == created.id or is_as_sent(live) or _is_copy(live, first):
            delete_once(api, live, policy)
    if first.id != created.id and not is_as_sent(first):
        raise appeared(first.id)
    return first.id


def _is_copy(live: Live, first: Live) -> bool:
    """Return whether a workflow is exactly like the first: then it was made of the same body."""
    return live.ownership == first.ownership and live.body.form == first.body.form


def listed_with(api: TenantReader, name: str, identity: int, policy: RetryPolicy) -> list[int]:
    """Return the ids under a name once `identity` is among them; as listed last, where it never is.

    Then whatever got the name before `identity` did is among them, too.

    Raises:
        ReconcilerError: As the client.
    """
    ids: list[int] = []
    for _ in policy.looks():
        ids = ids_of(api, name)
        if identity in ids:
            break
    return ids


def _all_listed(api: TenantReader, name: str, policy: RetryPolicy) -> list[int]:
    """Return all ids that the list shows under a name during the whole settle time."""
    ids: set[int] = set()
    for _ in policy.looks():
        ids.update(ids_of(api, name))
    return sorted(ids)
