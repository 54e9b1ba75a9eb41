"""Validation of values against the schemas: a fast decision, then the problems as values.

jsonschema-rs decides, since nearly every manifest is valid and it is about a hundred times as fast.
jsonschema explains what is invalid and is loaded only then. A test checks that the two agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import jsonschema_rs

from reconciler.schema.schema_files import URN, load_schema, referred_schemas
from reconciler.values import JsonValue, Path


class SchemaProblem(NamedTuple):
    """One thing that a schema does not allow.

    Args:
        path: The path of the value, from the root of the validated value.
        rule: The stable id of the rule: `schema-` and the keyword of the schema.
        message: What is wrong and what is allowed.
        found: The rest of the message, which quotes the value. A field that the schema marks as sensitive is
            never quoted; a caller that knows of other secrets leaves this part out.
        at_key: Whether the problem is the key at the end of `path`, not its value.
    """

    path: Path
    rule: str
    message: str
    found: str = ""
    at_key: bool = False


def validate(value: JsonValue, schema_name: str) -> Iterator[SchemaProblem]:
    """Yield each thing in `value` that the schema `schema_name` does not allow, once."""
    if not is_valid(value, schema_name):
        from reconciler.schema.explaining import explain  # noqa: PLC0415 - jsonschema takes long to load

        yield from explain(value, schema_name)


def is_valid(value: JsonValue, schema_name: str) -> bool:
    """Return whether the schema `schema_name` allows `value`."""
    try:
        return _validator(schema_name).is_valid(value)
    except ValueError:  # text that is not Unicode, or a number too large: jsonschema decides
        return False


@cache
def _validator(schema_name: str) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs  # noqa: PLC0415 - most commands need no schema

    names = {schema_name, *referred_schemas(schema_name)}
    registry = jsonschema_rs.Registry([(f"{URN}{name}", load_schema(name)) for name in sorted(names)])
    return jsonschema_rs.Draft202012Validator(load_schema(schema_name), registry=registry)
