"""Documented fields that a described workflow does not show, which an API may hide.

An update replaces the whole workflow, so that sending back what is returned would remove such a field. Paths
have `*` in place of a step's name. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.schema import Field, FieldKind, body_fields, step_fields
from reconciler.values import ABSENT, JsonObject, Path, as_object, lookup
from reconciler.workflow.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYS: Final = frozenset({"name", "type", "steps"})
"""The keys without which a workflow or a step would be another one."""

_WHOLE: Final = frozenset({"metadata", "retryOptions"})
"""The objects of which the API returns every field or none."""

_AUTH_SECRETS: Final = {
    "oauth": "clientSecret",
    "basic": "password",
    "api-key": "apiKey",
    "bearer-token": "bearerToken",
}
"""The secret field of each type of authentication; the others do not go with it."""


def shown_fields(live: JsonObject) -> set[Path]:
    """Return the documented fields that a described workflow shows."""
    return {_pattern(path) for path, is_shown in _fields(live) if is_shown}


def unreturned_fields(live: JsonObject, sent: JsonObject, shown: set[Path]) -> tuple[Path, ...]:
    """Return the documented fields that an update may remove, since it does not know them.

    Args:
        live: The described workflow.
        sent: The body of the update.
        shown: The fields that some workflow of the tenant shows, so that the API returns them.
    """
    found = (path for path, is_shown in _fields(live) if not is_shown and lookup(sent, path) is ABSENT)
    return tuple(sorted({_pattern(path) for path in found} - shown))


def _pattern(path: Path) -> Path:
    return (path[0], "*", *path[2:]) if path[0] == "steps" else path


def _fields(live: JsonObject) -> Iterator[tuple[Path, bool]]:
    """Yield the path of each documented field that a workflow may have, and whether it shows it."""
    yield from _inside(live, body_fields(), ())
    for name, step in as_object(live.get("steps")).items():
        raw = as_object(step)
        yield from _inside(raw, step_fields(Step(raw).type), ("steps", name))


def _inside(value: JsonObject, record: Field, path: Path) -> Iterator[tuple[Path, bool]]:
    for key, field in record.children.items():
        found = value.get(key, ABSENT)
        if key in _KEYS:
            continue
        yield (*path, key), found is not ABSENT and not (field.sensitive and found in (None, ""))
        if isinstance(found, dict) and field.kind is FieldKind.RECORD and key not in _WHOLE:
            yield from _inside(found, _of_its_type(field, key, found), (*path, key))


def _of_its_type(field: Field, key: str, value: JsonObject) -> Field:
    if key != "auth":
        return field
    secret = _AUTH_SECRETS.get(str(value.get("type")), "")
    return Field(kind=field.kind, children={name: field.children[name] for name in [secret] if name})
