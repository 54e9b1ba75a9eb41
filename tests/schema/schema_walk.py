"""Walks the schemas for the tests: every subschema, and the field at a documented path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.schema import load_schema
from reconciler.schema.schema_files import URN

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAPS = ("properties", "$defs")
_LISTS = ("oneOf", "anyOf", "allOf")
_SINGLE = ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not")

Schema = dict[str, Any]


def subschemas(schema: Schema, place: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every subschema with its place, the root first."""
    yield place or "(root)", schema
    for keyword in _MAPS:
        for name, child in schema.get(keyword, {}).items():
            yield from subschemas(child, f"{place}/{keyword}/{name}")
    for keyword in _LISTS:
        for index, child in enumerate(schema.get(keyword, [])):
            yield from subschemas(child, f"{place}/{keyword}/{index}")
    for keyword in _SINGLE:
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], f"{place}/{keyword}")


def properties(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every documented property with its place; those inside conditions are not documented there."""
    for place, part in subschemas(schema):
        if not {"if", "then", "not"} & set(place.split("/")):
            for name, child in part.get("properties", {}).items():
                yield f"{place}/properties/{name}", child


def resolved(schema: Schema, home: str = "workflow") -> Schema:
    """Return what `schema`, a part of the schema `home`, refers to, with what it says itself on top."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    document, _, pointer = reference.partition("#/")
    home = document.removeprefix(URN) or home
    target: Any = load_schema(home)
    for part in filter(None, pointer.split("/")):
        target = target[part]
    return {
        **resolved(target, home),
        **{key: value for key, value in schema.items() if key != "$ref"},
    }


def at(schema: Schema, path: str) -> Schema:
    """Return the schema at a path as the tables write it: `triggers[].cron`, `steps.<name>`.

    Raises:
        KeyError: There is no such field.
    """
    current = resolved(schema)
    for part in path.replace("[]", ".[]").split("."):
        if part == "[]":
            current = resolved(current["items"])
        elif part == "<name>":
            current = resolved(current["additionalProperties"])
        else:
            current = resolved(current["properties"][part])
    return current
