"""Fields of a workflow and their defaults, as the schema describes them.

One tree of `Field` values for a workflow's body, and one for each type of step: known keys, lists that are
sets, documented defaults, secrets. All of it is read from the schema, the only description of a field. Fields
that only a manifest states are not in the trees, because no body has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Final

from reconciler.schema.schema_files import URN, load_schema
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object

_MANIFEST_ONLY: Final = "x-manifest-only"
"""Marks a field that only a manifest states: what is sent has another one in its place."""

SENSITIVE = "(sensitive)"
"""What is shown in place of a secret."""

STEP_TYPES = ("standard", "http", "sql", "export")


class FieldKind(Enum):
    """The way in which a value is compared."""

    TEXT = "text"  # line ends at its end have no meaning
    WORD = "word"  # one of a few
    ADDRESS = "address"  # of an e-mail, whose case has no meaning
    NUMBER = "number"
    BOOLEAN = "boolean"
    STORAGE = "storage"
    RECORD = "record"  # a mapping with documented keys
    MAP = "map"  # a mapping with keys that the user chooses
    LIST = "list"
    SET = "set"  # a list whose order and repetition have no meaning


_SCALARS: Final = {
    "string": FieldKind.TEXT,
    "number": FieldKind.NUMBER,
    "integer": FieldKind.NUMBER,
    "boolean": FieldKind.BOOLEAN,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """The schema's description of one field; it equals no other one, so that it can be a key.

    Args:
        kind: The way in which its value is compared.
        default: The documented default, or `ABSENT`.
        sensitive: Whether its value is a secret.
        children: For a record, its fields by name.
        item: For a map, list or set, the description of its values.
    """

    kind: FieldKind
    default: JsonValue | Absent = ABSENT
    sensitive: bool = False
    children: Mapping[str, Field] = field(default_factory=dict)
    item: Field | None = None


@cache
def body_fields() -> Field:
    """Return the record of a workflow's body; the items of its map `steps` are described by `step_fields`."""
    return _field(load_schema("workflow"))


@cache
def step_fields(step_type: str) -> Field:
    """Return the record of a step of the given type; an unknown type counts as standard."""
    if step_type not in STEP_TYPES:
        return step_fields("standard")
    return _field(as_object(as_object(load_schema("workflow")["$defs"])[f"{step_type}Step"]))


def documented_default(path: Path, step_type: str = "standard") -> JsonValue | Absent:
    """Return the documented default of the field at `path` of a canonical form, or `ABSENT`.

    Args:
        path: The path from the root of a workflow; a watcher is named, not numbered.
        step_type: The type of the step, if `path` leads into one.
    """
    match path:
        case ("steps", _, *rest):
            field = step_fields(step_type)
        case ("watchers", _, *rest):
            field = body_fields().children["watchers"].item or body_fields()
        case _:
            field, rest = body_fields(), list(path)
    for part in rest:
        if part not in field.children:
            return ABSENT
        field = field.children[str(part)]
    return ABSENT if isinstance(field.default, (list, dict)) else field.default


@cache
def sensitive_step_fields() -> frozenset[tuple[str, ...]]:
    """Return the paths, from a step, of the fields that hold secrets, in any type of step."""
    return frozenset(path for kind in STEP_TYPES for path in _sensitive(step_fields(kind), ()))


@cache
def manifest_only_step_fields() -> frozenset[tuple[str, ...]]:
    """Return the paths, from a step, of the fields that only a manifest states."""
    steps = as_object(load_schema("workflow")["$defs"])
    return frozenset(
        path for kind in STEP_TYPES for path in _manifest_only(as_object(steps[f"{kind}Step"]), ())
    )


def _manifest_only(schema: JsonObject, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    schema = _resolve(schema)
    if schema.get(_MANIFEST_ONLY) is True:
        yield path
        return
    for name, child in as_object(schema.get("properties")).items():
        yield from _manifest_only(as_object(child), (*path, name))


def _sensitive(field: Field, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if field.sensitive:
        yield path
    for name, child in field.children.items():
        yield from _sensitive(child, (*path, name))


def _field(schema: JsonObject) -> Field:
    schema = _resolve(schema)
    properties = schema.get("properties")
    extra = schema.get("additionalProperties")
    items = schema.get("items")
    default = schema.get("default", ABSENT)
    sensitive = schema.get("x-sensitive") is True
    if isinstance(properties, dict):
        children = {
            name: _field(as_object(child))
            for name, child in properties.items()
            if as_object(child).get(_MANIFEST_ONLY) is not True
        }
        return Field(kind=FieldKind.RECORD, children=children)
    if isinstance(extra, dict):
        return Field(kind=FieldKind.MAP, item=_field(extra))
    if isinstance(items, dict):
        kind = FieldKind.SET if schema.get("x-set") is True else FieldKind.LIST
        return Field(kind=kind, default=default, item=_field(items))
    return Field(kind=_scalar_kind(schema), default=default, sensitive=sensitive)


def _scalar_kind(schema: JsonObject) -> FieldKind:
    for keyword, kind in (("x-storage", FieldKind.STORAGE), ("x-address", FieldKind.ADDRESS)):
        if schema.get(keyword) is True:
            return kind
    if "enum" in schema or "const" in schema:
        return FieldKind.WORD
    return _SCALARS[str(schema["type"])]


def _resolve(schema: JsonObject) -> JsonObject:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    document, _, pointer = reference.partition("#/")
    target: JsonValue = load_schema(document.removeprefix(URN) or "workflow")
    for part in pointer.split("/"):
        target = as_object(target)[part]
    return _resolve(as_object(target))
