"""Which part of a saved plan still holds: the actions that planning anew finds as they were saved."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.plan import Action, Orphan, Plan, Refusal, Unchanged
from reconciler.planfile.file import PlanFile
from reconciler.planfile.records import same_action
from reconciler.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A saved action that is left out.

    Args:
        name: The workflow's name.
        action: What was to be done.
        reason: Why it is not.
        done: Whether there is nothing left to do about it.
    """

    name: str
    action: str
    reason: str
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revalidated:
    """What is left of a saved plan.

    Args:
        plan: What still holds.
        left: What does not.
        new: How many changes there are now that the saved plan does not have.
    """

    plan: Plan
    left: tuple[Dropped, ...]
    new: int


def still_holding(saved: PlanFile, fresh: Plan, recorded: Callable[[Action], JsonObject]) -> Revalidated:
    """Return what of the saved plan is to be done: exactly the actions that are in both plans.

    When anything else than a delete is left out, so are all deletes: they come only after all the rest.

    Args:
        saved: The saved plan.
        fresh: The plan as it is now, made with the same options.
        recorded: Makes the record of an action.
    """
    actions = [action for action in fresh.actions if not isinstance(action, Unchanged)]
    now = {_key(found): (action, found) for action in actions for found in [recorded(action)]}
    kept: list[Action] = []
    left: list[Dropped] = []
    for record in saved.records:
        action, found = now.get(_key(record), (None, None))
        if action is not None and found is not None and same_action(record, found):
            kept.append(action)
        else:
            left.append(_left(record, fresh))
    if any(item.action != "delete" and not item.done for item in left):
        left += [_withheld(action) for action in kept if isinstance(action, Orphan)]
        kept = [action for action in kept if not isinstance(action, Orphan)]
    known = {_key(record) for record in saved.records}
    return Revalidated(
        plan=dataclasses.replace(fresh, actions=tuple(kept), unmanaged=()),
        left=tuple(left),
        new=sum(key not in known for key in now),
    )


def _key(record: JsonObject) -> tuple[str, str]:
    return str(record["name"]), str(record["id"])


def _left(record: JsonObject, fresh: Plan) -> Dropped:
    name = str(record["name"])
    was = str(record["action"])
    for action in fresh.actions:
        if action.name == name and isinstance(action, Unchanged):
            return Dropped(name=name, action=was, reason="it is as Git wants already", done=True)
        if action.name == name and isinstance(action, Refusal):
            return Dropped(name=name, action=was, reason=action.reason)
    return Dropped(name=name, action=was, reason="the live workflow changed after the plan was made")


def _withheld(action: Action) -> Dropped:
    reason = "deletes come last, and a part of the plan before them does not hold any more"
    return Dropped(name=action.name, action="delete", reason=reason)
