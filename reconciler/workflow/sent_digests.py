"""What the platform takes but does not tell, remembered in tags of the workflow itself.

Some fields cannot be read back (possibly `retryOptions`, `metadata`, `repository.token`). What was last sent
for such a field is kept as a short keyed digest in a tag `reconciler-sent-…`: letters, digits and hyphens,
which say whether a value is still the same and nothing else. Pure: tags in, tags out.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Final

from reconciler.secrecy import is_secret_field
from reconciler.values import JsonObject, JsonValue, Path, as_list, as_object, dump_compact
from reconciler.workflow.named_lists import OWN_TAG_PREFIX

_PREFIX: Final = f"{OWN_TAG_PREFIX}sent-"
_PATH_LENGTH: Final = 5
_VALUE_LENGTH: Final = 7
_PER_TAG: Final = 3
_ENTRY: Final = re.compile(f"[a-z2-7]{{{_PATH_LENGTH + _VALUE_LENGTH}}}")


class WriteOnlyField(str, Enum):
    """The kinds of fields that a platform may take and not tell; each is told, or not, as one."""

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


@dataclass(frozen=True, slots=True)
class SentDigests:
    """What a workflow's tags remember: a digest of a value for each digest of a path."""

    digests: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(body: JsonObject) -> SentDigests:
        """Return what the tags of a described workflow remember; tags that do not parse say nothing."""
        digests: dict[str, str] = {}
        for tag in as_list(body.get("tags")):
            if is_digest_tag(tag):
                for entry in _name(tag).removeprefix(_PREFIX).split("-"):
                    if _ENTRY.fullmatch(entry):
                        digests[entry[:_PATH_LENGTH]] = entry[_PATH_LENGTH:]
        return SentDigests(digests)

    def tags(self) -> list[JsonValue]:
        """Return the tags that keep this memory, always the same ones for the same memory."""
        entries = iter(sorted(f"{path}{value}" for path, value in self.digests.items()))
        tags: list[JsonValue] = []
        while group := list(islice(entries, _PER_TAG)):
            tags.append({"name": _PREFIX + "-".join(group)})
        return tags


@dataclass(frozen=True, slots=True)
class Digester:
    """Makes the digests of one workflow's fields.

    Args:
        key: What keys them. Without the key, a digest tells nothing of the value.
        name: The workflow's name, so that equal values of two workflows do not look alike.
    """

    key: bytes = field(repr=False)
    name: str

    def remembers(self, memory: SentDigests, path: Path) -> bool:
        """Return whether `memory` holds anything about the field at `path`."""
        return bool(memory.digests) and self._path(path) in memory.digests

    def agrees(self, memory: SentDigests, path: Path, value: JsonValue) -> bool:
        """Return whether `memory` says that `value` was last sent for the field at `path`."""
        return memory.digests.get(self._path(path)) == self._value(path, value)

    def memory(self, fields: Iterable[tuple[Path, JsonValue]]) -> SentDigests:
        """Return the memory of what is sent for `fields`."""
        return SentDigests({self._path(path): self._value(path, value) for path, value in fields})

    def _path(self, path: Path) -> str:
        return self._digest(list(path), _PATH_LENGTH)

    def _value(self, path: Path, value: JsonValue) -> str:
        return self._digest([list(path), value], _VALUE_LENGTH)

    def _digest(self, what: JsonValue, length: int) -> str:
        message = dump_compact([self.name, what]).encode("utf-8", "surrogatepass")
        digest = hmac.digest(self.key, message, "sha256")
        return base64.b32encode(digest).decode("ascii")[:length].lower()


def is_digest_tag(tag: JsonValue) -> bool:
    """Return whether `tag` is one that keeps a memory."""
    return _name(tag).startswith(_PREFIX)


def _name(tag: JsonValue) -> str:
    name = as_object(tag).get("name")
    return name if isinstance(name, str) else ""
