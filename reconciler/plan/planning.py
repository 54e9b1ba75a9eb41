"""From what Git wants and what the tenant told to a plan: the pure middle.

Sees no file, socket or clock; the same input always gives the same plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest
from reconciler.plan.bodies import desired_body, sent_body
from reconciler.plan.comparing import Tenancy, returned_fields, tokens_left_out
from reconciler.plan.deciding import Difference
from reconciler.plan.live import Listed, LiveWorkflow
from reconciler.plan.masking import masked, paused_change, sensitive_fields
from reconciler.plan.matching import Found, Match, New, Refused
from reconciler.plan.model import (
    Action,
    Blocked,
    Create,
    Delete,
    Method,
    Orphan,
    Plan,
    SetPaused,
    Update,
    live_id,
)
from reconciler.plan.owning import ownership_after
from reconciler.plan.pruning import prune
from reconciler.plan.renaming import with_rename_hints
from reconciler.plan.scope import Scope
from reconciler.plan.snapshot import Snapshot
from reconciler.values import ABSENT, JsonObject
from reconciler.workflow import hoisted_form
from reconciler.workflow.diff import FieldChange, leaves
from reconciler.workflow.ownership import Ownership
from reconciler.workflow.sent_digests import Digester, SentDigests, write_only_field


def make_plan(snapshot: Snapshot, tenancy: Tenancy, scope: Scope | None = None) -> Plan:
    """Return the plan that makes the tenant match the manifests.

    Args:
        snapshot: What was read.
        tenancy: The key and the choices of the run; what the tenant tells is found out here.
        scope: What the run is about, and how far it may go.
    """
    scope = scope or Scope()
    tenancy = learn(tenancy, snapshot.live.values())
    chosen = [pair for pair in snapshot.matches if scope.selection.takes(pair[0].name)]
    actions = [_action(manifest, match, snapshot, tenancy) for manifest, match in chosen]
    pruned = prune(snapshot.leftovers, scope, tenancy.allow_protected) if snapshot.leftovers else []
    going = {action.live.id for action in pruned}
    return Plan(
        actions=_ordered(with_rename_hints([*pruned, *actions])),
        untold=tenancy.untold,
        unmanaged=_unmanaged(snapshot, going) if scope.show_unmanaged else (),
        unselected=len(snapshot.matches) - len(chosen),
        refusal=scope.safety.changes_refused(_changes(actions, pruned), _existing(actions, pruned)),
    )


def _ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """What goes away first, then by name: what cannot be undone is read first."""
    return tuple(sorted(actions, key=lambda action: (not isinstance(action, Orphan), action.name)))


def _unmanaged(snapshot: Snapshot, going: set[int]) -> tuple[Listed, ...]:
    left = (item for item in snapshot.unmanaged if item.id not in going)
    return tuple(sorted(left, key=lambda item: (item.name, item.id)))


def _changes(actions: Iterable[Action], pruned: Iterable[Action]) -> int:
    changing = (Update, SetPaused, Delete)
    return sum(isinstance(action, changing) for action in (*actions, *pruned))


def _existing(actions: Iterable[Action], pruned: Iterable[Action]) -> int:
    return sum(live_id(action) is not None for action in (*actions, *pruned))


def learn(tenancy: Tenancy, live: Iterable[LiveWorkflow]) -> Tenancy:
    """Return `tenancy` with what the given live workflows show of what the platform tells."""
    told, untold = set(tenancy.told), set(tenancy.untold)
    for workflow in live:
        shown, kept_back = returned_fields(workflow.body, tenancy.key, workflow.name)
        told |= shown
        untold |= kept_back
    return dataclasses.replace(tenancy, told=frozenset(told), untold=frozenset(untold))


def _action(manifest: Manifest, match: Match, snapshot: Snapshot, tenancy: Tenancy) -> Action:
    match match:
        case New():
            return _create(manifest, tenancy)
        case Refused(reason):
            return Blocked(manifest=manifest, reason=reason)
        case Found(identity):
            live = snapshot.live[identity]
            try:
                return Difference(manifest, live, snapshot.default_resource, tenancy).action()
            except ReconcilerError as error:
                return Blocked(manifest=manifest, reason=error.message, id=live.id)


def _create(manifest: Manifest, tenancy: Tenancy) -> Create:
    desired = desired_body(manifest, None)
    sensitive = sensitive_fields(manifest, desired)
    form = hoisted_form(desired)
    marks = ownership_after(manifest, Ownership(), tenancy)
    paused = manifest.settings.paused is True
    fields = [
        FieldChange(path=path, before=ABSENT, after=value) for path, value in sorted(leaves(form), key=str)
    ]
    changes = [*fields, *paused_change(before=ABSENT, after=paused)] if paused else fields
    memory = predicted_digests(form, manifest.wanted_name, tenancy)
    return Create(
        manifest=manifest,
        sensitive=sensitive,
        desired=desired,
        body=sent_body(Method.CREATE_OR_UPDATE, desired, None, memory, marks),
        changes=tuple(masked(change, sensitive) for change in changes),
        marks=marks,
        pause=paused,
    )


def predicted_digests(form: JsonObject, name: str, tenancy: Tenancy) -> SentDigests:
    """Return what will have to be remembered of a workflow with the canonical form `form`.

    Only a guess from what is known of the platform; what reading back shows is what counts.
    """
    stated = [*leaves(form), *((path, None) for path in tokens_left_out(form))]
    fields = [(path, value) for path, value in stated if write_only_field(path) in tenancy.untold]
    return Digester(tenancy.key, name).memory(fields) if tenancy.remember else SentDigests()
