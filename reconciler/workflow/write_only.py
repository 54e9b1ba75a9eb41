"""Write-only fields, and the digests of the values last sent for them.

A platform may accept a field and not return it (possibly `retryOptions`, `metadata`, `repository.token`).
What was last sent is kept as a keyed digest in a tag (`reconciler.workflow.own_tags`): letters
and digits that say whether a value is still the same, and nothing else. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, cached_property, lru_cache
from itertools import islice
from typing import Final, NamedTuple

from reconciler.schema import Field, body_fields, sensitive_step_fields, step_fields
from reconciler.secrecy import is_mask, is_secret_field
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Path,
    as_object,
    dump_compact,
    lookup,
    without,
)
from reconciler.workflow.step import Step

_STEP_RETRY_PATH: Final[Path] = ("runConfiguration", "retryOptions")
_TOKEN_PATH: Final[Path] = ("repository", "token")


class WriteOnlyField(str, Enum):
    """A kind of field that a platform may not return; all fields of a kind are returned, or none is."""

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


def kinds_of_fields(paths: Iterable[Path]) -> frozenset[WriteOnlyField]:
    """Return the kinds of the write-only fields among those at `paths` of a canonical form."""
    return frozenset(kind for path in paths if (kind := write_only_field(path)) is not None)


def write_only_fields(form: JsonObject) -> Iterator[Path]:
    """Yield the path of each documented write-only field of a workflow with the steps of `form`.

    The tokens of repositories come first: most digests are of these.
    """
    steps = list(as_object(form.get("steps")))
    for part in _step_paths():
        for name in steps:
            yield ("steps", name, *part)
    yield from _top_paths()


def shown_write_only_fields(body: JsonObject, form: JsonObject) -> Iterator[tuple[Path, JsonValue]]:
    """Yield each documented write-only field that a live workflow shows, with what it shows.

    Args:
        body: The body.
        form: Its canonical form.
    """
    for path in _top_paths():
        value = shown_value(body, form, path)
        if value is not ABSENT:
            yield path, value
    for name, step in as_object(form.get("steps")).items():
        for part in _step_paths():
            value = lookup(step, part)
            if value is not ABSENT:
                yield ("steps", name, *part), value


def is_returned(path: Path, value: JsonValue | Absent) -> bool:
    """Return whether a live value says what it is: it is there and, for a credential, not masked."""
    if value is ABSENT:
        return False
    kind = write_only_field(path)
    return kind is None or not kind.is_credential or not is_mask(value)


def shown_value(body: JsonObject, form: JsonObject, path: Path) -> JsonValue | Absent:
    """Return what a live workflow shows in the write-only field at `path`; `ABSENT` for nothing.

    Args:
        body: The body.
        form: Its canonical form, which leaves out a setting of `metadata` that is its default.
        path: The path of the field in the form.
    """
    value = lookup(form, path)
    if value is not ABSENT or write_only_field(path) is not WriteOnlyField.METADATA:
        return value
    stated = lookup(body, path)
    return ABSENT if stated is None else stated


def tokens_left_out(form: JsonObject) -> list[Path]:
    """Return the paths of the tokens that the repositories of a canonical form leave out."""
    return [
        ("steps", name, "repository", "token")
        for name, step in as_object(form.get("steps")).items()
        if (repository := as_object(as_object(step).get("repository"))) and "token" not in repository
    ]


def stated_credentials(form: JsonObject) -> Iterator[tuple[Path, JsonValue]]:
    """Yield each credential of a canonical form with its path; `None` for a token that it leaves out."""
    for name, step in as_object(form.get("steps")).items():
        for part in _secret_paths():
            value = lookup(step, part)
            if value is not ABSENT:
                yield ("steps", name, *part), value
    for path in tokens_left_out(form):
        yield path, None


def without_credentials(form: JsonObject) -> JsonObject:
    """Return a canonical form without its credentials; `form` itself if it has none."""
    changed: JsonObject = {}
    for name, step in as_object(form.get("steps")).items():
        shown = stated = as_object(step)
        for part in _secret_paths():
            shown = without(shown, part)
        if shown is not stated:
            changed[name] = shown
    return {**form, "steps": {**as_object(form["steps"]), **changed}} if changed else form


def documented_fields(form: JsonObject) -> Iterator[Path]:
    """Yield the path of each documented field of a workflow with the steps of `form`; a map is one field."""
    for key, child in body_fields().children.items():
        if key != "steps":
            yield from _leaf_paths(child, (key,))
    for name, step in as_object(form.get("steps")).items():
        yield from _leaf_paths(step_fields(Step(as_object(step)).type), ("steps", name))


@cache
def _top_paths() -> tuple[Path, ...]:
    fields = body_fields().children
    return tuple(path for key in ("metadata", "retryOptions") for path in _leaf_paths(fields[key], (key,)))


@cache
def _step_paths() -> tuple[Path, ...]:
    options = body_fields().children["retryOptions"]
    return (*_secret_paths(), *_leaf_paths(options, _STEP_RETRY_PATH))


@cache
def _secret_paths() -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(sensitive_step_fields(), key=lambda part: (part != _TOKEN_PATH, part)))


def _leaf_paths(field: Field, path: Path) -> Iterator[Path]:
    if not field.children:
        yield path
    for name, child in field.children.items():
        yield from _leaf_paths(child, (*path, name))


_PATH_LENGTH: Final = 5
_VALUE_LENGTH: Final = 7
_DIGEST_BYTES: Final = 5
"""The bytes of a digest that its letters come from: five bits each."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(first + second for first in _LETTERS for second in _LETTERS)
"""Two letters for each ten bits."""

