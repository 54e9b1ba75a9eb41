"""Placeholders for values from `!env`, in the body that rules see.

No rule reports such a value, whether the variable is set or not, and none can quote it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.values import JsonObject, JsonValue, Path, display_path


class Unknown(str):
    """The text that replaces an unknown value, equal to no other text."""

    __slots__ = ()


def with_unknown(body: JsonObject, paths: Collection[Path]) -> JsonObject:
    """Return `body` with the values at `paths` replaced; parts without one are not copied."""
    return {**body, **dict(_replaced(body, paths, ()))} if paths else body


def _replaced(value: JsonObject, paths: Iterable[Path], above: Path) -> Iterable[tuple[str, JsonValue]]:
    for part, below in _grouped(paths).items():
        if isinstance(part, str) and part in value:
            yield part, _value(value[part], below, (*above, part))


def _value(value: JsonValue, paths: list[Path], path: Path) -> JsonValue:
    if () in paths:
        return Unknown(f"!env at {display_path(path)}")
    if isinstance(value, dict):
        return {**value, **dict(_replaced(value, paths, path))}
    if isinstance(value, list):
        groups = _grouped(paths)
        return [
            _value(item, groups[index], (*path, index)) if index in groups else item
            for index, item in enumerate(value)
        ]
    return value


def _grouped(paths: Iterable[Path]) -> dict[str | int, list[Path]]:
    groups: dict[str | int, list[Path]] = {}
    for path in paths:
        groups.setdefault(path[0], []).append(path[1:])
    return groups
