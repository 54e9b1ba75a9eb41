"""Secret fields: those that the schema marks, and those of one workflow whose values came through `!env`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.schema import SENSITIVE, sensitive_step_fields
from reconciler.secrecy.walking import KEEP, Verdict, rewrite
from reconciler.values import JsonObject, JsonValue, Path, as_object, lookup


def is_secret_field(path: Path) -> bool:
    """Return whether the schema marks the field at `path` of a body as a secret."""
    return path[:1] == ("steps",) and path[2:] in sensitive_step_fields()


def is_webhook_url(path: Path) -> bool:
    """Return whether the URL that a watcher calls, a credential, is at `path` of a body or its form."""
    return path[:1] == ("watchers",) and path[-2:] == ("webhook", "url")


def ends_in_secret_field(path: Path) -> bool:
    """Return whether `path`, from the root of any document, ends in a marked field."""
    return any(path[-len(field) :] == field for field in sensitive_step_fields())


def secret_values(body: JsonObject) -> Iterator[str]:
    """Yield the texts in the fields of a body that the schema marks as secrets."""
    for step in as_object(body.get("steps")).values():
        found = (lookup(step, part) for part in sensitive_step_fields())
        yield from (value for value in found if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class SecretFields:
    """The secret fields of one workflow: those that the schema marks, and `paths`.

    Args:
        paths: Further fields, from the root of the body (or of the form) that the methods are called for.
    """

    paths: frozenset[Path] = frozenset()

    def covers(self, path: Path) -> bool:
        """Return whether the value at `path` is a secret or part of one."""
        return is_secret_field(path) or any(path[: len(known)] == known for known in self.paths)

    def contains(self, path: Path) -> bool:
        """Return whether there is a secret at `path` or, among `paths`, below it."""
        return self.covers(path) or any(known[: len(path)] == path for known in self.paths)

    def mask(self, value: JsonValue, path: Path = ()) -> JsonValue:
        """Return the value at `path` with every secret field in it masked; empty ones stay."""

        def replace(item: JsonValue, where: Path) -> JsonValue | Verdict:
            return SENSITIVE if item not in (None, "") and self.covers(where) else KEEP

        return rewrite(value, replace, path)
