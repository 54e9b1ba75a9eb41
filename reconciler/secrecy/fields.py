"""Which fields are secrets, and how they are masked: by the schema's mark, and by what came through `!env`.

What is masked here is masked for good: everything after it, plans, reports and errors, sees `(sensitive)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.schema import sensitive_step_fields
from reconciler.text import SENSITIVE
from reconciler.values import JsonObject, JsonValue, Path, as_object, lookup


def is_secret_field(path: Path) -> bool:
    """Return whether the schema marks the field at `path`, from the body's root, as a secret."""
    return path[:1] == ("steps",) and path[2:] in sensitive_step_fields()


def secret_values(body: JsonObject) -> Iterator[str]:
    """Yield the texts that stand in the fields of `body` that the schema marks as secrets."""
    for step in as_object(body.get("steps")).values():
        found = (lookup(step, part) for part in sensitive_step_fields())
        yield from (value for value in found if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Sensitive:
    """The secret fields of one workflow.

    Args:
        paths: Beside those that the schema marks, from the root that `covers` and `mask` are asked about.
    """

    paths: frozenset[Path] = frozenset()

    def covers(self, path: Path) -> bool:
        """Return whether the value at `path` is a secret, or a part of one."""
        return is_secret_field(path) or any(path[: len(known)] == known for known in self.paths)

    def mask(self, value: JsonValue, path: Path = ()) -> JsonValue:
        """Return `value`, which stands at `path`, with every secret in it replaced by `(sensitive)`."""
        if value is None or value == "":
            return value
        if self.covers(path):
            return SENSITIVE
        if isinstance(value, dict):
            return {key: self.mask(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mask(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def holds(self, path: Path) -> bool:
        """Return whether a secret stands at `path` or below it."""
        return self.covers(path) or any(known[: len(path)] == path for known in self.paths)
