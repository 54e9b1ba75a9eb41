"""Sent digests: keyed digests of the values that were last sent for write-only fields.

Some fields cannot be read back (possibly `retryOptions`, `metadata`, `repository.token`). Their digests are
kept in tags of the workflow (`reconciler.workflow.own_tags`): letters and digits that say whether a value is
still the same, and nothing else. Pure.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from reconciler.values import JsonValue, Path, dump_compact

_PATH_LENGTH: Final = 5
_VALUE_LENGTH: Final = 7
_PER_TEXT: Final = 3
_ENTRY: Final = re.compile(f"[a-z2-7]{{{_PATH_LENGTH + _VALUE_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class SentDigests:
    """What was last sent: the digest of a value by the digest of its path."""

    digests: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.digests)

    @staticmethod
    def of_texts(texts: Iterable[str]) -> SentDigests:
        """Return the digests that `texts` keep; what does not parse is left out."""
        entries = (entry for text in texts for entry in text.split("-") if _ENTRY.fullmatch(entry))
        return SentDigests({entry[:_PATH_LENGTH]: entry[_PATH_LENGTH:] for entry in entries})

    def texts(self) -> Iterator[str]:
        """Yield the digests as texts short enough for a tag, always the same ones for the same digests."""
        entries = iter(sorted(f"{path}{value}" for path, value in self.digests.items()))
        while group := list(islice(entries, _PER_TEXT)):
            yield "-".join(group)


@dataclass(frozen=True, slots=True)
class Digester:
    """Makes and checks the digests of one workflow's fields.

    Args:
        key: The key of the digests; without it, a digest says nothing about the value.
        name: The workflow's name, so that equal values of two workflows do not look alike.
    """

    key: bytes = field(repr=False)
    name: str

    def knows(self, sent: SentDigests, path: Path) -> bool:
        """Return whether `sent` has a digest for the field at `path`."""
        return bool(sent) and self._path(path) in sent.digests

    def agrees(self, sent: SentDigests, path: Path, value: JsonValue) -> bool:
        """Return whether `value` is what was last sent for the field at `path`."""
        return sent.digests.get(self._path(path)) == self._value(path, value)

    def digests(self, fields: Iterable[tuple[Path, JsonValue]]) -> SentDigests:
        """Return the digests of what is sent for `fields`."""
        return SentDigests({self._path(path): self._value(path, value) for path, value in fields})

    def _path(self, path: Path) -> str:
        return self._digest(list(path), _PATH_LENGTH)

    def _value(self, path: Path, value: JsonValue) -> str:
        return self._digest([list(path), value], _VALUE_LENGTH)

    def _digest(self, what: JsonValue, length: int) -> str:
        message = dump_compact([self.name, what]).encode("utf-8", "surrogatepass")
        digest = hmac.digest(self.key, message, "sha256")
        return base64.b32encode(digest).decode("ascii")[:length].lower()
