"""Planner: makes a plan from manifests and a snapshot of the tenant. Pure.

Sees no file, socket or clock; the same input always gives the same plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from reconciler.manifests import Manifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.deciding import decide_create
from reconciler.plan.matching import Found, Match, New, Refused
from reconciler.plan.model import (
    Action,
    Blocked,
    Create,
    Delete,
    Orphan,
    Plan,
    SetPaused,
    Unchanged,
    Update,
    live_id,
    may_remove_note,
)
from reconciler.plan.orphans import prune
from reconciler.plan.platform_facts import PlatformFacts
from reconciler.plan.rename_hints import is_nearly_equal, with_rename_hints
from reconciler.plan.scope import Scope
from reconciler.plan.tenant import Snapshot, names_of
from reconciler.values import Path, dump_compact
from reconciler.workflow import Listed, Live, shown_fields, unreturned_fields


def make_plan(snapshot: Snapshot, options: CompareOptions, scope: Scope | None = None) -> Plan:
    """Return the plan that makes the tenant match the manifests.

    Args:
        snapshot: What was read of the tenant.
        options: The choices of the run.
        scope: The workflows of the run, and its limits.

    Raises:
        ReconcilerError: The default resource is needed, and the platform refused to return it.
    """
    scope = scope or Scope()
    selection = scope.selection.resolved(names_of(snapshot.matches, snapshot.unmanaged))
    scope = scope._replace(selection=selection)
    facts = snapshot.facts
    chosen = [pair for pair in snapshot.matches if selection.takes(pair[0].name)]
    actions: list[Action] = [
        Unchanged(manifest=manifest, id=match.id)
        if isinstance(match, Found) and match.id in snapshot.known
        else _action(manifest, match, snapshot, options, facts)
        for manifest, match in chosen
    ]
    actions = _with_notes(_with_unreturned(actions, snapshot), snapshot)
    pruned = prune(snapshot.orphans, scope, options.allow_protected) if snapshot.orphans else []
    going = {action.live.id for action in pruned}
    return Plan(
        actions=_ordered(_with_hints([*pruned, *actions], snapshot, options, scope)),
        facts=facts,
        orphaned=_by_name(
            item for item in snapshot.orphaned if item.id not in going and selection.takes(item.name)
        ),
        unmanaged=_unmanaged(snapshot) if scope.show_unmanaged else (),
        unselected=len(snapshot.matches) - len(chosen),
        refusal=scope.safety.changes_refused(_changes(actions, pruned), _existing(actions, pruned)),
        live_ids=frozenset(snapshot.listing.by_id),
    )


def _is_same(create: Create, live: Live) -> bool:
    """Return whether a workflow whose name may be cut is the one that a manifest wants to create."""
    owned = bool(create.ownership.owners & live.ownership.owners)
    return owned or is_nearly_equal(create.desired.body, live.body)


def _cut_name(live: Live) -> str:
    return (
        f"the live workflow {live.id} has the beginning of this name, and seems to be the same one: "
        f"the platform may cut names at {len(live.name)} characters; write name: {dump_compact(live.name)}, "
        f"or rename it with reconcile: {{renamedFrom: [{dump_compact(live.name)}]}}"
    )


def _with_unreturned(actions: list[Action], snapshot: Snapshot) -> list[Action]:
    """Return `actions` with what each patch may remove: fields that no workflow of the run shows."""
    patches = [each for each in actions if isinstance(each, Update) and not each.desired.owns_all]
    if not patches:
        return actions
    shown = set[Path]().union(*(shown_fields(live.body.raw) for live in snapshot.live.values()))
    found = {id(each): unreturned_fields(each.live.body.raw, each.body, shown) for each in patches}
    return [
        dataclasses.replace(each, may_remove=paths, notes=(*each.notes, may_remove_note(paths)))
        if isinstance(each, Update) and (paths := found.get(id(each), ()))
        else each
        for each in actions
    ]


def _with_notes(actions: list[Action], snapshot: Snapshot) -> list[Action]:
    """Return `actions` with the remarks on their manifests, where they send something."""
    return [
        dataclasses.replace(each, notes=(*each.notes, *snapshot.notes[each.name]))
        if isinstance(each, Create | Update) and each.name in snapshot.notes
        else each
        for each in actions
    ]


def _ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return deletes first, then the rest by name: what cannot be undone is read first."""
    return tuple(sorted(actions, key=lambda action: (not isinstance(action, Orphan), action.name)))


def _with_hints(
    actions: Sequence[Action], snapshot: Snapshot, options: CompareOptions, scope: Scope
) -> list[Action]:
    owned = {item.id for item in snapshot.orphaned}
    going = {action.live.id for action in actions if isinstance(action, Orphan)}
    if not scope.whole:
        return list(actions)
    orphaned = (snapshot.live[item] for item in sorted(owned - going) if item in snapshot.live)
    unowned = [item for item in snapshot.unmanaged if item.id not in owned and not _others(item, options)]
    return with_rename_hints(actions, orphaned, unowned)


def _others(item: Listed, options: CompareOptions) -> list[str]:
    return [] if item.ownership is None else item.ownership.others(options.owner)


def _unmanaged(snapshot: Snapshot) -> tuple[Listed, ...]:
    owned = {item.id for item in snapshot.orphaned}
    return _by_name(item for item in snapshot.unmanaged if item.id not in owned)


def _by_name(items: Iterable[Listed]) -> tuple[Listed, ...]:
    return tuple(sorted(items, key=lambda item: (item.name, item.id)))


def _changes(actions: Iterable[Action], pruned: Iterable[Action]) -> int:
    changing = (Update, SetPaused, Delete)
    return sum(isinstance(action, changing) for action in (*actions, *pruned))


def _existing(actions: Iterable[Action], pruned: Iterable[Action]) -> int:
    return sum(live_id(action) is not None for action in (*actions, *pruned))


def _action(
    manifest: Manifest, match: Match, snapshot: Snapshot, options: CompareOptions, facts: PlatformFacts
) -> Action:
    match match:
        case New(cut):
            create = decide_create(manifest, options, facts)
            live = None if cut is None else snapshot.live.get(cut)
            if live is not None and _is_same(create, live):
                return Blocked(manifest=manifest, reason=_cut_name(live), id=live.id)
            return create
        case Refused(reason):
            return Blocked(manifest=manifest, reason=reason)
        case Found(identity) if identity in snapshot.refusals:
            reason = f"the platform refuses to describe it: {snapshot.refusals[identity].message}"
            return Blocked(manifest=manifest, reason=reason, id=identity)
        case Found(identity):
            return snapshot.read[identity].action_for(manifest, options, facts)
