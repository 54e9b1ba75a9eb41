"""The tree of fields that comparing reads says what the schema says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from schema_walk import resolved

from reconciler.schema import (
    STEP_TYPES,
    Field,
    FieldKind,
    body_fields,
    documented_default,
    load_schema,
    manifest_only_step_fields,
    sensitive_step_fields,
    step_fields,
)
from reconciler.values import ABSENT

if TYPE_CHECKING:
    from reconciler.values import Path

_ROOTS = [("body", body_fields(), load_schema("workflow"))] + [
    (kind, step_fields(kind), {"$ref": f"#/$defs/{kind}Step"}) for kind in STEP_TYPES
]


def _agrees(field: Field, schema: dict[str, Any], path: str) -> int:
    """Compare a field with its schema, and all below; return how many were compared."""
    schema = resolved(schema)
    count = 1
    if "properties" in schema and "items" not in schema:
        sent = {key: child for key, child in schema["properties"].items() if not child.get("x-manifest-only")}
        assert (field.kind, set(field.children)) == (FieldKind.RECORD, set(sent)), path
        for name, child in sent.items():
            count += _agrees(field.children[name], child, f"{path}.{name}")
    elif isinstance(schema.get("additionalProperties"), dict):
        assert (field.kind, field.children) == (FieldKind.MAP, {}), path
        assert field.item is not None
        count += _agrees(field.item, schema["additionalProperties"], f"{path}.*")
    elif "items" in schema:
        assert field.kind is (FieldKind.SET if schema.get("x-set") else FieldKind.LIST), path
        assert field.item is not None
        count += _agrees(field.item, schema["items"], f"{path}[]")
    else:
        assert field.kind is _kind(schema), path
        assert field.default == schema.get("default", ABSENT), path
        assert field.sensitive is (schema.get("x-sensitive") is True), path
    return count


def _kind(schema: dict[str, Any]) -> FieldKind:
    """Return the kind of a field that holds no others."""
    if schema.get("x-storage"):
        return FieldKind.STORAGE
    if schema.get("x-address"):
        return FieldKind.ADDRESS
    if "enum" in schema or "const" in schema:
        return FieldKind.WORD
    return {"string": FieldKind.TEXT, "boolean": FieldKind.BOOLEAN}.get(schema["type"], FieldKind.NUMBER)


@pytest.mark.parametrize(("name", "field", "schema"), _ROOTS, ids=[name for name, _, _ in _ROOTS])
def test_fields_agree_with_the_schema(name: str, field: Field, schema: dict[str, Any]) -> None:
    """Kind, default, children, items and secrecy of every field are those of the schema."""
    assert _agrees(field, schema, name) > 15


def test_unknown_type_is_a_standard_step() -> None:
    """An unknown type is read as a standard step."""
    assert step_fields("spark") == step_fields("standard")


@pytest.mark.parametrize(
    ("path", "step_type", "default"),
    [
        (("name",), "standard", ABSENT),
        (("retryOptions", "duration"), "standard", 5),
        (("retryOptions", "numberOfRetries"), "standard", 3),
        (("retryOptions", "exponentialBackoff"), "standard", False),
        (("steps", "a", "type"), "standard", "standard"),
        (("steps", "a", "type"), "http", ABSENT),
        (("steps", "a", "clearImageCache"), "standard", False),
        (("steps", "a", "stepTimeout"), "standard", ABSENT),
        (("steps", "a", "parents"), "standard", ABSENT),
        (("steps", "a", "runConfiguration", "skipConfiguration", "skipDAG"), "sql", False),
        (("steps", "a", "runConfiguration", "retryOptions", "duration"), "http", 5),
        (("steps", "a", "sortOrder"), "export", "asc"),
        (("steps", "a", "compression"), "export", False),
        (("steps", "a", "sortOrder"), "standard", ABSENT),
        (("steps", "a", "unknown", "deeper"), "standard", ABSENT),
        (("watchers", "user:ann", "events", "fail"), "standard", False),
        (("watchers", "user:ann", "events", "runtimeExceeded"), "standard", ABSENT),
        (("unknown",), "standard", ABSENT),
    ],
)
def test_documented_default(path: Path, step_type: str, default: Any) -> None:
    """The default of a single field is found by its path; a list or a field without one has none."""
    assert documented_default(path, step_type) == default


def test_sensitive_step_fields() -> None:
    """The secret fields of all types of step are known by their paths."""
    assert sensitive_step_fields() == {
        ("repository", "token"),
        ("auth", "clientSecret"),
        ("auth", "password"),
        ("auth", "apiKey"),
        ("auth", "bearerToken"),
    }


def test_fields_that_only_a_manifest_states() -> None:
    """Names in place of ids are known to the schema, and no field of a body."""
    assert manifest_only_step_fields() == {("image",), ("resources", "instanceType")}
