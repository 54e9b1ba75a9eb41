"""Fields of a JSON Schema as rows of a table: path, type, default, description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.schema import URN, load_schema
from reconciler.values import JsonObject, JsonValue, as_list, as_object
from reference.markdown import code, table, value

_BOUNDS: Final = (("minimum", "from {}"), ("maximum", "to {}"), ("minItems", "at least {}"))


def schema_table(schema: JsonObject, home: str, *, leave: frozenset[str] = frozenset()) -> list[str]:
    """Return the table of all fields below `schema`.

    Args:
        schema: A schema, or a part of one.
        home: The name of the schema that it is a part of.
        leave: Paths whose fields are described elsewhere.
    """
    rows = _rows(schema, home, "", leave)
    return table(("field", "type", "default", "meaning"), rows)


def _rows(schema: JsonObject, home: str, base: str, leave: frozenset[str]) -> Iterator[tuple[str, ...]]:
    required = as_list(schema.get("required"))
    for name, part in as_object(schema.get("properties")).items():
        path = f"{base}.{name}" if base else name
        field, where = _resolved(as_object(part), home)
        yield _row(path, field, where, required=name in required)
        if path not in leave:
            yield from _below(field, where, path, leave)


def _below(field: JsonObject, home: str, path: str, leave: frozenset[str]) -> Iterator[tuple[str, ...]]:
    yield from _rows(field, home, path, leave)
    for key, ending in (("items", "[]"), ("additionalProperties", ".<name>")):
        if isinstance(field.get(key), dict):
            item, where = _resolved(as_object(field[key]), home)
            yield from _below(item, where, path + ending, leave)


def _row(path: str, field: JsonObject, home: str, *, required: bool) -> tuple[str, ...]:
    meaning = str(field.get("description", ""))
    described = f"{meaning} Never shown." if field.get("x-sensitive") is True else meaning
    default = field.get("default")
    shown = "required" if required else ("" if default in (None, {}, []) else value(default))
    return code(path), _kind(field, home), shown, described


def _kind(field: JsonObject, home: str) -> str:
    if "const" in field:
        return value(field["const"])
    if "enum" in field:
        return ", ".join(value(item) for item in as_list(field["enum"]))
    named = field.get("type")
    kinds = [str(kind) for kind in (as_list(named) if isinstance(named, list) else [named]) if kind]
    text = " or ".join(kinds) or "any"
    if "array" in kinds:
        item, _ = _resolved(as_object(field.get("items")), home)
        text = text.replace("array", f"list of {_items(item)}")
    elif isinstance(field.get("additionalProperties"), dict):
        text = "mapping by name"
    elif "object" in kinds:
        text = text.replace("object", "mapping")
    bounds = " ".join(bound.format(field[key]) for key, bound in _BOUNDS if key in field)
    return f"{text}, {bounds}" if bounds else text


def _items(item: JsonObject) -> str:
    if "enum" in item:
        return ", ".join(value(one) for one in as_list(item["enum"]))
    kind: JsonValue = item.get("type")
    plural = {"object": "mappings", "string": "strings", "integer": "integers"}
    return plural.get(str(kind), "values")


def _resolved(schema: JsonObject, home: str) -> tuple[JsonObject, str]:
    """Return the target of a reference, merged with its sibling keys, and the schema that it belongs to."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema, home
    document, _, pointer = reference.partition("#")
    where = document.removeprefix(URN) or home
    target: JsonValue = load_schema(where)
    for part in filter(None, pointer.split("/")):
        target = as_object(target)[part]
    found, at = _resolved(as_object(target), where)
    beside = {key: item for key, item in schema.items() if key != "$ref"}
    return {**found, **beside}, at
