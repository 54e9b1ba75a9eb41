"""Canonical form of one field's value, by the kind of the field (schedule, storage, set, number, …)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.schema import Field, FieldKind
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    dump_compact,
    same_json,
    with_whole_numbers,
)
from reconciler.workflow.normal_text import without_case, without_last_line_ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Rule: TypeAlias = Callable[[JsonValue], "JsonValue | Absent"]
"""Returns the canonical form of a value other than null; `ABSENT` for what means the same as none."""

_STORAGE = re.compile(r"\s*([0-9]{1,30})(?:\.([0-9]{1,30}))?\s*([a-z]{0,5})\s*", re.IGNORECASE)
_STORAGE_UNIT = "GB"
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_ROW: Final = {"name", "value"}
"""The keys of a variable that a platform returns as a row."""

_BOOLEANS = {"true": True, "false": False}


def canonical_value(value: JsonValue, field: Field) -> JsonValue | Absent:
    """Return the canonical form of `value`; `ABSENT` for what means the same as leaving it out.

    A shape that `field` does not describe is kept, so that it shows up as a difference.
    """
    return ABSENT if value is None else canonical_rule(field)(value)


def as_map(value: JsonValue) -> JsonValue:
    """Return a list of variables, as the platform returns `env`, as one map; anything else as it is.

    So is a list that is no map, because an entry would be lost (`misfit`).
    """
    if not isinstance(value, list):
        return value
    found = _single_variables(value)
    if found is not None:
        return found
    if misfit(value) is not None:
        return value
    return {name: item for entry in value for name, item in _variables(entry).items()}


def _single_variables(entries: list[JsonValue]) -> JsonObject | None:
    """Return a list of maps with one variable each as one map; `None` for any other list.

    This is how a platform returns nearly every `env`, so it is found quickly.
    """
    found: JsonObject = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or len(entry) != 1 or None in entry.values():
            return None
        found.update(entry)
        if len(found) == number:  # it names one again
            return None
    return found


def misfit(variables: list[JsonValue]) -> int | None:
    """Return the index of the first entry of a list of variables that keeps it from being a map, if any.

    Each entry is a map with one variable, or each is `{"name": …, "value": …}`; none names one again. Nulls
    say nothing.
    """
    rows = any(map(_is_row, variables))
    seen: set[str] = set()
    for index, entry in enumerate(variables):
        names = _variables(entry).keys()
        fits = entry is None or (isinstance(entry, dict) and len(names) <= 1 and _is_row(entry) == rows)
        if not fits or names & seen:
            return index
        seen |= names
    return None


def _variables(entry: JsonValue) -> JsonObject:
    if not isinstance(entry, dict):
        return {}
    if _is_row(entry):
        return {str(entry["name"]): entry["value"]}
    return {name: item for name, item in entry.items() if item is not None}


def _is_row(entry: JsonValue) -> bool:
    return isinstance(entry, dict) and entry.keys() == _ROW and isinstance(entry["name"], str)


def sorted_set(items: Iterable[JsonValue]) -> list[JsonValue]:
    """Return `items` without repetition, in an order that depends on nothing but their values."""
    by_text = {dump_compact(item): item for item in items}
    return [by_text[text] for text in sorted(by_text)]


def plain(value: JsonValue) -> JsonValue:
    """Return `value` with every whole number as an `int`, and no null or empty value inside a map."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        inner = ((key, plain(item)) for key, item in value.items())
        return {key: item for key, item in inner if item is not None and item not in ({}, [])}
    return with_whole_numbers(value)


def _not_text(value: JsonValue, kind: FieldKind) -> JsonValue:
    """Return the form of a value that is neither a text nor a boolean, and holds no others."""
    if isinstance(value, int | float):
        if kind is FieldKind.TEXT:
            return dump_compact(plain(value))
        if kind is FieldKind.STORAGE:
            return _storage(dump_compact(plain(value)))
    return value


