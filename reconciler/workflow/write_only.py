"""Write-only fields: what a platform may accept and not return, and where such fields are in a form. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache

from reconciler.schema import Field, body_fields, sensitive_step_fields
from reconciler.secrecy import is_mask, is_secret_field
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object

_STEP_RETRY_PATH = ("runConfiguration", "retryOptions")


class WriteOnlyField(str, Enum):
    """A kind of field that a platform may not return; all fields of a kind are returned, or none is."""

    TOKEN = "repository.token"  # noqa: S105 - the name of a field
    SECRET = "auth"  # noqa: S105 - the name of a field
    METADATA = "metadata"
    RETRY = "retryOptions"
    STEP_RETRY = "runConfiguration.retryOptions"

    @property
    def is_credential(self) -> bool:
        """Whether the fields are secrets, which a platform may also mask."""
        return self in {WriteOnlyField.TOKEN, WriteOnlyField.SECRET}


def write_only_field(path: Path) -> WriteOnlyField | None:
    """Return the kind that the field at `path` of a canonical form belongs to; `None` for any other field."""
    if is_secret_field(path):
        return WriteOnlyField.TOKEN if path[2] == "repository" else WriteOnlyField.SECRET
    match path:
        case ("metadata", *_):
            return WriteOnlyField.METADATA
        case ("retryOptions", *_):
            return WriteOnlyField.RETRY
        case ("steps", _, "runConfiguration", "retryOptions", *_):
            return WriteOnlyField.STEP_RETRY
    return None


def write_only_fields(form: JsonObject) -> Iterator[Path]:
    """Yield the path of each documented write-only field of a workflow with the steps of `form`."""
    yield from _top_paths()
    for name in as_object(form.get("steps")):
        for part in _step_paths():
            yield ("steps", name, *part)


def is_returned(path: Path, value: JsonValue | Absent) -> bool:
    """Return whether a live value says what it is: it is there and, for a credential, not masked."""
    if value is ABSENT:
        return False
    kind = write_only_field(path)
    return kind is None or not kind.is_credential or not is_mask(value)


def tokens_left_out(form: JsonObject) -> list[Path]:
    """Return the paths of the tokens that the repositories of a canonical form leave out."""
    return [
        ("steps", name, "repository", "token")
        for name, step in as_object(form.get("steps")).items()
        if (repository := as_object(as_object(step).get("repository"))) and "token" not in repository
    ]


@cache
def _top_paths() -> tuple[Path, ...]:
    fields = body_fields().children
    return tuple(path for key in ("metadata", "retryOptions") for path in _leaf_paths(fields[key], (key,)))


@cache
def _step_paths() -> tuple[Path, ...]:
    options = body_fields().children["retryOptions"]
    return (*sorted(sensitive_step_fields()), *_leaf_paths(options, _STEP_RETRY_PATH))


def _leaf_paths(field: Field, path: Path) -> Iterator[Path]:
    if not field.children:
        yield path
    for name, child in field.children.items():
        yield from _leaf_paths(child, (*path, name))
