"""Writes that are sent once more without what the API refuses, where that is not of the manifest.

An undocumented field of the live workflow is sent back as it is. A platform that returns it may refuse it all
the same; then the update goes without it, and the report says so. So do tags with digests and marks that are
too long or too many: they are written shorter, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from reconciler.api import TenantWriter
from reconciler.apply.creating import Created, create_once
from reconciler.apply.marks import SentTags
from reconciler.apply.not_as_sent import with_explicit_empties
from reconciler.apply.preconditions import read_unchanged
from reconciler.apply.writing import update_once
from reconciler.client import RetryPolicy, is_refused_for_content
from reconciler.errors import ReconcilerError
from reconciler.values import ABSENT, JsonObject, Path, display_paths, lookup
from reconciler.workflow import Live, lists_by_name, tags_within_limits, without_fields

_TAG: Final = "tag"
_Written = TypeVar("_Written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Generic[_Written]):
    """A write that the API did not refuse.

    Args:
        result: What the write returned.
        tags: The tags that it was sent with.
        left_out: The fields that it was sent without.
    """

    result: _Written
    tags: SentTags
    left_out: tuple[Path, ...] = ()


def create_without_refused(
    api: TenantWriter, name: str, body: JsonObject, policy: RetryPolicy
) -> Accepted[Created]:
    """Create the workflow `name`; takes and raises what `create_once` does."""
    return _accepted(body, (), lambda sent: create_once(api, name, sent, policy))


def update_without_refused(
    api: TenantWriter, live: Live, body: JsonObject, kept: tuple[Path, ...], policy: RetryPolicy
) -> Accepted[None]:
    """Replace the workflow `live`, which was just read, with `body`.

    Each further body is sent after another look: time has passed since the last one.

    Args:
        api: The tenant.
        live: The workflow.
        body: The body.
        kept: The undocumented fields of the workflow that `body` sends back.
        policy: The limits of tries and waits.

    Raises:
        BlockedError: Somebody else changed it meanwhile.
        ReconcilerError: As the client; the workflow is still what it was.
    """

    def write(sent: JsonObject) -> None:
        if sent is not body:
            read_unchanged(api, live)
        update_once(api, live, sent, policy)

    return _accepted(body, kept, write)


def update_with_explicit_empties(  # noqa: PLR0913, PLR0917 - as `update_without_refused`
    api: TenantWriter,
    live: Live,
    body: JsonObject,
    left_out: Iterable[Path],
    kept: tuple[Path, ...],
    policy: RetryPolicy,
) -> Accepted[None]:
    """Replace the workflow `live` with `body`, and empty what it leaves out; without that if it is refused.

    Args:
        api: The tenant.
        live: The workflow, which was just read.
        body: The body.
        left_out: The fields that `body` leaves out, and that the platform would keep.
        kept: The undocumented fields of the workflow that `body` sends back.
        policy: The limits of tries and waits.

    Raises:
        BlockedError: Somebody else changed it meanwhile.
        ReconcilerError: As the client; the workflow is still what it was.
    """
    try:
        update_once(api, live, with_explicit_empties(body, left_out), policy)
    except ReconcilerError as error:
        if not is_refused_for_content(error):
            raise
        return update_without_refused(api, read_unchanged(api, live), body, kept, policy)
    return Accepted(result=None, tags=SentTags.of(body))


def _accepted(
    body: JsonObject, kept: tuple[Path, ...], write: Callable[[JsonObject], _Written]
) -> Accepted[_Written]:
    """Return the write of `body`, or of what comes next to it, that the API does not refuse.

    Raises:
        ReconcilerError: As the write; the first refusal if all are refused.
    """
    try:
        return Accepted(result=write(body), tags=SentTags.of(body))
    except ReconcilerError as error:
        if not is_refused_for_content(error):
            raise
        refusal = error
    for sent, left_out in _alternatives(body, kept, tags_first=_TAG in refusal.message.lower()):
        try:
            return Accepted(result=write(sent), tags=SentTags.of(sent), left_out=left_out)
        except ReconcilerError as error:
            if not is_refused_for_content(error):
                raise
    raise refusal


def _alternatives(
    body: JsonObject, kept: tuple[Path, ...], *, tags_first: bool
) -> Iterator[tuple[JsonObject, tuple[Path, ...]]]:
    """Yield what to send in place of a body that was refused, and the fields that each is without."""
    tagged: list[JsonObject] = [{**body, "tags": tags} for tags in tags_within_limits(body.get("tags"))]
    if tags_first:
        yield from ((sent, ()) for sent in tagged)
    if kept:
        yield from ((without_fields(sent, kept), kept) for sent in (body, *tagged))
    if not tags_first:
        yield from ((sent, ()) for sent in tagged)


def refused_notes(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the note of a report about undocumented fields that the API refused; none without any."""
    if not paths:
        return ()
    return (f"the API refused {display_paths(paths)}, which is not documented; it was updated without it",)


def dropped_notes(live: Live, kept: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the note of a report about undocumented fields that were sent back, and are gone from `live`."""
    found = lists_by_name(live.body.raw)
    gone = [path for path in kept if lookup(found, path) is ABSENT]
    if not gone:
        return ()
    return (f"the platform did not keep {display_paths(gone)}, which is not documented and was sent back",)
