"""Revalidation of a saved plan: the saved actions that a new plan still contains."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.plan import Action, Orphan, Plan, Refusal, Unchanged
from reconciler.planfile.plan_file import PlanFile
from reconciler.planfile.records import same_action
from reconciler.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A saved action that is not valid any more.

    Args:
        name: The workflow's name.
        action: What the saved plan would have done: `create`, `update`, `delete`, `pause` or `resume`.
        reason: Why it is left out.
        done: Whether the workflow is in sync, or deleted, already.
    """

    name: str
    action: str
    reason: str
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revalidated:
    """A saved plan, compared with a new one.

    Args:
        plan: The actions that are still valid.
        dropped: The actions that are not.
        new: The number of changes that only the new plan has.
    """

    plan: Plan
    dropped: tuple[Dropped, ...]
    new: int


def revalidate_plan(saved: PlanFile, fresh: Plan, recorded: Callable[[Action], JsonObject]) -> Revalidated:
    """Return the actions that a saved plan and a new one, made with the same options, have in common.

    Deletes come last: when any other action is dropped, all deletes are. `recorded` returns the record of an
    action.
    """
    actions = [action for action in fresh.actions if not isinstance(action, Unchanged)]
    now = {_key(found): (action, found) for action in actions for found in [recorded(action)]}
    kept: list[Action] = []
    dropped: list[Dropped] = []
    for record in saved.records:
        action, found = now.get(_key(record), (None, None))
        if action is not None and found is not None and same_action(record, found):
            kept.append(action)
        else:
            dropped.append(_dropped(record, fresh))
    if any(item.action != "delete" and not item.done for item in dropped):
        dropped += [_dropped_delete(action) for action in kept if isinstance(action, Orphan)]
        kept = [action for action in kept if not isinstance(action, Orphan)]
    known = {_key(record) for record in saved.records}
    return Revalidated(
        plan=dataclasses.replace(fresh, actions=tuple(kept), orphaned=(), unmanaged=()),
        dropped=tuple(dropped),
        new=sum(key not in known for key in now),
    )


def _key(record: JsonObject) -> tuple[str, str]:
    return str(record["name"]), str(record["id"])


def _dropped(record: JsonObject, fresh: Plan) -> Dropped:
    name, planned = str(record["name"]), str(record["action"])
    for action in fresh.actions:
        if action.name == name and isinstance(action, Unchanged):
            return Dropped(name=name, action=planned, reason="already in sync", done=True)
        if action.name == name and isinstance(action, Refusal):
            return Dropped(name=name, action=planned, reason=action.reason)
    if planned == "delete" and record["id"] not in fresh.live_ids:
        return Dropped(name=name, action=planned, reason="already deleted", done=True)
    return Dropped(name=name, action=planned, reason="the live workflow changed after the plan was made")


def _dropped_delete(action: Action) -> Dropped:
    reason = "deletes come last, and an earlier part of the plan is not valid any more"
    return Dropped(name=action.name, action="delete", reason=reason)
