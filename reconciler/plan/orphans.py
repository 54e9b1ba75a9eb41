"""Orphans: owned workflows without a manifest, and their deletes. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.plan.model import BlockedDelete, Delete
from reconciler.plan.scope import Scope
from reconciler.workflow import Live

_RUNNING_NOTE = "it is running; the delete waits for the execution to end"


class Orphans(NamedTuple):
    """The owned workflows that no longer have a manifest, and what their limits are measured by.

    Args:
        owner: Who owns them.
        workflows: The workflows.
        owned: The number of workflows that this owner has in all.
        any_manifest: Whether Git has any workflow at all.
    """

    owner: str
    workflows: tuple[Live, ...]
    owned: int
    any_manifest: bool


def prune(orphans: Orphans, scope: Scope, allow_protected: frozenset[str]) -> list[Delete | BlockedDelete]:
    """Return the actions for the orphans that the run is about.

    The limits count what the globs select, in all shards: so a run in shards deletes no more.

    Args:
        orphans: The owned workflows that no longer have a manifest.
        scope: The workflows of the run, and the limits.
        allow_protected: The names of protected workflows that may be deleted.
    """
    named = [live for live in orphans.workflows if scope.selection.names(live.name)]
    refused = {live.id: _refusal(live, orphans, allow_protected, scope.left_out) for live in named}
    deletes = sum(not reason for reason in refused.values())
    past_limit = scope.safety.deletes_refused(deletes, orphans.owned, scope.allow_deletes)
    chosen = (live for live in named if scope.selection.takes(live.name))
    return [_action(live, refused[live.id] or past_limit) for live in chosen]


def _action(live: Live, reason: str) -> Delete | BlockedDelete:
    if reason:
        return BlockedDelete(live=live, reason=reason)
    warnings = ("its webhook URL is deleted permanently; calls to it will fail",) if live.webhooks else ()
    return Delete(live=live, warnings=warnings, notes=(_RUNNING_NOTE,) if live.running else ())


def _refusal(
    live: Live, orphans: Orphans, allow_protected: frozenset[str], left_out: Mapping[str, str]
) -> str:
    if live.name in left_out:
        file = left_out[live.name]
        return f"{file} names it, looks like a manifest and is not read; rename or remove that file"
    others = live.ownership.others(orphans.owner)
    if others:
        return f"it is also owned by {', '.join(others)}; remove all but one of its tags reconciler-owner-…"
    if live.ownership.protected and live.name not in allow_protected:
        return (
            "it is protected (prevent_delete), although its manifest is gone; "
            f"to delete it, pass --allow-protected {shlex.quote(live.name)}"
        )
    if not orphans.any_manifest:
        return (
            "there is no workflow manifest at all: pruning never empties a tenant because files are missing"
        )
    return ""
