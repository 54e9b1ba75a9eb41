"""What a platform may put in the place of something absent: documented defaults, empty values, nulls.

Each function changes the view it is given, which is the caller's own copy; stored bodies never come here.
"""

from __future__ import annotations

from typing import Final

from reconciler.emulator.catalogue import DEFAULT_RESOURCE
from reconciler.emulator.shapes import RETRY, WORKFLOW, Shape, step_kind, steps_of, walk
from reconciler.values import JsonObject, JsonValue, as_list

_RETRY: Final[JsonObject] = {"duration": 5, "numberOfRetries": 3, "exponentialBackoff": False}
_SKIP: Final[JsonObject] = {"skip": False, "skipDAG": False}
_EVENTS: Final[JsonObject] = {"success": False, "fail": False}
_STEP: Final[dict[str, JsonObject]] = {
    "standard": {"type": "standard", "clearImageCache": False},
    "export": {"sortOrder": "asc", "compression": False},
}


def fill_defaults(view: JsonObject) -> None:
    """Put the documented defaults wherever the workflow leaves something out."""
    for step in steps_of(view):
        kind = step_kind(step)
        _leaves(step, _STEP.get(kind, {}))
        if step.get("parents") is None:
            step["parents"] = []
        if kind == "standard":
            _leaves(_inner(step, "resources"), DEFAULT_RESOURCE)
        _leaves(_inner(_inner(step, "runConfiguration"), "skipConfiguration"), _SKIP)
    for watcher in as_list(view.get("watchers")):
        if isinstance(watcher, dict):
            _leaves(_inner(watcher, "events"), _EVENTS)
    _inner(view, "retryOptions")
    walk(view, WORKFLOW, lambda node, shape: _leaves(node, _RETRY) if shape is RETRY else None)


def fill_empties(node: JsonObject, shape: Shape) -> None:
    """Put `[]` and `{}` wherever a list or a map is left out."""
    for key in (*shape.lists, *shape.rows):
        if node.get(key) is None:
            node[key] = []
    for key in (*shape.maps, *shape.objects):
        if node.get(key) is None:
            node[key] = {}


def fill_nulls(node: JsonObject, shape: Shape) -> None:
    """Put `null` wherever a documented field is left out."""
    for key in (*shape.scalars, *shape.lists, *shape.maps, *shape.objects, *shape.rows):
        node.setdefault(key, None)


def spread_retry(view: JsonObject) -> None:
    """Give the workflow's retry options to every step that has none of its own."""
    options = view.get("retryOptions")
    if not isinstance(options, dict) or not options:
        return
    for step in steps_of(view):
        configuration = _inner(step, "runConfiguration")
        if not configuration.get("retryOptions"):
            configuration["retryOptions"] = {
                key: [*value] if isinstance(value, list) else value for key, value in options.items()
            }


def _inner(node: JsonObject, key: str) -> JsonObject:
    """Return the object at `key`, put there empty where there is none."""
    inner: JsonValue = node.get(key)
    if not isinstance(inner, dict):
        inner = node[key] = {}
    return inner


def _leaves(node: JsonObject, defaults: JsonObject) -> None:
    for key, value in defaults.items():
        if node.get(key) is None:
            node[key] = value
