"""Workflow bodies as the API accepts them: the check of a sent body, and readers of its parts.

As tolerant as the platform must be to take back what it returned: unknown keys pass, and so does `env` as a
list of one-key maps. Nothing here is stored or sent.
"""

from __future__ import annotations

import math
from typing import Final

from reconciler.emulator.state import HttpError
from reconciler.values import JsonObject, JsonValue, as_list, as_object

_MAX_DEPTH: Final = 60


def copy_json(value: JsonValue, depth: int = 0) -> JsonValue:
    """Return a deep copy of `value`.

    Raises:
        HttpError: 400 when it is nested too deeply to be a workflow, or has an infinite number.
    """
    if depth > _MAX_DEPTH:
        raise HttpError(400, f"the body is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {key: copy_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise HttpError(400, "the body has a number that is too large")
    return value


def check_body(body: JsonObject, *, name: str | None = None) -> JsonObject:
    """Return a private copy of a sent `body` if the API would accept it.

    A body without a name gets `name`; when that is None, a name is required.

    Raises:
        HttpError: 400, with the problem.
    """
    checked = as_object(copy_json(body))
    if checked.get("name") is None and name is not None:
        checked["name"] = name
    if not isinstance(checked.get("name"), str) or not checked["name"]:
        raise HttpError(400, "name is required and must be a string")
    steps = checked.get("steps")
    if steps is not None and not isinstance(steps, dict):
        raise HttpError(400, "steps must be a mapping of step names to steps")
    for step_name, step in as_object(steps).items():
        if not isinstance(step, dict):
            raise HttpError(400, f"step {step_name!r} must be a mapping")
    for field in ("triggers", "watchers", "tags"):
        if not isinstance(checked.get(field), list | None):
            raise HttpError(400, f"{field} must be a list")
    return checked


def effective_triggers(body: JsonObject) -> list[JsonObject]:
    """Return the triggers of `body` that have an effect: those with a cron expression or a webhook."""
    found = [as_object(trigger) for trigger in as_list(body.get("triggers"))]
    return [trigger for trigger in found if trigger.get("cron") or trigger.get("webhook")]


def webhook_policy(trigger: JsonObject) -> str:
    """Return the webhook policy of a trigger: `preserve` or `generate` (the default)."""
    return "preserve" if trigger.get("webhookPolicy") == "preserve" else "generate"


def merged_env(env: JsonValue) -> JsonValue:
    """Return `env` as a map, whether it was sent as a map or a list; any other value unchanged.

    An entry of a list is a map of variables, or `{name, value}`.
    """
    if not isinstance(env, list):
        return env
    merged: JsonObject = {}
    for entry in map(as_object, env):
        if entry.keys() == {"name", "value"} and isinstance(entry["name"], str):
            merged[entry["name"]] = entry["value"]
        else:
            merged.update(entry)
    return merged
