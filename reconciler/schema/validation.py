"""Decides whether a value is valid, fast; what is not is explained elsewhere, in the user's words.

jsonschema-rs decides, since nearly every manifest is valid and it is a hundred times as fast; jsonschema,
loaded only then, tells what is wrong. A test holds that the two agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jsonschema_rs

from reconciler.schema.problem import SchemaProblem
from reconciler.schema.registry import SCHEMA_NAMES, URN, load_schema
from reconciler.values import JsonValue


def validate(value: JsonValue, schema_name: str) -> Iterator[SchemaProblem]:
    """Yield what the schema `schema_name` does not allow in `value`, each thing once."""
    if not is_valid(value, schema_name):
        from reconciler.schema.explaining import explain  # noqa: PLC0415 - jsonschema takes long to load

        yield from explain(value, schema_name)


def is_valid(value: JsonValue, schema_name: str) -> bool:
    """Return whether the schema `schema_name` allows `value`."""
    try:
        return _decider(schema_name).is_valid(value)
    except ValueError:  # text that is no Unicode, or a number beyond all bounds: let jsonschema judge
        return False


@cache
def _decider(schema_name: str) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs  # noqa: PLC0415 - most commands need no schema

    registry = jsonschema_rs.Registry([(f"{URN}{name}", load_schema(name)) for name in SCHEMA_NAMES])
    return jsonschema_rs.Draft202012Validator(load_schema(schema_name), registry=registry)
