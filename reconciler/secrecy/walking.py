"""Walk over a JSON value, shared by masking, redaction, backups, exports and plan files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, TypeAlias

from reconciler.values import JsonValue, Path


class Verdict(Enum):
    """What the walk does with a value that it does not replace."""

    KEEP = "keep"
    DROP = "drop"


KEEP: Final = Verdict.KEEP
"""Keep the value, and go on with what is inside it."""

DROP: Final = Verdict.DROP
"""Remove the value: a mapping loses its key, a list has `null` in its place."""

Replace: TypeAlias = Callable[[JsonValue, Path], "JsonValue | Verdict"]


def rewrite(value: JsonValue, replace: Replace, path: Path = ()) -> JsonValue:
    """Return a copy of a JSON value in which `replace` decides about every value, the outer ones first.

    Args:
        value: The value; it is not changed.
        replace: Takes a value and its path; returns what takes its place, `KEEP` or `DROP`.
        path: Where `value` is in its document.
    """
    result = _rewritten(value, replace, path)
    return None if isinstance(result, Verdict) else result


def _rewritten(value: JsonValue, replace: Replace, path: Path) -> JsonValue | Verdict:
    result = replace(value, path)
    if result is not KEEP:
        return result
    if isinstance(value, dict):
        fields = ((name, _rewritten(item, replace, (*path, name))) for name, item in value.items())
        return {name: item for name, item in fields if not isinstance(item, Verdict)}
    if isinstance(value, list):
        items = (_rewritten(item, replace, (*path, index)) for index, item in enumerate(value))
        return [None if isinstance(item, Verdict) else item for item in items]
    return value


def nodes(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Yield a JSON value and every value inside it with its path, in the order of the document."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from nodes(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nodes(item, (*path, index))


def texts(value: JsonValue) -> Iterator[tuple[Path, str]]:
    """Yield every text inside a JSON value with its path, in the order of the document."""
    return ((path, item) for path, item in nodes(value) if isinstance(item, str))
