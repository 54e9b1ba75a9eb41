"""Field changes: the differences between two canonical forms, as values.

deepdiff, which takes long to load, finds the paths of two forms that are known to differ
(`reconciler.workflow.deep_diff`); equality is decided before, by `ComparableForms.equal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, dump_compact
from reconciler.workflow.normal_text import as_written


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
    names_before: Mapping[Path, str] = field(default_factory=dict, compare=False)
    names_after: Mapping[Path, str] = field(default_factory=dict, compare=False)
    origin: Origin | None = None

    @property
    def removes(self) -> bool:
        """Whether something goes away: the field itself, or an item of a list."""
        if self.after is ABSENT:
            return self.before is not ABSENT
        if isinstance(self.before, list) and isinstance(self.after, list):
            kept = {dump_compact(item) for item in self.after}
            return any(dump_compact(item) not in kept for item in self.before)
        return False


def leaves(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Yield the single fields below `value` with their paths; a list is one field, as is an empty map."""
    if isinstance(value, dict) and value:
        for key in value:
            yield from leaves(value[key], (*path, key))
    else:
        yield path, value


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
    from reconciler.workflow.deep_diff import field_changes  # noqa: PLC0415 - most plans find no difference

    return field_changes(before, after, default_resource or {})
