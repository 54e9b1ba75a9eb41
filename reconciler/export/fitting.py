"""Fields that a manifest cannot state: left out of it, and listed under `ignore`."""

from __future__ import annotations

import copy
from itertools import takewhile
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.schema import validate
from reconciler.secrecy import credential_kind, nodes
from reconciler.values import JsonObject, JsonValue, Path, lookup
from reconciler.workflow import by_name_path

_MAX_LEFT_OUT: Final = 200
_STEP_DEPTH: Final = 3


class NotExpressibleError(ReconcilerError):
    """No manifest can describe this workflow."""


def without_invalid_fields(body: JsonObject) -> tuple[JsonObject, dict[Path, str]]:
    """Return `body` without what the schema does not allow, and the reason for each field left out.

    Returns:
        The body, and the fields by their paths in the canonical form, as `reconcile.ignore` takes them.

    Raises:
        NotExpressibleError: A workflow needs one of these fields, or a key looks like a credential.
    """
    if any(credential_kind(str(path[-1])) for path, _ in nodes(body) if path):
        raise NotExpressibleError(
            "one of its keys looks like a credential, and a variable cannot replace a key"
        )
    left: dict[Path, str] = {}
    body = copy.deepcopy(body)
    while (problem := next(validate(body, "workflow"), None)) is not None:
        path = _field(problem.path)
        if path is None or len(left) >= _MAX_LEFT_OUT:
            raise NotExpressibleError(problem.message)
        left[by_name_path(path, body)] = problem.message
        _remove(body, path)
    return body, left


def _field(path: Path) -> Path | None:
    """Return the field at or above `path` that `reconcile.ignore` can name; `None` when there is none."""
    match path:
        case (("watchers" | "triggers") as key, int(index), *_):
            return (key, index)
        case ("tags" | "metadata" | "retryOptions", *_):
            return path[:1] if path[0] == "tags" else _named(path)
        case ("steps", _, _, *_):
            named = _named(path)
            return named if len(named) >= _STEP_DEPTH and named[2:] != ("type",) else None
    return None


def _named(path: Path) -> Path:
    """Return the part of `path` before the first list that it leads into."""
    return tuple(takewhile(lambda part: isinstance(part, str), path))


def _remove(body: JsonObject, path: Path) -> None:
    parent: JsonValue | object = lookup(body, path[:-1])
    if isinstance(parent, dict):
        parent.pop(str(path[-1]), None)
    elif isinstance(parent, list):
        del parent[int(path[-1])]
