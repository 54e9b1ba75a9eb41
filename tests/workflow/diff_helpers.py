"""Every documented field of a workflow, read from the schema, with a body that states all of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from forms import forms_of
from strategies import SENT_SCHEMA, resolved

from reconciler.values import ABSENT, Path
from reconciler.workflow import FieldChange, diff

SCHEMA = SENT_SCHEMA

WATCHERS = {"user": "user:ops@example.com", "webhook": "webhook:alerts", "email": "email:on-call"}
"""The name that the watcher of each kind in `full_body` has in the canonical form."""


@dataclass(frozen=True)
class Spot:
    """A documented field: its place in a body, its place in the canonical form, and what it may hold."""

    place: Path
    path: Path
    schema: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.place)


def full_body(kind: str) -> dict[str, Any]:
    """Return a body with every documented field: a step `s` of type `kind`, and two that state nothing."""
    top = {key: example(value) for key, value in SCHEMA["properties"].items() if key != "steps"}
    watchers = [
        {key: example(fields[key]) for key in ("events", who)}
        for fields in [_items("watchers")]
        for who in WATCHERS
    ]
    triggers = [{key: example(value)} for key, value in _items("triggers").items() if key != "webhookPolicy"]
    step = {key: example(value) for key, value in _step(kind).items()}
    return {**top, "watchers": watchers, "triggers": triggers, "steps": {"s": step, "p": {}, "q": {}}}


def step_spots(kind: str) -> list[Spot]:
    """Return the single fields of a step of type `kind`, without its type."""
    fields = _step(kind).items()
    return [
        Spot(place=("steps", "s", *path), path=("steps", "s", *path), schema=schema)
        for key, value in fields
        if key != "type"
        for path, schema in _leaves(value, (key,))
    ]


def top_spots() -> list[Spot]:
    """Return the single fields outside of steps, those of a trigger and a watcher of each kind among them."""
    plain = [
        Spot(place=path, path=path, schema=schema)
        for key, value in SCHEMA["properties"].items()
        if key not in {"steps", "watchers", "triggers"}
        for path, schema in _leaves(value, (key,))
    ]
    return [*plain, *_trigger_spots(), *_watcher_spots()]


def _trigger_spots() -> Iterator[Spot]:
    kinds = [kind for kind in _items("triggers") if kind != "webhookPolicy"]
    for key, value in _items("triggers").items():
        index = kinds.index("webhook" if key == "webhookPolicy" else key)
        yield Spot(place=("triggers", index, key), path=("triggers", key), schema=value)


def _watcher_spots() -> Iterator[Spot]:
    for index, (who, name) in enumerate(WATCHERS.items()):
        for key in ("events", who):
            for path, schema in _leaves(_items("watchers")[key], (key,)):
                yield Spot(place=("watchers", index, *path), path=("watchers", name, *path), schema=schema)


def _items(key: str) -> dict[str, Any]:
    return resolved(SCHEMA["properties"][key]["items"])["properties"]


def _step(kind: str) -> dict[str, Any]:
    return SCHEMA["$defs"][f"{kind}Step"]["properties"]


def _leaves(schema: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    schema = resolved(schema)
    if "properties" in schema:
        for key, value in schema["properties"].items():
            yield from _leaves(value, (*path, key))
    elif isinstance(schema.get("additionalProperties"), dict):
        key = next(iter(example(schema)))
        yield (*path, key), schema["additionalProperties"]
    else:
        yield path, schema


def example(schema: dict[str, Any]) -> Any:
    """Return a value that `schema` allows, with every field that it knows."""
    schema = resolved(schema)
    if "properties" in schema:
        return {key: example(value) for key, value in schema["properties"].items()}
    if "items" in schema and "properties" in resolved(schema["items"]):
        return [example(schema["items"])]
    return copy.deepcopy(schema["examples"][0])


def another(schema: dict[str, Any], value: Any) -> Any:
    """Return another value that `schema` allows."""
    schema = resolved(schema)
    if "enum" in schema:
        return next(choice for choice in schema["enum"] if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, list):
        return [another(schema["items"], value[0]), *value[1:]]
    if isinstance(value, dict):
        key = next(iter(value))
        return {**value, key: another(schema["properties"][key], value[key])}
    return f"1{value}"


def with_value(body: dict[str, Any], place: Path, value: Any) -> dict[str, Any]:
    """Return `body` with `value` at `place`; without the field where `value` is `ABSENT`."""
    result: Any = copy.deepcopy(body)
    inner = result
    for part in place[:-1]:
        inner = inner[part]
    if value is ABSENT:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return result


def value_at(body: Any, place: Path) -> Any:
    """Return the value at `place`."""
    for part in place:
        body = body[part]
    return body


def changes(live: Any, desired: Any, default_resource: Any = None) -> tuple[FieldChange, ...]:
    """Return what differs between two bodies."""
    aligned = forms_of(live, desired, default_resource)
    found = diff(aligned.live, aligned.desired, default_resource)
    assert aligned.equal == (not found)
    return found


def paths(live: Any, desired: Any, default_resource: Any = None) -> list[Path]:
    """Return the paths of what differs between two bodies."""
    return [change.path for change in changes(live, desired, default_resource)]