_PATHS_KEPT: Final = 4096
_WORKFLOWS_KEPT: Final = 64
"""The paths whose text is remembered: many workflows have the same ones."""

_PER_TEXT: Final = 3
_ENTRY: Final = re.compile(f"[a-z2-7]{{{_PATH_LENGTH + _VALUE_LENGTH}}}")


class SentDigests(NamedTuple):
    """What was last sent: the digest of a value by the digest of its path."""

    digests: Mapping[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.digests)

    @staticmethod
    def of_texts(texts: Iterable[str]) -> SentDigests:
        """Return the digests that `texts` keep; what does not parse is left out."""
        entries = (entry for text in texts for entry in text.split("-") if _ENTRY.fullmatch(entry))
        return SentDigests({entry[:_PATH_LENGTH]: entry[_PATH_LENGTH:] for entry in entries})

    def texts(self, number: int = _PER_TEXT) -> Iterator[str]:
        """Yield the digests as texts, `number` in each, always the same ones for the same digests."""
        entries = iter(sorted(f"{path}{value}" for path, value in self.digests.items()))
        while group := list(islice(entries, number)):
            yield "-".join(group)


@dataclass(frozen=True, eq=False)
class Digester:
    """Makes and checks the digests of one workflow's fields.

    Args:
        key: The key of the digests; without it, a digest says nothing about the value.
        name: The workflow's name, so that equal values of two workflows do not look alike.
    """

    key: bytes = field(repr=False)
    name: str

    @staticmethod
    @lru_cache(_WORKFLOWS_KEPT)
    def of(key: bytes, name: str) -> Digester:
        """Return the digester of a workflow, the same one for all questions that follow one another."""
        return Digester(key, name)

    @cached_property
    def _paths(self) -> dict[Path, str]:
        """The digests of paths so far: several questions are about each."""
        return {}

    def knows(self, sent: SentDigests, path: Path) -> bool:
        """Return whether `sent` has a digest for the field at `path`."""
        return bool(sent) and self._path(path) in sent.digests

    def known(self, sent: SentDigests, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield those of `paths` that `sent` has a digest for, until each digest has its path."""
        left = set(sent.digests)
        for path in paths if left else ():
            digest = self._path(path)
            if digest in sent.digests:
                yield path
                left.discard(digest)
                if not left:
                    return

    def others(self, sent: SentDigests, paths: Iterable[Path]) -> SentDigests:
        """Return `sent` without the digests for the fields at `paths`."""
        left_out = set(map(self._path, paths))
        return SentDigests({path: value for path, value in sent.digests.items() if path not in left_out})

    def agrees(self, sent: SentDigests, path: Path, value: JsonValue) -> bool:
        """Return whether `value` is what was last sent for the field at `path`."""
        known = sent.digests.get(self._path(path))
        return known is not None and known == self._value(path, value)

    def digests(self, fields: Iterable[tuple[Path, JsonValue]]) -> SentDigests:
        """Return the digests of what is sent for `fields`."""
        return SentDigests({self._path(path): self._value(path, value) for path, value in fields})

    def _path(self, path: Path) -> str:
        """Return the digest of a path."""
        known = self._paths.get(path)
        if known is None:
            known = self._paths[path] = self._digest(_path_text(path))[:_PATH_LENGTH]
        return known

    def _value(self, path: Path, value: JsonValue) -> str:
        return self._digest(f"[{_path_text(path)},{dump_compact(value)}]")[:_VALUE_LENGTH]

    def _digest(self, what: str) -> str:
        """Return eight letters and digits (base 32, RFC 4648, lower case) for a JSON text."""
        import hmac  # noqa: PLC0415 - loads OpenSSL, and a check of manifests needs no digest

        message = f"[{dump_compact(self.name)},{what}]".encode("utf-8", "surrogatepass")
        bits = int.from_bytes(hmac.digest(self.key, message, "sha256")[:_DIGEST_BYTES], "big")
        return (
            _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]
        )


@lru_cache(_PATHS_KEPT)
def _path_text(path: Path) -> str:
    return dump_compact(list(path))
