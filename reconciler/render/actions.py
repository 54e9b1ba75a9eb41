"""Words for actions and results: names, methods, verbs and states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from reconciler.plan import Action, Create, Delete, Method, Plan, Refusal, SetPaused, Update

ACTIONS: Final = ("create", "update", "rename", "delete", "pause", "resume", "unchanged", "blocked")
"""The names of the actions, in the order in which outputs count them."""


class ActionWords(NamedTuple):
    """The words for an action while it runs and when it is done, and its sign and colour in a plan."""

    running: str
    done: str
    sign: str
    colour: str


WORDS: Final = {
    "create": ActionWords("creating", "created", "+", "green"),
    "update": ActionWords("updating", "updated", "~", "yellow"),
    "rename": ActionWords("renaming", "renamed", "~", "yellow"),
    "delete": ActionWords("deleting", "deleted", "-", "red"),
    "pause": ActionWords("pausing", "paused", "=", "cyan"),
    "resume": ActionWords("resuming", "resumed", "=", "cyan"),
    "blocked": ActionWords("blocked", "blocked", "!", "red"),
}
"""The words for each action of a plan that has a line of its own."""


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
    """Return `create_or_update` or `patch`; `None` for an action that sends no body."""
    match action:
        case Create():
            return Method.CREATE_OR_UPDATE.value
        case Update():
            return action.method.value
        case _:
            return None


def status_word(status: str) -> str:
    """Return the word for people for the status of a result, given as its JSON value."""
    return "skipped" if status == "not_tried" else status


def count_actions(plan: Plan) -> dict[str, int]:
    """Return the number of actions of a plan by name, for every name in `ACTIONS`."""
    names = [action_name(action) for action in plan.actions]
    counts = {name: names.count(name) for name in ACTIONS}
    return {**counts, "unchanged": counts["unchanged"] + plan.in_sync}


def summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sums of several counts, in the order of their keys."""
    sums: dict[str, int] = {}
    for each in counts:
        for key, number in each.items():
            sums[key] = sums.get(key, 0) + number
    return sums
