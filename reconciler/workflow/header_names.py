"""Names of headers: compared without regard to case, as in HTTP, and kept as they are written. Pure.

Two bodies are brought to one spelling before they are compared or merged: that of the manifest.
"""

from __future__ import annotations

from typing import Final

from reconciler.values import JsonObject, JsonValue, Path, as_object

_HEADERS: Final = "headers"
_HEADER_DEPTH: Final = 5
"""The length of the path of a header: `steps.call.headers.absolute.Accept`."""


def with_header_names_of(body: JsonObject, other: JsonObject) -> JsonObject:
    """Return `body` with the names of its headers as `other` spells them; `body` itself if none differs."""
    steps, theirs = body.get("steps"), other.get("steps")
    if not isinstance(steps, dict) or not isinstance(theirs, dict):
        return body
    renamed: JsonObject = {}
    for name, step in steps.items():
        ours = step.get(_HEADERS) if isinstance(step, dict) else None
        if ours and name in theirs:
            headers = _renamed(as_object(ours), as_object(as_object(theirs[name]).get(_HEADERS)))
            if headers != ours:
                renamed[name] = {**as_object(step), _HEADERS: headers}
    return {**body, "steps": {**steps, **renamed}} if renamed else body


def header_key(path: Path) -> Path:
    """Return `path` of a body or a pattern; where it leads to a header, in lower case."""
    if len(path) < _HEADER_DEPTH or path[0] != "steps" or path[2] != _HEADERS:
        return path
    place, name = path[: _HEADER_DEPTH - 1], path[_HEADER_DEPTH - 1]
    return (*place, str(name).casefold(), *path[_HEADER_DEPTH:])


def _renamed(headers: JsonObject, other: JsonObject) -> JsonObject:
    return {kind: _with_names_of(names, as_object(other.get(kind))) for kind, names in headers.items()}


def _with_names_of(names: JsonValue, other: JsonObject) -> JsonValue:
    if not isinstance(names, dict):
        return names
    spelled = {name.casefold(): name for name in other if name not in names}
    renamed: JsonObject = {}
    for name, value in names.items():
        new = name if name in other else spelled.pop(name.casefold(), name)
        renamed[new] = value
    return renamed
