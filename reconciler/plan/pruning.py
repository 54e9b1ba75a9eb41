"""Pruning: which owned workflows go away because Git has no manifest for them any more, within the limits."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from reconciler.plan.live import LiveWorkflow
from reconciler.plan.model import BlockedDelete, Delete
from reconciler.plan.scope import Scope

_RUNNING_NOTE = "it is running; the delete waits until its run has ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """The owned workflows that no manifest means, and what the limits are measured by.

    Args:
        owner: Who owns them.
        workflows: They.
        owned: How many workflows this owner has in all.
        any_manifest: Whether Git has any workflow at all.
    """

    owner: str
    workflows: tuple[LiveWorkflow, ...]
    owned: int
    any_manifest: bool


def prune(leftovers: Orphans, scope: Scope, allow_protected: frozenset[str]) -> list[Delete | BlockedDelete]:
    """Return what becomes of the leftovers that the run is about.

    The limits count what the globs take in, all parts of it: so a run in parts deletes no more.

    Args:
        leftovers: The owned workflows that no manifest means.
        scope: What the run is about, and the limits.
        allow_protected: The names of protected workflows that may go.
    """
    named = [live for live in leftovers.workflows if scope.selection.names(live.name)]
    refused = {live.id: _refusal(live, leftovers, allow_protected) for live in named}
    deletes = sum(not reason for reason in refused.values())
    past_limit = scope.safety.deletes_refused(deletes, leftovers.owned, scope.allow_deletes)
    chosen = (live for live in named if scope.selection.takes(live.name))
    return [_action(live, refused[live.id] or past_limit) for live in chosen]


def _action(live: LiveWorkflow, reason: str) -> Delete | BlockedDelete:
    if reason:
        return BlockedDelete(live=live, reason=reason)
    warnings = ("its webhook URL goes away for good; whoever calls it fails",) if live.webhooks else ()
    return Delete(live=live, warnings=warnings, notes=(_RUNNING_NOTE,) if live.running else ())


def _refusal(live: LiveWorkflow, leftovers: Orphans, allow_protected: frozenset[str]) -> str:
    others = live.marks.others(leftovers.owner)
    if others:
        return f"it is owned by {', '.join(others)} as well; let only one tag reconciler-owner-… stay"
    if live.marks.protected and live.name not in allow_protected:
        return (
            "it is protected (prevent_delete), also without its manifest; "
            f"if it is meant: --allow-protected {shlex.quote(live.name)}"
        )
    if not leftovers.any_manifest:
        return "there is not one workflow manifest: pruning never empties a tenant because of missing files"
    return ""
