"""What the API documents that it answers about a workflow, before any profile bends it.

Pure: a stored record and a moment in, a fresh JSON value out. Stored bodies are copied, never handed out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.emulator import catalogue, executions
from reconciler.emulator.bodies import copy_json, merged_env, triggers
from reconciler.emulator.times import iso, next_hour
from reconciler.values import JsonObject, JsonValue, as_list, as_object

if TYPE_CHECKING:
    from reconciler.emulator.model import Execution, Record

_HEAD: Final = ("id", "name", "createdAt", "updatedAt", "status", "steps", "lastExecution", "triggers")


def identity(record: Record, now: float) -> JsonObject:
    """Return the answer to a create or a replacement."""
    return {"id": record.id, "triggers": _triggers(record, now)}


def summary(record: Record, status: str, last: Execution | None, now: float) -> JsonObject:
    """Return the workflow as the list shows it."""
    shown: JsonObject = {
        "id": record.id,
        "name": record.name,
        "createdAt": iso(record.created_at),
        "updatedAt": iso(record.updated_at),
        "status": status,
    }
    if last is not None:
        shown["lastExecution"] = executions.last_execution(last, now)
    shown["triggers"] = _triggers(record, now)
    shown["tags"] = [copy_json(tag) for tag in as_list(record.body.get("tags"))]
    return shown


def describe(record: Record, status: str, last: Execution | None, now: float) -> JsonObject:
    """Return the whole workflow: the body as stored, with what the platform adds to it."""
    body = as_object(copy_json(record.body))
    shown = summary(record, status, last, now)
    shown["steps"] = {name: _step(as_object(step)) for name, step in as_object(body.get("steps")).items()}
    shown["watchers"] = as_list(body.get("watchers"))
    ordered: JsonObject = {key: shown[key] for key in _HEAD if key in shown}
    rest = {key: value for key, value in body.items() if key not in shown and key != "lastExecution"}
    return {**ordered, "watchers": shown["watchers"], "tags": shown["tags"], **rest}


def _step(step: JsonObject) -> JsonObject:
    if step.get("imageId") is not None:
        step["imageName"] = catalogue.image_name(step["imageId"])
    if step.get("imageVersionId") is not None:
        step["imageVersion"] = catalogue.image_version(step["imageVersionId"])
    parameters = step.get("parameters")
    if isinstance(parameters, dict):
        env = merged_env(parameters.get("env"))
        if isinstance(env, dict):
            parameters["env"] = [{key: value} for key, value in env.items()]
    return step


def _triggers(record: Record, now: float) -> list[JsonValue]:
    webhooks = iter(record.webhooks)
    shown: list[JsonValue] = []
    for trigger in triggers(record.body):
        if trigger.get("webhook"):
            shown.append({"webhook": next(webhooks)})
        else:
            shown.append({"cron": trigger["cron"], "scheduled": iso(next_hour(now))})
    return shown
