"""JSON values: their types, paths in them, a sentinel for a missing value, and a walk over all of a value."""

from __future__ import annotations

import enum
import json
import marshal
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union, overload

if TYPE_CHECKING:
    from typing_extensions import Self

JsonValue: TypeAlias = Union[bool, int, float, str, "list[JsonValue]", "dict[str, JsonValue]", None]
JsonObject: TypeAlias = dict[str, JsonValue]

Path: TypeAlias = tuple["str | int", ...]
"""The place of a value in a document, from the root: `("steps", "train", "imageId")`."""


class Absent(enum.Enum):
    """The type of `ABSENT`: a missing field, which is not the same as `None`."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


_compact: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def dump_compact(value: JsonValue) -> str:
    """Return `value` as JSON with sorted keys and no spaces: equal text means equal values.

    Unlike `==`, this distinguishes `true` from `1`.
    """
    return _compact(value)


def same_json(one: JsonValue | Absent, other: JsonValue | Absent) -> bool:
    """Return whether two values are the same JSON: like `==`, but `true` is not `1`."""
    return one is other or (one == other and _same_booleans(one, other))


def _same_booleans(one: JsonValue | Absent, other: JsonValue | Absent) -> bool:
    """Return whether two equal values have the same booleans."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key, item in one.items():
            theirs = other[key]
            if item is not theirs and not isinstance(item, str) and not _same_booleans(item, theirs):
                return False
        return True
    if isinstance(one, list) and isinstance(other, list):
        return all(map(_same_booleans, one, other))
    return isinstance(one, bool) == isinstance(other, bool)


