"""Sendable body: a described workflow in the form that the API accepts, and without the platform's masks.

Pure: nothing here sends, prints or keeps anything, and nothing changes its arguments. The answer of the API
is hostile input: a shape that would make a value be lost becomes an `UnexpectedAnswerError`, one that says
nothing (null) is skipped. A mask is never sent back: `masked_fields` names what a body without it loses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import UnexpectedAnswerError
from reconciler.secrecy import is_mask, is_masked, is_secret_field, may_be_masked
from reconciler.text import clip, printable
from reconciler.values import DROP, KEEP, Verdict, as_object, nodes, rewrite
from reconciler.workflow.canonical_value import as_map, misfit

if TYPE_CHECKING:
    from reconciler.values import JsonObject, JsonValue, Path

_PLATFORM_ONLY: Final = re.compile(
    "_?id|uuid|status|tenant[A-Z]?.*|executions?|scheduled|(?:created|updated|modified|deleted|last|next)[A-Z].*"
)
"""The keys at the top that only the platform writes, by the names that APIs give them."""

_NEVER_MASKED: Final = frozenset({"name", "triggers", "tags"})
_STEP_READ_ONLY: Final = frozenset({"imageName", "imageVersion"})


def sendable_body(live: JsonObject) -> JsonObject:
    """Return what a describe answer says, as a body that can be PUT without changing the workflow.

    It is the `described_body` without masks and without secret fields that are empty. Twice is as once.

    Raises:
        UnexpectedAnswerError: A documented key has a shape that cannot be sent back without losing something.
    """
    return without_masks(described_body(live))


def without_masks(body: JsonObject) -> JsonObject:
    """Return a `described_body` without masks and empty secret fields; `body` itself if it has none."""
    if not may_be_masked(body):
        return body

    def replace(value: JsonValue, path: Path) -> JsonValue | Verdict:
        blank = is_secret_field(path) and is_mask(value)
        return DROP if blank or _is_masked(value, path) else KEEP

    return as_object(_without_nulls(rewrite(body, replace)))


def masked_fields(body: JsonObject) -> list[Path]:
    """Return the paths of the masks in a `described_body`; a list with one counts as a whole."""
    found: list[Path] = []
    for path, value in nodes(body):
        if _is_masked(value, path) and path[:-1] not in found:
            found.append(path)
    return found


def _is_masked(value: JsonValue, path: Path) -> bool:
    if not path or path[0] in _NEVER_MASKED:
        return False
    if isinstance(value, list):  # without one of its texts it would mean something else
        return any(is_masked((*path, index), item) for index, item in enumerate(value))
    return is_masked(path, value)


def described_body(live: JsonObject) -> JsonObject:
    """Return a describe answer in the form of a body that can be sent, with the platform's masks.

    What only the platform writes goes: ids, times, status and executions at the top, `scheduled` of a
    trigger, `imageName` and `imageVersion` of a step. Every other key stays, also an undocumented one. Nulls
    go, at every level. `env` becomes a map; a webhook's UUID becomes `{"webhook": true, "webhookPolicy":
    "preserve"}`, so that its URL stays; a tag is its name.

    Raises:
        UnexpectedAnswerError: A documented key has a shape that cannot be sent back without losing something.
    """
    body: JsonObject = {}
    for key, found in live.items():
        value = _without_nulls(_with_env_maps(found) if key == "steps" else found)
        if value is not None and not _PLATFORM_ONLY.fullmatch(key):
            body[key] = _sendable_value(key, value)
    return body


def _with_env_maps(steps: JsonValue) -> JsonValue:
    """Return steps with the variables of each as a map if possible: without nulls, rows look like maps."""
    if not isinstance(steps, dict):
        return steps
    result = dict(steps)
    for name, step in steps.items():
        parameters = as_object(step).get("parameters")
        if isinstance(step, dict) and isinstance(parameters, dict) and "env" in parameters:
            result[name] = {**step, "parameters": {**parameters, "env": as_map(parameters["env"])}}
    return result


def _sendable_value(key: str, value: JsonValue) -> JsonValue:
    if key == "name":
        return _string(value, key)
    if key == "triggers":
        return [trigger for trigger in map(_trigger, _objects(value, key)) if trigger]
    if key == "tags":
        return _tags(value)
    if key == "watchers":
        return list(_objects(value, key))
    if key == "steps":
        return {name: _step(name, step) for name, step in _object(value, key).items()}
    return _object(value, key) if key in {"metadata", "retryOptions"} else value


def _tags(value: JsonValue) -> list[JsonValue]:
    """Return tags as the API takes them; a platform may return them as texts."""
    if isinstance(value, list):
        value = [{"name": tag} if isinstance(tag, str) else tag for tag in value]
    return [{"name": _string(tag["name"], "tags")} for tag in _objects(value, "tags") if "name" in tag]


def _without_nulls(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _trigger(live: JsonObject) -> JsonObject:
    rest = {key: value for key, value in live.items() if key not in {"cron", "webhook", "scheduled"}}
    trigger: JsonObject = {}
    if live.get("cron"):
        trigger["cron"] = live["cron"]
    if live.get("webhook"):
        trigger["webhook"] = True
        rest["webhookPolicy"] = "preserve"
    return {**trigger, **rest}


def _step(name: str, value: JsonValue) -> JsonObject:
    step = {key: item for key, item in _object(value, f"steps.{name}").items() if key not in _STEP_READ_ONLY}
    env = as_object(step.get("parameters")).get("env", {})
    if not isinstance(env, dict):
        where = f"steps.{name}.parameters.env"
        index = misfit(env) if isinstance(env, list) else None
        place = where if index is None else f"{where}[{index}]"
        raise _wrong_shape(place, "variables in one shape, each named once,")
    return step


def _object(value: JsonValue, where: str) -> JsonObject:
    if isinstance(value, dict):
        return value
    raise _wrong_shape(where, "an object")


def _objects(value: JsonValue, where: str) -> list[JsonObject]:
    if not isinstance(value, list):
        raise _wrong_shape(where, "a list of objects")
    return [_object(item, f"{where}[{index}]") for index, item in enumerate(value)]


def _string(value: JsonValue, where: str) -> str:
    if isinstance(value, str):
        return value
    raise _wrong_shape(where, "a string")


def _wrong_shape(where: str, wanted: str) -> UnexpectedAnswerError:
    shown = clip(printable(where), 120)
    return UnexpectedAnswerError(
        f"the described workflow has something other than {wanted} at `{shown}`, "
        "and cannot be sent back without loss"
    )
