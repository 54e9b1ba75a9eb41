"""Field changes: the differences between two canonical forms, as values.

Equality is decided before, by `ComparableForms.equal`. What only one form has is found by its keys; where
both have different values, deepdiff, which takes long to load, finds the paths
(`reconciler.workflow.deep_diff`), and sees nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from reconciler.schema import documented_default
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Packed,
    Path,
    as_list,
    as_object,
    dump_compact,
    lookup,
    same_json,
)
from reconciler.workflow.normal_text import as_written
from reconciler.workflow.step import STANDARD, Step

_WHOLE: Final = frozenset({"steps", "watchers"})
"""Maps whose items come and go as one change each."""

_ITEM_DEPTH: Final = 2
"""The length of the path of such an item."""


_NO_NAMES: Final[Mapping[Path, str]] = MappingProxyType({})
_NOTHING_MORE: Final = ((), (), None)
"""What a packed change has at its end, if it has names or an origin: here neither."""


def _no_names() -> Mapping[Path, str]:
    """Return the one empty mapping: a plan may have a million changes."""
    return _NO_NAMES


class Origin(str, Enum):
    """The side that a difference comes from, seen from the manifests at an earlier commit."""

    GIT = "git"
    DRIFT = "drift"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field that changes.

    Args:
        path: Where, from the root of the canonical form: `("steps", "train", "imageId")`.
        before: The live value; `ABSENT` for none.
        after: The desired value; `ABSENT` for none.
        sensitive: Whether both are secrets, which are never shown.
        names_before: The names of the ids in `before`, by the path of the id below it.
        names_after: The names of the ids in `after`, likewise.
        origin: The side it comes from; `None` where no earlier commit is known.
    """

    path: Path
    before: JsonValue | Absent = field(repr=False)
    after: JsonValue | Absent = field(repr=False)
    sensitive: bool = False
    names_before: Mapping[Path, str] = field(default_factory=_no_names, compare=False)
    names_after: Mapping[Path, str] = field(default_factory=_no_names, compare=False)
    origin: Origin | None = None

    def with_sides(
        self, before: JsonValue | Absent, after: JsonValue | Absent, *, sensitive: bool
    ) -> FieldChange:
        """Return the same change with other values, such as masked ones."""
        return FieldChange(
            path=self.path,
            before=before,
            after=after,
            sensitive=sensitive,
            names_before=self.names_before,
            names_after=self.names_after,
            origin=self.origin,
        )

    @property
    def removes(self) -> bool:
        """Whether something goes away: the field itself, or an item of a list."""
        if self.after is ABSENT:
            return self.before is not ABSENT
        if isinstance(self.before, list) and isinstance(self.after, list):
            kept = {dump_compact(item) for item in self.after}
            return any(dump_compact(item) not in kept for item in self.before)
        return False


class PackedChanges:
    """Changes that are kept as bytes, a tenth of the memory, where a plan has a million of them.

    Args:
        changes: The changes; their values are JSON as it is written.
    """

    __slots__ = ("_packed",)

    def __init__(self, changes: Iterable[FieldChange]) -> None:
        self._pack([_as_row(change) for change in changes])

    def __iter__(self) -> Iterator[FieldChange]:
        """Yield the changes, made again each time."""
        return map(_of_row, self._rows)

    def where(self, takes: Callable[[Path], bool]) -> list[FieldChange]:
        """Return the changes whose path `takes` is true of."""
        return [_of_row(row) for row in self._rows if takes(tuple(row[0]))]

    def with_others(self, others: Mapping[Path, FieldChange]) -> PackedChanges:
        """Return the same changes with `others` in place of those at their paths."""
        packed = PackedChanges(())
        packed._pack(
            [_as_row(others[path]) if (path := tuple(row[0])) in others else row for row in self._rows]
        )
        return packed

    @property
    def _rows(self) -> list[Any]:
        return as_list(self._packed.value)

    def _pack(self, rows: list[JsonValue]) -> None:
        self._packed = Packed.of(rows)


def _as_row(change: FieldChange) -> JsonValue:
    """Return a change as JSON: a side is a list of one value or of none; most have no names and no origin."""
    row: list[JsonValue] = [
        list(change.path),
        [] if change.before is ABSENT else [change.before],
        [] if change.after is ABSENT else [change.after],
        change.sensitive,
    ]
    if change.names_before or change.names_after or change.origin:
        row += map(_rows_of_names, (change.names_before, change.names_after))
        row.append(change.origin and change.origin.value)
    return row


