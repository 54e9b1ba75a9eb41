"""The schema files that ship with the package: in the wheel, or next to the package in a checkout."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from reconciler.values import JsonObject, JsonValue, as_object

SCHEMA_NAMES = (
    "manifest",
    "workflow",
    "patch",
    "reconcile",
    "execution",
    "configuration",
    "plan",
    "backup",
    "run-record",
    "tenant-profile",
    "log-event",
    "notification",
)
"""The names of the schemas: manifests and their parts, execution parameters, configuration, and outputs."""

URN = "urn:peak-reconciler:schema:"
"""The start of the `$id` of every schema."""

_REFERENCE: Final = re.compile(rf'"\$ref": *"{URN}([a-z-]+)')
"""A reference to another schema, in the text of one."""


@cache
def load_schema(name: str) -> JsonObject:
    """Return the parsed schema `name`, one of `SCHEMA_NAMES`; the caller must not change it."""
    schema: JsonObject = json.loads(_text(name))
    return schema


def bundled_schema(name: str) -> JsonObject:
    """Return the schema `name` with the schemas that it refers to inside, for editors that take one file."""
    schema = _with_local_references(load_schema(name), name, "")
    needed = referred_schemas(name)
    definitions = as_object(schema.get("$defs"))
    for other in sorted(needed):
        part = as_object(_with_local_references(load_schema(other), other, f"/$defs/{other}"))
        definitions[other] = {key: value for key, value in part.items() if key not in {"$id", "$schema"}}
    return {**schema, **({"$defs": definitions} if definitions else {})}


def referred_schemas(name: str) -> set[str]:
    """Return the names of the other schemas that the schema `name` refers to, directly or not."""
    found, waiting = {name}, [name]
    while waiting:
        new = set(_REFERENCE.findall(_text(waiting.pop()))) - found
        found |= new
        waiting += new
    return found - {name}


def _with_local_references(value: JsonValue, home: str, base: str) -> Any:  # noqa: ANN401 - as deep as it is
    if isinstance(value, list):
        return [_with_local_references(item, home, base) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: _with_local_references(item, home, base) for key, item in value.items()}
    target, pointer = _target(value.get("$ref"), home)
    if target is not None:
        where = base if target == home else f"/$defs/{target}"
        result["$ref"] = f"#{where}{pointer}" if where + pointer else "#"
    return result


def _target(reference: JsonValue, home: str) -> tuple[str | None, str]:
    """Return the schema and the pointer of a reference; `None` if it is not a reference."""
    if not isinstance(reference, str):
        return None, ""
    document, _, pointer = reference.partition("#")
    return document.removeprefix(URN) or home, pointer


def _folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    shipped = package / "schemas"
    return shipped if shipped.is_dir() else package.parent / "schemas"


def _text(name: str) -> str:
    return (_folder() / f"{name}.json").read_text(encoding="utf-8")
