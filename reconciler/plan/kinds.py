"""Kinds of difference that a plan may hold, by which a caller decides whether it may go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.plan.attribution import count_origins, replaces_webhook
from reconciler.plan.bodies import Method
from reconciler.plan.model import Action, Create, Delete, Plan, Refusal, SetPaused, Update

KINDS: Final = (
    "create",
    "update",
    "replace",
    "rename",
    "delete",
    "pause",
    "resume",
    "webhook",
    "blocked",
    "orphaned",
    "git",
    "drift",
    "conflict",
)
"""Every kind: the actions, a full replacement, a new webhook URL, an orphan, and the origins."""


def kinds_of(plan: Plan) -> frozenset[str]:
    """Return the kinds that occur in `plan`; the origins only where differences are attributed."""
    found = {kind for action in plan.actions for kind in _kinds(action)}
    if any(map(replaces_webhook, plan.actions)):
        found.add("webhook")
    found |= {origin for origin, number in count_origins(plan).items() if number}
    if plan.orphaned:
        found.add("orphaned")
    if plan.refusal:
        found.add("blocked")
    return frozenset(found)


def _kinds(action: Action) -> Iterator[str]:
    match action:
        case Create():
            yield "create"
        case Update():
            yield "update"
            if action.renames:
                yield "rename"
            if action.method is Method.CREATE_OR_UPDATE:
                yield "replace"
            if action.paused is not None:
                yield "pause" if action.paused else "resume"
        case SetPaused():
            yield "pause" if action.paused else "resume"
        case Delete():
            yield "delete"
        case _:
            if isinstance(action, Refusal):
                yield "blocked"
