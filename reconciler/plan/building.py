"""From what Git wants and what the tenant told to a plan: the pure middle.

Sees no file, socket or clock; the same input always gives the same plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.canonical import lifted_form
from reconciler.diff import FieldChange, leaves
from reconciler.errors import ReconcilerError
from reconciler.manifests import Manifest
from reconciler.memory import Digester, Memory, untold_kind
from reconciler.plan.bodies import desired_body, sent_body
from reconciler.plan.comparing import Tenancy, tokens_left_out, told_kinds
from reconciler.plan.difference import Difference
from reconciler.plan.masking import masked, paused_change, sensitive_fields
from reconciler.plan.matching import Found, Match, New, Refused
from reconciler.plan.model import Action, Blocked, Create, LiveWorkflow, Method, Plan
from reconciler.values import ABSENT, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was read for a plan.

    Args:
        matches: Each manifest, and which live workflow it means.
        live: The live workflows that are meant, by id.
        default_resource: The tenant's default resource; empty where it cannot matter.
    """

    matches: tuple[tuple[Manifest, Match], ...]
    live: dict[int, LiveWorkflow]
    default_resource: JsonObject


def make_plan(snapshot: Snapshot, tenancy: Tenancy) -> Plan:
    """Return the plan that makes the tenant match the manifests.

    Args:
        snapshot: What was read.
        tenancy: The key and the choices of the run; what the tenant tells is found out here.
    """
    tenancy = learn(tenancy, snapshot.live.values())
    actions = [_action(manifest, match, snapshot, tenancy) for manifest, match in snapshot.matches]
    return Plan(actions=tuple(sorted(actions, key=lambda action: action.name)), untold=tenancy.untold)


def learn(tenancy: Tenancy, live: Iterable[LiveWorkflow]) -> Tenancy:
    """Return `tenancy` with what the given live workflows show of what the platform tells."""
    told, untold = set(tenancy.told), set(tenancy.untold)
    for workflow in live:
        shown, kept_back = told_kinds(workflow.body, tenancy.key, workflow.name)
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
    form = lifted_form(desired)
    paused = manifest.settings.paused is True
    fields = [
        FieldChange(path=path, before=ABSENT, after=value) for path, value in sorted(leaves(form), key=str)
    ]
    changes = [*fields, *paused_change(before=ABSENT, after=paused)] if paused else fields
    memory = predicted_memory(form, manifest.wanted_name, tenancy)
    return Create(
        manifest=manifest,
        sensitive=sensitive,
        desired=desired,
        body=sent_body(Method.CREATE_OR_UPDATE, desired, None, memory),
        changes=tuple(masked(change, sensitive) for change in changes),
        pause=paused,
    )


def predicted_memory(form: JsonObject, name: str, tenancy: Tenancy) -> Memory:
    """Return what will have to be remembered of a workflow with the canonical form `form`.

    Only a guess from what is known of the platform; what reading back shows is what counts.
    """
    stated = [*leaves(form), *((path, None) for path in tokens_left_out(form))]
    fields = [(path, value) for path, value in stated if untold_kind(path) in tenancy.untold]
    return Digester(tenancy.key, name).memory(fields) if tenancy.remember else Memory()
