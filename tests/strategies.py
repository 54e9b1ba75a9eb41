"""Strategies for workflow bodies, derived from the schema: a new field is generated without a change here.

`workflow_bodies()` returns valid bodies, `as_returned(body)` the ways in which a platform may return the same
workflow, and `hostile_bodies()` JSON objects with the documented names and any shape.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from reconciler.schema import STEP_TYPES, load_schema

DEPTH = int(os.environ.get("TEST_DEPTH", "1"))
"""The factor of examples: `TEST_DEPTH=10 make test` tests ten times as many."""

LAWS = settings(
    max_examples=20 * DEPTH,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
"""The settings of a law: the same examples on every run, and no deadline."""

DEFAULT_RESOURCE = {"instanceTypeId": 21, "storage": "10GB"}
"""The tenant's default for a step without resources."""


def _as_sent(schema: Any) -> Any:
    """Return a schema without the fields that only a manifest states."""
    if isinstance(schema, list):
        return [_as_sent(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _as_sent(item)
        for key, item in schema.items()
        if not (isinstance(item, dict) and item.get("x-manifest-only"))
    }


SENT_SCHEMA: dict[str, Any] = _as_sent(load_schema("workflow"))
"""The schema of a body as it is sent."""

_SCHEMA = SENT_SCHEMA
_PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
_TRICKY = [
    "a",
    "b",
    "main",
    "1",
    "true",
    "null",
    "~",
    "",
    " padded ",
    "{{name}}",
    "a.b",
    'q"uo\\te',
    "#2",
    "a#2",
    "naïve ☃",
    "user:a",
    "10GB",
    "*",
    "yes",
    "2020-01-01",
]
_NAMES = [_SCHEMA["properties"]["name"], _SCHEMA["$defs"]["tag"]["properties"]["name"]]
_CRONS = ["0 6 * * *", "*/5 * * * *", "0 0 6 ? * MON-FRI", "0 0 12 L * ?", "0 0 0 ? * 6#3 *"]
_STEP_NAMES = ["extract", "train", "report", "a-1", "1"]


@cache
def workflow_bodies() -> st.SearchStrategy[dict[str, Any]]:
    """Return valid bodies: any documented field, steps of all types, existing parents, valid crons."""
    return _linked(values(_SCHEMA))


def steps(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid steps of one type."""
    return values(_SCHEMA["$defs"][f"{kind}Step"]).map(lambda step: _typed(step, kind))


@cache
def hostile_bodies() -> st.SearchStrategy[dict[str, Any]]:
    """Return JSON objects that a broken or malicious server may answer with."""
    names = sorted(
        {*_names(_SCHEMA), "id", "status", "scheduled", "futureMode", "key", "", "#2", "a'b", "root['x']"}
    )
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-2, 2)
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([*_TRICKY, "10 gb", "standard", "http", "reconciler-x", "\ud800", "\x00", "__x"])
        | st.text(max_size=3)
    )
    json = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=4)
        ),
        max_leaves=8,
    )
    steps_ = st.dictionaries(
        st.sampled_from(["train", "", "a'b", "__x"]),
        json | st.dictionaries(st.sampled_from(names), json, max_size=5),
        max_size=3,
    )
    rows = st.lists(json | st.dictionaries(st.sampled_from(names), json, max_size=3), max_size=3)
    parts = {"triggers": rows, "watchers": rows, "tags": rows, "steps": steps_}
    parts = {key: json | strategy for key, strategy in parts.items()}
    return st.builds(
        lambda junk, body: {**junk, **body},
        st.dictionaries(st.sampled_from(names), json, max_size=3),
        st.fixed_dictionaries({}, optional={**parts, "retryOptions": json, "metadata": json, "name": json}),
    )


@st.composite
def as_returned(draw: Callable[[Any], Any], body: dict[str, Any], *, spread: bool = True) -> dict[str, Any]:
    """Draw an answer of a platform that stores `body`: an equal workflow in another form.

    Sets come in another order, `env` as a list, whole numbers as floats, absent fields as null or empty, or
    with their defaults, webhooks with their UUID, with keys that only the platform writes or that are
    undocumented, and, if `spread`, with the workflow's retry options in each step.
    """
    returned = _returned(draw, _SCHEMA, body)
    returned["steps"] = {
        name: _returned(draw, _step_schema(step), step) for name, step in body["steps"].items()
    }
    if spread and draw(st.booleans()):
        _spread_retry(returned)
    if draw(st.booleans()):
        _fill_resources(returned)
    for step in returned["steps"].values():
        if draw(st.booleans()):
            step |= {"imageName": "image", "imageVersion": "1.0", "futureOptions": {"level": [1]}}
        parameters = step.get("parameters") or {}
        if parameters.get("env") and draw(st.booleans()):
            parameters["env"] = [{key: value} for key, value in parameters["env"].items()]
    if returned.get("triggers"):
        returned["triggers"] = [_returned_trigger(draw, trigger) for trigger in returned["triggers"]]
    if draw(st.booleans()):
        returned |= {
            "id": 7,
            "createdAt": "2020-01-01T18:00:00.000Z",
            "status": "Available",
            "lastExecution": None,
        }
    return returned


def _spread_retry(returned: dict[str, Any]) -> None:
    options = returned.get("retryOptions") or {}
    for step in returned["steps"].values() if states_options(options) else []:
        configuration = step.get("runConfiguration") or {}
        if not states_options(configuration.get("retryOptions")):
            step["runConfiguration"] = {**configuration, "retryOptions": options}
    returned["retryOptions"] = None


def states_options(options: Any) -> bool:
    """Return whether retry options have a value in a field of the schema."""
    known = _SCHEMA["$defs"]["retryOptions"]["properties"]
    return any((options or {}).get(key) not in (None, []) for key in known)


def _fill_resources(returned: dict[str, Any]) -> None:
    for step in returned["steps"].values():
        if step.get("type") in {None, "standard"}:
            given = {key: value for key, value in (step.get("resources") or {}).items() if value is not None}
            step["resources"] = {**DEFAULT_RESOURCE, **given}


def _returned_trigger(draw: Callable[[Any], Any], trigger: dict[str, Any]) -> dict[str, Any]:
    returned = {key: value for key, value in trigger.items() if key != "webhookPolicy"}
    if returned.get("webhook"):
        returned["webhook"] = draw(st.sampled_from([True, "db88c21d-0000"]))
    if returned.get("cron"):
        spaced = returned["cron"].replace(" ", "  ")
        returned["cron"] = draw(st.sampled_from([returned["cron"], spaced, spaced.lower()]))
    return {**returned, "scheduled": draw(st.sampled_from([None, "2020-01-01T18:00:00.000Z"]))}


def _returned(draw: Callable[[Any], Any], schema: dict[str, Any], value: Any) -> Any:
    schema = resolved(schema)
    if isinstance(value, dict):
        return _returned_object(draw, schema, value)
    if isinstance(value, list):
        items = [_returned(draw, schema.get("items", {}), item) for item in value]
        return draw(st.permutations([*items, *items[:1]])) if is_set(schema) else items
    if schema.get("x-storage"):
        number = value.strip()[:-2]
        return draw(st.sampled_from([value, value.strip().upper(), f" {number} gB", number]))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return draw(st.sampled_from([value, *([int(value)] if value == int(value) else []), str(value)]))
    return _returned_text(draw, schema, value) if isinstance(value, str) else value


def _returned_text(draw: Callable[[Any], Any], schema: dict[str, Any], value: str) -> str:
    """Draw a text that means the same as `value`; a name is returned as it was sent."""
    if schema in _NAMES or not value.isascii():
        return value
    if {"enum", "const", "x-address"} & schema.keys():
        return draw(st.sampled_from([value, value.upper(), value.lower()]))
    return value + draw(st.sampled_from(["", "\n", "\r\n\n"]))


def _returned_object(
    draw: Callable[[Any], Any], schema: dict[str, Any], value: dict[str, Any]
) -> dict[str, Any]:
    known = schema.get("properties", {})
    extra = schema.get("additionalProperties")
    returned = {
        key: _returned(draw, known.get(key, extra if isinstance(extra, dict) else {}), item)
        for key, item in value.items()
    }
    is_empty = schema == _SCHEMA["$defs"]["retryOptions"] and not states_options(value)
    for key, field in known.items():
        if key not in value and draw(st.booleans()):
            returned[key] = None if is_empty else draw(st.sampled_from(_equal_to_absent(resolved(field))))
    if known and draw(st.booleans()):
        returned["futureMode"] = draw(st.sampled_from(["v2", 1, [], {"level": 1}]))
    return returned


def _equal_to_absent(field: dict[str, Any]) -> list[Any]:
    """Return the values of `field` that are equal to its absence."""
    empty: dict[Any, list[Any]] = {"array": [[]], "object": [{}]}
    default = [field["default"]] if "default" in field else []
    return [None, *empty.get(field.get("type"), []), *default]


def is_set(schema: dict[str, Any]) -> bool:
    """Return whether order and repetition of a list have no meaning."""
    fields = _SCHEMA["properties"]
    return schema.get("x-set") is True or schema in [fields[key] for key in ("tags", "triggers", "watchers")]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` with its reference resolved."""
    while "$ref" in schema:
        schema = _SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _step_schema(step: dict[str, Any]) -> dict[str, Any]:
    return _SCHEMA["$defs"][f"{step.get('type', 'standard')}Step"]


def _typed(step: dict[str, Any], kind: str) -> dict[str, Any]:
    return step if kind == "standard" else {**step, "type": kind}


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return the values that `schema`, a part of the workflow's schema, allows."""
    if schema.get("$ref") == "#/$defs/step":
        return st.one_of(*map(steps, STEP_TYPES))
    schema = resolved(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    makers: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
        "object": _objects,
        "array": lambda field: st.lists(
            values(field["items"]), min_size=field.get("minItems", 0), max_size=3
        ),
        "string": _texts,
        "integer": lambda field: _whole(field) | _whole(field).map(float),
        "number": lambda field: _whole(field) | _whole(field).map(float) | _fractions(field),
        "boolean": lambda _: st.booleans(),
    }
    return makers[schema["type"]](schema)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        return _maps(schema)
    branches = [branch["required"] for branch in schema.get("oneOf", [{"required": []}])]
    return st.one_of(*(_records(schema, chosen, branches) for chosen in branches))


def _records(
    schema: dict[str, Any], chosen: list[str], branches: list[list[str]]
) -> st.SearchStrategy[dict[str, Any]]:
    barred = {name for branch in branches for name in branch} - {*chosen}
    required = {*schema.get("required", []), *chosen}
    fields = {
        key: st.sampled_from(_CRONS) if key == "cron" else values(field)
        for key, field in schema["properties"].items()
        if key not in barred
    }
    needed = {key: field for key, field in fields.items() if key in required}
    some = st.fixed_dictionaries(
        needed, optional={key: field for key, field in fields.items() if key not in needed}
    )
    # Without the second, deeply nested fields would almost never be generated.
    return st.one_of(some, st.fixed_dictionaries(fields)).map(
        lambda value: _without_unmet_needs(schema, value)
    )


def _without_unmet_needs(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    needs = schema.get("dependentRequired", {})
    return {key: item for key, item in value.items() if value.keys() >= set(needs.get(key, []))}


def _maps(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    pattern = schema.get("propertyNames", {}).get("pattern")
    keys = st.sampled_from(_STEP_NAMES) | _matching(pattern) if pattern else _words(0)
    return st.dictionaries(
        keys, values(schema["additionalProperties"]), min_size=schema.get("minProperties", 0), max_size=3
    )


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.sampled_from(schema["examples"]) | _matching(schema["pattern"])
    return _words(schema.get("minLength", 0))


@cache
def _words(least: int) -> st.SearchStrategy[str]:
    letters = st.characters(codec="utf-8", categories=["L", "N", "P", "S"])
    tricky = [word for word in _TRICKY if len(word) >= least]
    return st.sampled_from(tricky) | st.text(letters, min_size=least, max_size=6)


def _matching(pattern: str) -> st.SearchStrategy[str]:
    whole = pattern.removeprefix("^").removesuffix("$")
    return st.from_regex(re.compile(whole), fullmatch=True, alphabet=_PRINTABLE).filter(
        lambda text: len(text) < 12
    )


def _whole(schema: dict[str, Any]) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum", -1000), schema.get("maximum", 10_000))


def _fractions(schema: dict[str, Any]) -> st.SearchStrategy[float]:
    low, high = schema.get("minimum", -1000), schema.get("maximum", 10_000)
    return st.integers(low * 8, high * 8).map(lambda eighths: eighths / 8)


@st.composite
def _linked(draw: Callable[[Any], Any], bodies: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Draw a body in which every reference to a step is to an earlier one."""
    body = draw(bodies)
    names = list(body["steps"])
    for number, step in enumerate(body["steps"].values()):
        _link(draw, step, names[:number])
    return body


def _link(draw: Callable[[Any], Any], value: Any, names: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _link(draw, item, names)
    if not isinstance(value, dict):
        return
    for key in [key for key in value if key in {"parents", "stepName"}]:
        if key == "parents":
            value[key] = [draw(st.sampled_from(names)) for _ in value[key]] if names else []
        elif names:
            value[key] = draw(st.sampled_from(names))
        else:
            del value[key]
    for key in ("conditional", "parentStatus", "executionParameters"):
        _link(draw, value.get(key), names)


def _names(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for item in schema for name in _names(item)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    return own.union(*(_names(value) for value in schema.values()))