def with_whole_numbers(value: JsonValue) -> JsonValue:
    """Return a copy of `value` with every whole number in it as an integer: `100`, not `100.0`."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [with_whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: with_whole_numbers(item) for key, item in value.items()}
    return value


def as_object(value: object) -> JsonObject:
    """Return a copy of `value` if it is a mapping, else an empty object: for data of unknown shape."""
    if isinstance(value, dict):  # found faster than other mappings, and nearly always what it is
        return dict(value)
    return dict(value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """Return `value` if it is a list, else an empty list: for data of unknown shape."""
    return value if isinstance(value, list) else []


def as_objects(value: object) -> tuple[JsonObject, ...]:
    """Return the items of a list of unknown shape; an item that is no object counts as an empty one."""
    return tuple(map(as_object, as_list(value)))


def lookup(value: JsonValue, path: Path) -> JsonValue | Absent:
    """Return the value at `path` in `value`, or `ABSENT`."""
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            return ABSENT
    return value


def put(value: JsonObject, path: Path, item: JsonValue) -> None:
    """Set a copy of `item` at `path` in `value`, and create the objects above it that are missing."""
    *above, last = path
    for part in above:
        inner = value.get(str(part))
        if not isinstance(inner, dict):
            inner = value[str(part)] = {}
        value = inner
    value[str(last)] = copied(item)


def remove(value: JsonValue, path: Path) -> None:
    """Remove what is at `path` in `value`, if there is something."""
    *above, last = path
    parent = lookup(value, tuple(above))
    if isinstance(parent, dict):
        parent.pop(str(last), None)
    elif isinstance(parent, list) and isinstance(last, int) and 0 <= last < len(parent):
        del parent[last]


def without(value: JsonObject, path: Path) -> JsonObject:
    """Return an object without the field at `path`, nor what would be empty then; itself if it has none."""
    key, below = str(path[0]), path[1:]
    item = value.get(key, ABSENT)
    if item is ABSENT:
        return value
    inner: JsonValue = {}
    if below:
        inner = without(item, below) if isinstance(item, dict) else item
    if inner is item:
        return value
    rest = dict(value)
    if inner:
        rest[key] = inner
    else:
        del rest[key]
    return rest


def display_path(path: Path) -> str:
    """Return `path` in the form users write: `steps.train.parameters.env.MODE`, `tags[0].name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and not set(part) & set('."[] '):
            text += f".{part}" if text else part
        else:
            quoted = '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
            text += f".{quoted}" if text else quoted
    return text


_PART: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

Pattern: TypeAlias = tuple[str, ...]
"""The parts of a path as users write it; `*` stands for any one part."""


def read_pattern(text: str) -> Pattern:
    """Return the pattern that users write as `steps.*.resources` or `watchers."user:ann@x.org"`."""
    return tuple(_ESCAPED.sub(r"\1", quoted) or plain.strip() for quoted, plain in _PART.findall(text))


def is_below(path: Path, pattern: Pattern) -> bool:
    """Return whether `path` is what `pattern` names, or below it."""
    return len(path) >= len(pattern) > 0 and all(
        part in {"*", str(found)} for part, found in zip(pattern, path, strict=False)
    )


_MOST_NAMED: Final = 20


def display_paths(paths: Iterable[Path]) -> str:
    """Return `paths` in the form users write, sorted, each once; after 20, the rest is counted."""
    shown = sorted(set(map(display_path, paths)))
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return ", ".join(shown[:_MOST_NAMED]) + more


@dataclass(frozen=True, slots=True)
class Packed:
    """A JSON value that is kept as bytes, a sixth of the memory, where thousands are kept at once.

    Make one with `Packed.of`.
    """

    _data: bytes | JsonValue = field(repr=False)
    _digest: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(cls, value: JsonValue) -> Self:
        """Return `value` packed; a value that has texts of a class of its own stays as it is."""
        try:
            return cls(marshal.dumps(value))
        except ValueError:
            return cls(value)

    @property
    def value(self) -> JsonValue:
        """The value, a new copy each time."""
        if isinstance(self._data, bytes):
            unpacked: JsonValue = marshal.loads(self._data)  # noqa: S302 # nosec B302
            return unpacked
        return self._data

    @property
    def digest(self) -> bytes:
        """A digest of the value: equal ones mean that two values are the same JSON."""
        return self._digest or digest_of(self.value)

    def with_digest(self) -> Self:
        """Return the same value with its digest, which is then computed no more."""
        return replace(self, _digest=self.digest)


def digest_of(value: JsonValue) -> bytes:
    """Return the SHA-256 digest of a JSON value: equal ones mean that two values are the same JSON."""
    return digest_of_text(dump_compact(value))


def digest_of_text(text: str) -> bytes:
    """Return the SHA-256 digest of a text."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and a check of manifests needs no digest

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Verdict(enum.Enum):
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
        fields: JsonObject = {}
        for name, item in value.items():
            inner = _rewritten(item, replace, (*path, name))
            if not isinstance(inner, Verdict):
                fields[name] = inner
        return fields
    if isinstance(value, list):
        return [rewrite(item, replace, (*path, index)) for index, item in enumerate(value)]
    return value


@overload
def copied(value: JsonObject) -> JsonObject: ...
@overload
def copied(value: JsonValue) -> JsonValue: ...
def copied(value: JsonValue) -> JsonValue:
    """Return a copy of a JSON value, down to its last map and list."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def all_texts(value: JsonValue) -> list[str]:
    """Return every key and text inside a JSON value, without their paths, in no order."""
    found: list[str] = []
    pending: list[JsonValue] = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found += value
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


def nodes(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Yield a JSON value and every value inside it with its path, in the order of the document."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from nodes(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nodes(item, (*path, index))


def leaves(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Yield the single fields below `value` with their paths; a list is one field, as is an empty map."""
    if isinstance(value, dict) and value:
        for key in value:
            yield from leaves(value[key], (*path, key))
    else:
        yield path, value


def texts(value: JsonValue) -> Iterator[tuple[Path, str]]:
    """Yield every text inside a JSON value with its path, in the order of the document."""
    return ((path, item) for path, item in nodes(value) if isinstance(item, str))
