"""Update that is sent once more without what the API refuses, where that is not of the manifest.

An undocumented field of the live workflow is sent back as it is. A platform that returns it may refuse it all
the same; then the update goes without it, and the report says so.
"""

from __future__ import annotations

from reconciler.api import TenantWriter
from reconciler.apply.writing import update_once
from reconciler.client import RetryPolicy, is_refused_for_content
from reconciler.errors import ReconcilerError
from reconciler.values import ABSENT, JsonObject, Path, display_paths, lookup
from reconciler.workflow import Live, kept_fields, lists_by_name, without_fields


def update_without_refused(
    api: TenantWriter, live: Live, body: JsonObject, policy: RetryPolicy
) -> tuple[Path, ...]:
    """Replace the workflow `live`, which was just read, with `body`; return the fields that were left out.

    Raises:
        BlockedError: Somebody else changed it meanwhile.
        ReconcilerError: As the client; the workflow is still what it was.
    """
    try:
        update_once(api, live, body, policy)
    except ReconcilerError as error:
        kept = kept_fields(body, live.body.sendable)
        if not kept or not is_refused_for_content(error):
            raise
        update_once(api, live, without_fields(body, kept), policy)
        return tuple(kept)
    return ()


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