def _rows_of_names(names: Mapping[Path, str]) -> list[JsonValue]:
    return [[[*path], name] for path, name in names.items()]


def _of_row(row: list[Any]) -> FieldChange:
    path, before, after, sensitive, *rest = row
    names_before, names_after, origin = rest or _NOTHING_MORE
    return FieldChange(
        path=tuple(path),
        before=before[0] if before else ABSENT,
        after=after[0] if after else ABSENT,
        sensitive=sensitive,
        names_before=_names(names_before),
        names_after=_names(names_after),
        origin=origin and Origin(origin),
    )


def _names(named: Iterable[Any]) -> Mapping[Path, str]:
    return {tuple(path): name for path, name in named} if named else _NO_NAMES


def written_sides(change: FieldChange) -> tuple[JsonValue | Absent, JsonValue | Absent]:
    """Return both values as they are written; an item of a list that stays is written as it is after."""
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        written = {dump_compact(item): item for item in after}
        before = [written.get(dump_compact(item), item) for item in before]
    return (
        ABSENT if before is ABSENT else as_written(before),
        ABSENT if after is ABSENT else as_written(after),
    )


def diff(
    before: JsonObject, after: JsonObject, default_resource: JsonObject | None = None
) -> tuple[FieldChange, ...]:
    """Return the differences between two canonical forms, sorted by path.

    A step or a watcher that comes or goes is one change; every other difference is that of a single field,
    a list being one field. A field that one side leaves out, and that has a documented default, is shown as
    that default.

    Args:
        before: The live form.
        after: The desired form.
        default_resource: The answer of `get_default_resource`, shown where a side leaves out resources.
    """
    one_sided: list[Path] = []
    here, there = _unequal(before, after, (), one_sided)
    paths = [*one_sided, *(_differing_paths(here, there) if here else ())]
    sides = (_Side(before, default_resource or {}), _Side(after, default_resource or {}))
    ordered = sorted(paths, key=lambda path: [str(part) for part in path])
    return tuple(
        FieldChange(path=path, before=sides[0].value(path), after=sides[1].value(path)) for path in ordered
    )


def _differing_paths(here: JsonObject, there: JsonObject) -> Iterator[Path]:
    from reconciler.workflow.deep_diff import differing_paths  # noqa: PLC0415 - most plans need it not

    return differing_paths(here, there)


def _unequal(
    before: JsonObject, after: JsonObject, path: Path, one_sided: list[Path]
) -> tuple[JsonObject, JsonObject]:
    """Return the parts that both forms have and that differ, and add the fields that only one has."""
    here: JsonObject = {}
    there: JsonObject = {}
    for key, ours in before.items():
        theirs = after.get(key, ABSENT)
        if theirs is ABSENT:
            one_sided += _fields(ours, (*path, key))
        elif same_json(ours, theirs):
            continue
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            inner = _unequal(ours, theirs, (*path, key), one_sided)
            if inner[0]:
                here[key], there[key] = inner
        else:
            here[key], there[key] = ours, theirs
    for key in after.keys() - before.keys():
        one_sided += _fields(after[key], (*path, key))
    return here, there


def _fields(value: JsonValue, path: Path) -> Iterator[Path]:
    """Yield the path of each field of a value that the other side lacks; a step or a watcher is one."""
    if isinstance(value, dict) and not (len(path) == _ITEM_DEPTH and path[0] in _WHOLE):
        for key, item in value.items():
            yield from _fields(item, (*path, key))
    else:
        yield path


class _Side:
    """One of the two forms, and the meaning of the fields that it leaves out."""

    def __init__(self, form: JsonObject, default_resource: JsonObject) -> None:
        self._form = form
        self._default_resource = default_resource

    def value(self, path: Path) -> JsonValue | Absent:
        found = lookup(self._form, path)
        if found is not ABSENT:
            return found
        kind = Step(as_object(lookup(self._form, path[:_ITEM_DEPTH]))).type
        if path[0] == "steps" and path[2:3] == ("resources",):
            return lookup(self._default_resource, path[3:]) if kind == STANDARD else ABSENT
        return documented_default(path, kind)
