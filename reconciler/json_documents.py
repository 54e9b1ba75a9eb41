"""JSON documents: versioned when written, strict and bounded when read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Final, NoReturn

from reconciler.files import UnreadableError, read_bounded
from reconciler.values import JsonObject, JsonValue

_MAX_DEPTH: Final = 100
"""Objects and arrays inside one another."""


class NotJsonError(ValueError):
    """Bytes that are not strict JSON."""


class NestingError(ValueError):
    """JSON that is nested too deeply."""


def versioned(version: int, fields: JsonObject) -> JsonObject:
    """Return a document of a documented format: its `format_version`, then `fields`."""
    return {"format_version": version, **fields}


def document_text(document: JsonValue) -> str:
    """Return `document` as indented ASCII text without a final newline.

    That is `json.dumps` with an indentation of two, which is written in Python as well, and takes longer.
    """
    return _indented(document, "\n")


def _indented(value: object, line: str) -> str:
    """Return the text of a value; `line` is the line break before the bracket that ends it."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    inner = f"{line}  "
    if isinstance(value, dict) and value:
        fields = [f"{encode_basestring_ascii(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(fields)}{line}}}"
    if isinstance(value, list | tuple) and value:
        items = [_indented(item, inner) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{line}]"
    return int.__repr__(value) if type(value) is int else json.dumps(value)


def line_text(document: JsonValue) -> str:
    """Return `document` as one line of ASCII text, for a stream of JSON lines."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)


def document_pieces(document: object) -> Iterator[str]:
    """Yield `document_text` of a document piece by piece, for one that is too large to be in memory.

    An iterator in one of its objects is written as a list, of which one item is in memory at a time. A
    function is called for its value when its turn comes.
    """
    yield from _pieces(document, "\n")


def _pieces(value: object, line: str) -> Iterator[str]:
    """Yield the pieces of a value; `line` is the line break before the bracket that ends it."""
    value = value() if callable(value) else value
    inner, between = f"{line}  ", ""
    if isinstance(value, dict) and _is_streamed(value):
        for key, item in value.items():
            yield f"{between or '{'}{inner}{json.dumps(key)}: "
            yield from _pieces(item, inner)
            between = ","
        yield f"{line}}}"
    elif isinstance(value, Iterator):
        for item in value:
            yield f"{between or '['}{inner}"
            yield from _pieces(item, inner)
            between = ","
        yield f"{line}]" if between else "[]"
    else:
        yield _indented(value, line)


def _is_streamed(value: object) -> bool:
    """Return whether a value is written in several pieces."""
    if isinstance(value, dict):
        return any(map(_is_streamed, value.values()))
    return callable(value) or isinstance(value, Iterator)


def parse_json(data: bytes) -> JsonValue:
    """Return the JSON value in `data`, which must be UTF-8, without duplicate keys, NaN or infinity.

    Raises:
        NotJsonError: It is not JSON.
        NestingError: It is nested more than 100 levels deep.
    """
    return _parsed(_decoded(data))


def read_object(path: Path, limit: int, *, streams: bool = False) -> JsonObject:
    """Return the JSON object that the file `path` holds.

    Args:
        path: The file.
        limit: The largest size, in bytes.
        streams: Accept pipes and devices as well as regular files.

    Raises:
        UnreadableError: It cannot be read, is larger than `limit`, or is not a JSON object.
    """
    # No name holds the bytes: a large file is in memory as text alone while it is parsed.
    return _object(_decoded(read_bounded(path, limit, streams=streams)))


def parse_object(data: bytes) -> JsonObject:
    """Return the JSON object in `data`, strictly read.

    Raises:
        UnreadableError: It is not a JSON object.
    """
    return _object(_decoded(data))


def _object(text: str | None) -> JsonObject:
    try:
        value = _parsed(text)
    except NotJsonError:
        raise UnreadableError("it is not JSON") from None
    except NestingError:
        raise UnreadableError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise UnreadableError("it is not a JSON object")
    return value


def _decoded(data: bytes) -> str | None:
    """Return the text of a document; `None` if it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _parsed(text: str | None) -> JsonValue:
    if text is None:
        raise NotJsonError
    try:
        value: JsonValue = _STRICT.decode(text)
    except RecursionError:
        raise NestingError from None
    except ValueError as error:
        raise NotJsonError from error
    # Most documents have too few brackets to be nested that deeply: no need to look at all values.
    if text.count("{") + text.count("[") >= _MAX_DEPTH and _deeper_than(value, _MAX_DEPTH):
        raise NestingError
    return value


def _unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is out of range")
    return value


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def _deeper_than(value: JsonValue, limit: int) -> bool:
    level: list[JsonValue] = [value]
    for _ in range(limit):
        inner: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True
