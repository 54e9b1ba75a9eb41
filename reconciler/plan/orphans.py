"""Orphans: owned workflows without a manifest, their deletes, and hints at renames. Pure."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.plan.model import Action, BlockedDelete, Create, Delete
from reconciler.plan.scope import Scope
from reconciler.values import dump_compact
from reconciler.workflow import Body, ComparableForms, Live, leaves

_RUNNING_NOTE = "it is running; the delete waits for the execution to end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
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
    refused = {live.id: _refusal(live, orphans, allow_protected) for live in named}
    deletes = sum(not reason for reason in refused.values())
    past_limit = scope.safety.deletes_refused(deletes, orphans.owned, scope.allow_deletes)
    chosen = (live for live in named if scope.selection.takes(live.name))
    return [_action(live, refused[live.id] or past_limit) for live in chosen]


def _action(live: Live, reason: str) -> Delete | BlockedDelete:
    if reason:
        return BlockedDelete(live=live, reason=reason)
    warnings = ("its webhook URL is deleted permanently; calls to it will fail",) if live.webhooks else ()
    return Delete(live=live, warnings=warnings, notes=(_RUNNING_NOTE,) if live.running else ())


def _refusal(live: Live, orphans: Orphans, allow_protected: frozenset[str]) -> str:
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


_NEAR: Final = 0.8
"""The fraction of equal fields from which two workflows are taken for one that was renamed."""

_MOST_PAIRS: Final = 2_500
"""The number of pairs beyond which none is looked for: a plan with more is not a single rename."""


def with_rename_hints(actions: Sequence[Action]) -> list[Action]:
    """Return `actions`, with a warning at each create and delete that are nearly equal."""
    creates = [action for action in actions if isinstance(action, Create)]
    deletes = [action for action in actions if isinstance(action, Delete | BlockedDelete)]
    if len(creates) * len(deletes) > _MOST_PAIRS:
        return list(actions)
    pairs = _pairs(creates, deletes)
    hints = {id(create): _hint(create, delete) for create, delete in pairs}
    hints |= {id(delete): _hint(create, delete) for create, delete in pairs}
    return [
        dataclasses.replace(action, warnings=(*action.warnings, hints[id(action)]))
        if id(action) in hints
        else action
        for action in actions
    ]


def _pairs(
    creates: Sequence[Create], deletes: Sequence[Delete | BlockedDelete]
) -> list[tuple[Create, Delete | BlockedDelete]]:
    """Return the pairs that are nearly equal, each workflow in one pair at most."""
    found = [
        (_likeness(create.desired.body, delete.live.body), create, delete)
        for create in creates
        for delete in deletes
    ]
    chosen: list[tuple[Create, Delete | BlockedDelete]] = []
    taken: set[int] = set()
    for likeness, create, delete in sorted(found, key=lambda pair: -pair[0]):
        if likeness >= _NEAR and not taken & {id(create), id(delete)}:
            chosen.append((create, delete))
            taken |= {id(create), id(delete)}
    return chosen


def is_nearly_equal(desired: Body, live: Body) -> bool:
    """Return whether two workflows are nearly equal in all but their names."""
    return _likeness(desired, live) >= _NEAR


def _likeness(desired: Body, live: Body) -> float:
    forms = ComparableForms(live, desired)
    old, new = (
        {(path, dump_compact(value)) for path, value in leaves(form) if path != ("name",)}
        for form in (forms.live, forms.desired)
    )
    return len(old & new) / max(len(old), len(new), 1)


def _hint(create: Create, delete: Delete | BlockedDelete) -> str:
    former = dump_compact(delete.name)
    return (
        f"{dump_compact(create.name)} and {former} are nearly equal; if this is a rename, add to the "
        f"manifest reconcile: {{renamedFrom: [{former}]}}, and the workflow keeps its id, history and URL"
    )
