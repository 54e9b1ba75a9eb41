"""The words that every format has for an action: its name, its id, how it is carried out."""

from __future__ import annotations

from typing import Final

from reconciler.plan import Action, Create, Delete, Method, Plan, Refusal, SetPaused, Update

ACTIONS: Final = ("create", "update", "rename", "delete", "pause", "resume", "unchanged", "blocked")
"""The names of the actions, in the order in which they are counted."""


def action_name(action: Action) -> str:
    """Return one of `ACTIONS`."""
    match action:
        case Create():
            return "create"
        case Update():
            return "rename" if action.renames else "update"
        case SetPaused():
            return "pause" if action.paused else "resume"
        case Delete():
            return "delete"
    return "blocked" if isinstance(action, Refusal) else "unchanged"


def action_method(action: Action) -> str | None:
    """Return how an action is carried out: `create_or_update`, `patch`, or `None` for neither."""
    match action:
        case Create():
            return Method.CREATE_OR_UPDATE.value
        case Update():
            return action.method.value
        case _:
            return None


def count_actions(plan: Plan) -> dict[str, int]:
    """Return how many actions of each name a plan has."""
    names = [action_name(action) for action in plan.actions]
    return {name: names.count(name) for name in ACTIONS}
