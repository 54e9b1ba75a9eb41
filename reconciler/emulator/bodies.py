"""What the API accepts as a workflow's body, and the few things it reads out of one.

As tolerant as the platform must be to take back what it returned: unknown keys pass, and so does `env` as a
list of one-key maps. Nothing here is stored or sent.
"""

from __future__ import annotations

import math
from typing import Final

from reconciler.emulator.refusal import Refusal
from reconciler.values import JsonObject, JsonValue, as_list, as_object

_DEEPEST: Final = 60


def copy_json(value: JsonValue, depth: int = 0) -> JsonValue:
    """Return a deep copy of `value`.

    Raises:
        Refusal: 400 when it is nested too deeply to be a workflow, or holds a number beyond all bounds.
    """
    if depth > _DEEPEST:
        raise Refusal(400, f"the body is nested more than {_DEEPEST} levels deep")
    if isinstance(value, dict):
        return {key: copy_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal(400, "the body holds a number that is too large")
    return value


def checked_body(body: JsonObject, *, name: str | None = None) -> JsonObject:
    """Return a private copy of `body` if the API would take it.

    Args:
        body: What was sent.
        name: The name to keep when the body has none; without it, a name is required.

    Raises:
        Refusal: 400, saying what is wrong.
    """
    checked = as_object(copy_json(body))
    if checked.get("name") is None and name is not None:
        checked["name"] = name
    if not isinstance(checked.get("name"), str) or not checked["name"]:
        raise Refusal(400, "name is required and must be a text")
    steps = checked.get("steps")
    if steps is not None and not isinstance(steps, dict):
        raise Refusal(400, "steps must be a mapping of step names to steps")
    for step_name, step in as_object(steps).items():
        if not isinstance(step, dict):
            raise Refusal(400, f"step {step_name!r} must be a mapping")
    for field in ("triggers", "watchers", "tags"):
        if not isinstance(checked.get(field), list | None):
            raise Refusal(400, f"{field} must be a list")
    return checked


def triggers(body: JsonObject) -> list[JsonObject]:
    """Return the triggers of `body` that are one: those with a cron expression or a webhook."""
    found = [as_object(trigger) for trigger in as_list(body.get("triggers"))]
    return [trigger for trigger in found if trigger.get("cron") or trigger.get("webhook")]


def webhook_policy(trigger: JsonObject) -> str:
    """Return the webhook policy of a trigger: `generate` when it names none."""
    return "preserve" if trigger.get("webhookPolicy") == "preserve" else "generate"


def merged_env(env: JsonValue) -> JsonValue:
    """Return `env` as a map whichever way it was sent, and anything that is no `env` as it is."""
    if not isinstance(env, list):
        return env
    merged: JsonObject = {}
    for entry in env:
        merged.update(as_object(entry))
    return merged
