"""What a difference is: one field that is to change. Pure values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.values import ABSENT, Absent, JsonValue, Path, dump_compact


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that is to change.

    Args:
        path: Where, from the root of the canonical form: `("steps", "train", "imageId")`.
        before: What the platform has; `ABSENT` for nothing.
        after: What Git wants; `ABSENT` for nothing.
        sensitive: Whether both are secrets, and so never shown.
    """

    path: Path
    before: JsonValue | Absent = field(repr=False)
    after: JsonValue | Absent = field(repr=False)
    sensitive: bool = False

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
    """Yield the single fields below `value` with their paths; a list is one field, and so is an empty map."""
    if isinstance(value, dict) and value:
        for key in value:
            yield from leaves(value[key], (*path, key))
    else:
        yield path, value