def _storage(text: str) -> str:
    match = _STORAGE.fullmatch(text)
    if match is None:
        return text
    whole, part, unit = match.groups()
    part = (part or "").rstrip("0")
    return f"{int(whole)}{'.' if part else ''}{part}{unit.upper() or _STORAGE_UNIT}"


def _number(text: str) -> JsonValue:
    return with_whole_numbers(float(text)) if _NUMBER.fullmatch(text) else text


def _boolean(text: str) -> JsonValue:
    return _BOOLEANS.get(text.lower(), text)


def _unchanged(text: str) -> JsonValue:
    return text


_FROM_TEXT: Final[Mapping[FieldKind, Callable[[str], JsonValue]]] = {
    FieldKind.TEXT: without_last_line_ends,
    FieldKind.WORD: str.lower,
    FieldKind.ADDRESS: without_case,
    FieldKind.NUMBER: _number,
    FieldKind.BOOLEAN: _boolean,
    FieldKind.STORAGE: _storage,
}


@cache
def canonical_rule(field: Field) -> Rule:
    """Return the function that brings a value of `field`, other than null, to its canonical form.

    It is put together once for each field of the schema, since a plan calls it for every value.
    """
    return _RULES[field.kind](field) if field.kind in _RULES else _scalar_rule(field)


def _scalar_rule(field: Field) -> Rule:
    kind, default = field.kind, field.default
    of_text = _FROM_TEXT.get(kind, _unchanged)
    keeps_numbers = kind not in {FieldKind.TEXT, FieldKind.STORAGE}

    def rule(value: JsonValue) -> JsonValue | Absent:
        form: JsonValue
        if isinstance(value, str):
            form = of_text(value)
            if isinstance(form, str):
                return ABSENT if form == default else form
        elif isinstance(value, bool) or (keeps_numbers and type(value) is int):
            form = value
        else:
            form = plain(_not_text(value, kind))
            if form in ({}, []):
                return ABSENT
        return ABSENT if default is not ABSENT and same_json(form, default) else form

    return rule


def _record_rule(field: Field) -> Rule:
    rules = tuple((key, canonical_rule(child)) for key, child in field.children.items())
    otherwise = _scalar_rule(field)

    def rule(value: JsonValue) -> JsonValue | Absent:
        if not isinstance(value, dict):
            return otherwise(value)
        form: JsonObject = {}
        for key, inner_rule in rules:
            item = value.get(key)
            if item is not None and (inner := inner_rule(item)) is not ABSENT:
                form[key] = inner
        return form or ABSENT

    return rule


def _map_rule(field: Field) -> Rule:
    otherwise = _scalar_rule(field)
    if field.item is None:
        return otherwise
    item_rule = canonical_rule(field.item)

    def rule(value: JsonValue) -> JsonValue | Absent:
        value = as_map(value)
        if not isinstance(value, dict):
            return otherwise(value)
        form: JsonObject = {}
        for key, item in value.items():
            if item is not None and (inner := item_rule(item)) is not ABSENT:
                form[key] = inner
        return form or ABSENT

    return rule


def _list_rule(field: Field) -> Rule:
    is_set, default, otherwise = field.kind is FieldKind.SET, field.default, _scalar_rule(field)
    if field.item is None:
        return otherwise
    item_rule = canonical_rule(field.item)

    def rule(value: JsonValue) -> JsonValue | Absent:
        if not isinstance(value, list):
            return otherwise(value)
        found = (ABSENT if item is None else item_rule(item) for item in value)
        items = [form for form in found if form is not ABSENT]
        form: list[JsonValue] = sorted_set(items) if is_set and len(items) > 1 else items
        return ABSENT if not form or same_json(form, default) else form

    return rule


_RULES: Final[Mapping[FieldKind, Callable[[Field], Rule]]] = {
    FieldKind.RECORD: _record_rule,
    FieldKind.MAP: _map_rule,
    FieldKind.LIST: _list_rule,
    FieldKind.SET: _list_rule,
}
