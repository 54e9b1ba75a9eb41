"""Explanations of schema errors: found by jsonschema, worded for users.

Slower than the decision whether a value is valid (`reconciler.schema.validation`), and used only if it is
not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from reconciler.schema.fields import SENSITIVE
from reconciler.schema.schema_files import SCHEMA_NAMES, URN, load_schema
from reconciler.schema.validation import SchemaProblem
from reconciler.text import clip, did_you_mean, printable
from reconciler.values import JsonValue, Path, as_object, display_path

_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}

_OWN_WORDS = frozenset({"oneOf", "anyOf", "pattern", "not"})
"""The keywords whose message a schema gives itself, in `x-message`."""

_LONGEST_PATH = 200

_Words: TypeAlias = tuple[str, str]
"""The two parts of a problem's message: what is allowed, and what was found."""


def explain(value: JsonValue, schema_name: str) -> Iterator[SchemaProblem]:
    """Yield each thing in `value` that the schema `schema_name` does not allow, once."""
    seen: set[SchemaProblem] = set()
    for error in _validator(schema_name).iter_errors(value):
        for problem in _problems(error):
            if problem not in seen:
                seen.add(problem)
                yield problem


@cache
def _validator(schema_name: str) -> Any:  # noqa: ANN401 - jsonschema makes the class when asked
    resources = [(f"{URN}{name}", DRAFT202012.create_resource(load_schema(name))) for name in SCHEMA_NAMES]
    registry: Registry[Any] = Registry().with_resources(resources)
    return _Validator(load_schema(schema_name), registry=registry)


def _pattern(_validator: Any, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:  # noqa: ANN401
    """Check a pattern as the standard defines it: `$` is the very end, not before a last line break."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _problems(error: ValidationError) -> Iterator[SchemaProblem]:
    path: Path = tuple(error.absolute_path)
    keyword = str(error.validator)
    if keyword == "additionalProperties":
        yield from _unknown_keys(error, path)
        return
    if keyword in {"oneOf", "anyOf"} and not isinstance(error.instance, dict):
        # These are about keys; that the value is not a mapping is reported by `type`.
        return
    at_key = "propertyNames" in error.relative_schema_path
    if at_key:
        path = (*path, str(error.instance))
    own = as_object(error.schema).get("x-message")
    if isinstance(own, str) and keyword in _OWN_WORDS:
        found = "" if keyword in {"oneOf", "anyOf"} else f", found {_found(error)}"
        message = f"{_subject(path)}: {own}"
    else:
        message, found = _DESCRIBE.get(keyword, _other)(error, path)
    yield SchemaProblem(
        path=path,
        rule=f"schema-{_kebab(keyword)}",
        message=printable(message),
        found=printable(found),
        at_key=at_key,
    )


def _unknown_keys(error: ValidationError, path: Path) -> Iterator[SchemaProblem]:
    schema = as_object(error.schema)
    known = sorted(as_object(schema.get("properties")))
    for key in sorted(as_object(error.instance)):
        if key not in known:
            message = f"unknown key {clip(key, 60)!r} {_place(path)}; {did_you_mean(key, known, len(known))}"
            yield SchemaProblem(
                path=(*path, key), rule="schema-unknown-key", message=printable(message), at_key=True
            )


def _type(error: ValidationError, path: Path) -> _Words:
    allowed = _names(error.validator_value)
    words = " or ".join(_TYPE_WORDS.get(name, name) for name in allowed)
    hint = ""
    if allowed == ["string"] and isinstance(error.instance, (bool, int, float)):
        hint = "; quote the value"
    return f"{_subject(path)} must be {words}", f", found {_found(error)}{hint}"


def _required(error: ValidationError, path: Path) -> _Words:
    missing = [name for name in _names(error.validator_value) if name not in as_object(error.instance)]
    # jsonschema reports one error for each missing key and names the key only in its message.
    name = next((name for name in missing if f"'{name}'" in error.message), missing[0])
    return f"{name!r} is missing {_place(path)}", ""


def _allowed(error: ValidationError, path: Path) -> _Words:
    allowed = ", ".join(_names(error.validator_value))
    return f"{_subject(path)} must be one of {allowed}", f"; found {_found(error)}"


def _limit(words: str) -> Callable[[ValidationError, Path], _Words]:
    def describe(error: ValidationError, path: Path) -> _Words:
        return f"{_subject(path)} must be {words} {error.validator_value}", f", found {_found(error)}"

    return describe


def _empty(error: ValidationError, path: Path) -> _Words:  # noqa: ARG001 - one signature for all
    return f"{_subject(path)} must not be empty", ""


def _dependent(error: ValidationError, path: Path) -> _Words:
    rules = as_object(error.validator_value)
    wanted = "; ".join(f"{key!r} needs {', '.join(_names(needs))}" for key, needs in rules.items())
    return f"{_subject(path)}: {wanted}", ""


def _other(error: ValidationError, path: Path) -> _Words:
    return f"{_subject(path)} does not match {error.validator!r} of the schema", f", found {_found(error)}"


def _names(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


_DESCRIBE: dict[str, Callable[[ValidationError, Path], _Words]] = {
    "type": _type,
    "required": _required,
    "enum": _allowed,
    "const": _allowed,
    "minimum": _limit("at least"),
    "maximum": _limit("at most"),
    "minLength": _empty,
    "minItems": _empty,
    "minProperties": _empty,
    "dependentRequired": _dependent,
}


def _found(error: ValidationError) -> str:
    value: Any = error.instance
    if as_object(error.schema).get("x-sensitive") is True:
        return SENSITIVE
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(clip(value, 60)) if isinstance(value, str) else str(value)


def _subject(path: Path) -> str:
    return clip(display_path(path), _LONGEST_PATH) if path else "the document"


def _place(path: Path) -> str:
    return f"in {_subject(path)}" if path else "at the top level"


def _kebab(keyword: str) -> str:
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in keyword)
