"""The schemas as documents: valid JSON Schema, described, and as the documentation of the API has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from schema_walk import at, properties, resolved, subschemas

from reconciler.schema import SCHEMA_NAMES, STEP_TYPES, load_schema
from reconciler.workflow.own_tags import OWN_TAG_PREFIX

_FOLDER = Path(__file__).parent.parent.parent / "schemas"
_WORKFLOW, _PATCH, _RECONCILE = (load_schema(name) for name in ("workflow", "patch", "reconcile"))
_NONE = object()

# What the API's documentation says of a workflow's body: path, type, documented default.
_BODY: list[tuple[str, str, Any]] = [
    ("name", "string", _NONE),
    ("metadata.allowConcurrentExecution", "boolean", False),
    ("triggers", "array", _NONE),
    ("triggers[].cron", "string", _NONE),
    ("triggers[].webhook", "boolean", _NONE),
    ("triggers[].webhookPolicy", "string", _NONE),
    ("watchers", "array", _NONE),
    ("watchers[].events.success", "boolean", False),
    ("watchers[].events.fail", "boolean", False),
    ("watchers[].events.runtimeExceeded", "number", _NONE),
    ("watchers[].user", "string", _NONE),
    ("watchers[].webhook.name", "string", _NONE),
    ("watchers[].webhook.url", "string", _NONE),
    ("watchers[].webhook.payload", "string", _NONE),
    ("watchers[].email.name", "string", _NONE),
    ("watchers[].email.recipients.to", "array", _NONE),
    ("watchers[].email.recipients.to[]", "string", _NONE),
    ("retryOptions.duration", "number", 5),
    ("retryOptions.exitCodes", "array", _NONE),
    ("retryOptions.exitCodes[]", "integer", _NONE),
    ("retryOptions.exponentialBackoff", "boolean", False),
    ("retryOptions.numberOfRetries", "integer", 3),
    ("tags", "array", _NONE),
    ("tags[].name", "string", _NONE),
    ("steps", "object", _NONE),
    ("steps.<name>.type", "string", "standard"),
]

_COMMON: list[tuple[str, str, Any]] = [
    ("parents", "array", []),
    ("parents[]", "string", _NONE),
    ("executionParameters.conditional", "array", _NONE),
    ("executionParameters.conditional[].condition", "string", _NONE),
    ("executionParameters.conditional[].paramName", "string", _NONE),
    ("executionParameters.conditional[].stepName", "string", _NONE),
    ("executionParameters.conditional[].value", "string", _NONE),
    ("executionParameters.parentStatus", "array", _NONE),
    ("executionParameters.parentStatus[].condition", "string", _NONE),
    ("executionParameters.parentStatus[].parents", "array", _NONE),
    ("executionParameters.parentStatus[].parents[]", "string", _NONE),
    ("executionParameters.parentStatus[].status", "array", _NONE),
    ("executionParameters.parentStatus[].status[]", "string", _NONE),
    ("runConfiguration.retryOptions.duration", "number", 5),
    ("runConfiguration.retryOptions.exitCodes", "array", _NONE),
    ("runConfiguration.retryOptions.exponentialBackoff", "boolean", False),
    ("runConfiguration.retryOptions.numberOfRetries", "integer", 3),
    ("runConfiguration.skipConfiguration.skip", "boolean", False),
    ("runConfiguration.skipConfiguration.skipDAG", "boolean", False),
]

_PARAMETERS: list[tuple[str, str, Any]] = [
    ("parameters.env", "object", _NONE),
    ("parameters.env.<name>", "string", _NONE),
    ("parameters.inherit", "object", _NONE),
    ("parameters.inherit.<name>", "string", _NONE),
]
_SECRETS: list[tuple[str, str, Any]] = [
    ("parameters.secrets", "array", _NONE),
    ("parameters.secrets[]", "string", _NONE),
]
_OUTPUT: list[tuple[str, str, Any]] = [
    ("outputParameters", "object", _NONE),
    ("outputParameters.<name>", "string", _NONE),
]

_STEPS: dict[str, list[tuple[str, str, Any]]] = {
    "standard": [
        ("type", "string", "standard"),
        ("imageId", "integer", _NONE),
        ("imageVersionId", "integer", _NONE),
        ("command", "string", _NONE),
        ("resources.instanceTypeId", "integer", _NONE),
        ("resources.storage", "string", _NONE),
        ("stepTimeout", "number", _NONE),
        ("clearImageCache", "boolean", False),
        ("repository.url", "string", _NONE),
        ("repository.branch", "string", _NONE),
        ("repository.token", "string", _NONE),
        *_PARAMETERS,
        *_SECRETS,
        *_OUTPUT,
        *_COMMON,
    ],
    "http": [
        ("type", "string", _NONE),
        ("method", "string", _NONE),
        ("url", "string", _NONE),
        ("payload", "string", _NONE),
        ("headers.absolute", "object", _NONE),
        ("headers.absolute.<name>", "string", _NONE),
        ("headers.secrets", "object", _NONE),
        ("headers.secrets.<name>", "string", _NONE),
        ("auth.type", "string", _NONE),
        ("auth.clientId", "string", _NONE),
        ("auth.clientSecret", "string", _NONE),
        ("auth.authUrl", "string", _NONE),
        ("auth.username", "string", _NONE),
        ("auth.password", "string", _NONE),
        ("auth.apiKey", "string", _NONE),
        ("auth.bearerToken", "string", _NONE),
        *_PARAMETERS,
        *_SECRETS,
        *_OUTPUT,
        *_COMMON,
    ],
    "sql": [
        ("type", "string", _NONE),
        ("sqlQueryPath", "string", _NONE),
        ("repository.url", "string", _NONE),
        ("repository.branch", "string", _NONE),
        ("repository.token", "string", _NONE),
        ("repository.filePath", "string", _NONE),
        *_PARAMETERS,
        *_COMMON,
    ],
    "export": [
        ("type", "string", _NONE),
        ("schema", "string", _NONE),
        ("table", "string", _NONE),
        ("sortBy", "string", _NONE),
        ("sortOrder", "string", "asc"),
        ("compression", "boolean", False),
        *_COMMON,
    ],
}

# The keyword parameters of `patch_workflow`.
_KEYWORDS: list[tuple[str, str, Any]] = [
    ("name", "string", _NONE),
    ("repository", "string", _NONE),
    ("branch", "string", _NONE),
    ("token", "string", _NONE),
    ("command", "string", _NONE),
    ("imageId", "integer", _NONE),
    ("imageVersionId", "integer", _NONE),
    ("instanceTypeId", "integer", _NONE),
    ("storage", "string", _NONE),
    ("stepTimeout", "number", _NONE),
    ("clearImageCache", "boolean", _NONE),
]

_SETTINGS: list[tuple[str, str, Any]] = [
    ("id", "integer", _NONE),
    ("renamedFrom", "array", _NONE),
    ("renamedFrom[]", "string", _NONE),
    ("ignore", "array", _NONE),
    ("ignore[]", "string", _NONE),
    ("extra", "object", _NONE),
    ("prevent_delete", "boolean", _NONE),
    ("paused", "boolean", _NONE),
    ("whenRunning", "string", "proceed"),
]

_CHOICES = {
    ("workflow", "triggers[].webhookPolicy"): ["generate", "preserve"],
    ("workflow", "steps.<name>.type"): ["standard", "http", "sql", "export"],
    ("http", "method"): ["get", "post", "put", "patch", "delete"],
    ("http", "auth.type"): ["no-auth", "oauth", "basic", "api-key", "bearer-token"],
    ("export", "sortOrder"): ["asc", "desc"],
    ("standard", "executionParameters.conditional[].condition"): ["equals", "not-equals"],
    ("standard", "executionParameters.parentStatus[].condition"): ["all-of", "one-of"],
    ("standard", "executionParameters.parentStatus[].status[]"): ["success", "failure"],
    ("reconcile", "whenRunning"): ["proceed", "wait", "skip"],
}

# Lists whose order and repetition mean nothing.
_SETS = {
    ("workflow", "retryOptions.exitCodes"),
    ("workflow", "watchers[].email.recipients.to"),
    *(
        (kind, path)
        for kind in STEP_TYPES
        for path in (
            "parents",
            "executionParameters.conditional",
            "executionParameters.parentStatus",
            "executionParameters.parentStatus[].parents",
            "executionParameters.parentStatus[].status",
            "runConfiguration.retryOptions.exitCodes",
        )
    ),
    ("standard", "parameters.secrets"),
    ("http", "parameters.secrets"),
}

_SECRET_FIELDS = {
    ("standard", "repository.token"),
    ("sql", "repository.token"),
    ("http", "auth.clientSecret"),
    ("http", "auth.password"),
    ("http", "auth.apiKey"),
    ("http", "auth.bearerToken"),
    ("set", "token"),
}

_TABLES: dict[str, tuple[dict[str, Any], list[tuple[str, str, Any]]]] = {
    "workflow": (_WORKFLOW, _BODY),
    "set": (_PATCH["properties"]["set"], _KEYWORDS),  # type: ignore[index, call-overload, dict-item]
    "reconcile": (_RECONCILE, _SETTINGS),
    **{kind: ({"$ref": f"#/$defs/{kind}Step"}, table) for kind, table in _STEPS.items()},
}
_ROWS = [(name, *row) for name, (_, table) in _TABLES.items() for row in table]


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    resources = [
        (load_schema(name)["$id"], DRAFT202012.create_resource(load_schema(name))) for name in SCHEMA_NAMES
    ]
    return Draft202012Validator(schema, registry=Registry().with_resources(resources))


def _leaves(schema: dict[str, Any], path: str = "") -> set[str]:
    """Return the paths of all fields below `schema` in the tables' form; steps are tables of their own."""
    found: set[str] = set()
    schema = resolved(schema)
    for name, child in schema.get("properties", {}).items():
        if child.get("x-manifest-only"):
            continue  # it is not the API's
        below = f"{path}.{name}" if path else name
        found |= {below} | _leaves(child, below)
    if isinstance(schema.get("items"), dict):
        found |= {f"{path}[]"} | _leaves(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        found |= {f"{path}.<name>"} | _leaves(schema["additionalProperties"], f"{path}.<name>")
    return found


def _parents(path: str) -> set[str]:
    """Return the paths above `path`, and itself."""
    parts = path.replace("[]", ".[]").split(".")
    return {".".join(parts[: end + 1]).replace(".[]", "[]") for end in range(len(parts))}


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schema_is_valid(name: str) -> None:
    """Each schema is valid JSON Schema 2020-12 with an address of its own and a description."""
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:peak-reconciler:schema:{name}"
    assert schema["title"]
    assert schema["description"]


def test_every_schema_file_is_known() -> None:
    """What lies in `schemas/` and what the package calls its schemas are the same, and plain JSON."""
    assert {path.stem for path in _FOLDER.glob("*.json")} >= set(SCHEMA_NAMES)
    for name in SCHEMA_NAMES:
        assert json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8")) == load_schema(name)


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_property_is_described(name: str) -> None:
    """Every property has a title, a description that is a sentence, and examples."""
    found = [(place, resolved(field, name)) for place, field in properties(load_schema(name))]
    assert found
    for place, field in found:
        assert field.get("title"), place
        assert field.get("description", "").endswith("."), place
        assert field.get("examples"), place


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_example_is_valid(name: str) -> None:
    """Every example is valid by the schema that contains it."""
    schema = load_schema(name)
    count = 0
    for place, part in subschemas(schema):
        # References inside a part are read from the document that holds the part.
        within = {"$id": schema["$id"], "$defs": schema.get("$defs", {}), **part}
        for example in part.get("examples", []):
            count += 1
            errors = [error.message for error in _validator(within).iter_errors(example)]
            assert not errors, (place, example, errors)
    own = [place for place, field in properties(schema) if "$ref" not in field]
    assert count > len(own) / 2


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_defaults_are_valid(name: str) -> None:
    """A documented default is a value that the field may have."""
    for place, part in subschemas(load_schema(name)):
        if "default" in part:
            assert _validator({key: part[key] for key in part if key != "$ref"}).is_valid(part["default"]), (
                place
            )


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_mapping_is_closed(name: str) -> None:
    """A mapping with documented keys takes no others, so that a slip of the pen is found."""
    for place, part in subschemas(load_schema(name)):
        if "properties" in part and "if" not in place.split("/") and not place.endswith("/step"):
            assert part.get("additionalProperties") is False, place


@pytest.mark.parametrize(("table", "path", "kind", "default"), _ROWS)
def test_documented_field(table: str, path: str, kind: str, default: Any) -> None:
    """Every field of the API's documentation is in the schema, with its type and its default."""
    field = at(_TABLES[table][0], path)
    assert field["type"] == kind
    assert field.get("default", _NONE) == default


@pytest.mark.parametrize("table", _TABLES)
def test_nothing_is_undocumented(table: str) -> None:
    """The schema has no field that the tables of this test, and so the documentation, do not have."""
    schema, rows = _TABLES[table]
    known = {above for path, _, _ in rows for above in _parents(path)}
    extra = {path for path in _leaves(schema) if not path.startswith("steps.")} - known
    assert extra <= {f"{path}[]" for path in known}


def test_patch_body_has_what_a_body_has() -> None:
    """A patch's body takes every key of a body, and its steps every key that any type of step has."""
    body = at(_PATCH, "body")
    assert set(body["properties"]) == set(_WORKFLOW["properties"])  # type: ignore[arg-type]
    steps = {field for kind in STEP_TYPES for field in _leaves(_TABLES[kind][0])}
    assert _leaves(at(_PATCH, "body.steps.<name>")) == steps


@pytest.mark.parametrize(("table", "path"), _CHOICES)
def test_documented_choices(table: str, path: str) -> None:
    """A field with a fixed set of values has exactly the documented ones."""
    assert at(_TABLES[table][0], path)["enum"] == _CHOICES[table, path]


@pytest.mark.parametrize("kind", STEP_TYPES)
def test_type_of_each_step(kind: str) -> None:
    """Each kind of step states its own type."""
    assert at(_TABLES[kind][0], "type")["const"] == kind


def test_sets_are_marked() -> None:
    """Exactly the lists whose order means nothing are marked as sets."""
    marked = {
        (table, path)
        for table, (schema, rows) in _TABLES.items()
        for path, kind, _ in rows
        if kind == "array" and at(schema, path).get("x-set") is True
    }
    assert marked == _SETS


def test_secrets_are_marked() -> None:
    """Exactly the fields that hold secrets are marked, in a whole step as in a patch."""
    marked = {
        (table, path)
        for table, (schema, rows) in _TABLES.items()
        for path, _, _ in rows
        if at(schema, path).get("x-sensitive") is True
    }
    assert marked == _SECRET_FIELDS
    partial = at(_PATCH, "body.steps.<name>")
    in_patch = {path for path in _leaves(partial) if at(partial, path).get("x-sensitive") is True}
    assert in_patch == {path for table, path in _SECRET_FIELDS if table != "set"}


def test_limits() -> None:
    """The documented bounds of numbers hold, and what must not be empty must not."""
    retry = at(_WORKFLOW, "retryOptions")["properties"]
    assert (retry["duration"]["minimum"], retry["duration"]["maximum"]) == (0, 120)
    assert (retry["numberOfRetries"]["minimum"], retry["numberOfRetries"]["maximum"]) == (0, 5)
    assert _WORKFLOW["required"] == ["name", "steps"]
    assert at(_WORKFLOW, "steps")["minProperties"] == 1
    assert at(_WORKFLOW, "watchers[].webhook")["required"] == ["name", "url", "payload"]
    assert resolved({"$ref": "#/$defs/exportStep"})["required"] == ["schema", "table", "sortBy"]


def test_own_tags_are_kept() -> None:
    """The tag names that a manifest may not use are those that the reconciler uses itself."""
    assert at(_WORKFLOW, "tags[].name")["not"]["pattern"] == f"^{OWN_TAG_PREFIX}"
