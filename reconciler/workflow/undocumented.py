"""Undocumented fields of a body: keys that no schema knows, which an update must not lose. Pure.

The platform's own editor writes keys that nobody has documented, and a later release of the API may add some.
Their paths are those of a body with its triggers and watchers by name; a trigger of an unknown kind is one
field as a whole.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from reconciler.schema import Field, FieldKind, body_fields, step_fields
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Path,
    as_list,
    as_object,
    lookup,
    put,
)
from reconciler.workflow.canonical_value import plain
from reconciler.workflow.field_changes import leaves
from reconciler.workflow.named_lists import lists_back, lists_by_name
from reconciler.workflow.step import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_NAMED_ITEM = 2
"""The length of the path of a step, a trigger or a watcher."""


def undocumented_fields(body: JsonObject) -> dict[Path, JsonValue]:
    """Return the undocumented fields of a body with what they hold, the outermost of each."""
    return dict(_fields(lists_by_name(body)))


def with_values(body: JsonObject, values: JsonObject) -> JsonObject:
    """Return `body` with every single value of the mapping `values` in its place."""
    result = copy.deepcopy(body)
    for path, value in leaves(values):
        if path:
            put(result, path, value)
    return result


def extra_forms(live: JsonObject, desired: JsonObject, paths: Iterable[Path]) -> tuple[JsonObject, ...]:
    """Return the canonical forms of two bodies with nothing but the undocumented fields at `paths`."""
    forms: tuple[JsonObject, JsonObject] = ({}, {})
    for path in paths:
        for form, body in zip(forms, (live, desired), strict=True):
            if path[:-1] and lookup(form, path[:-1]) is ABSENT:
                put(form, path[:-1], {})
            for leaf, value in extra_values(body, [path]):
                put(form, leaf, value)
    return forms


def extra_values(body: JsonObject, paths: Iterable[Path]) -> Iterator[tuple[Path, JsonValue]]:
    """Yield the single values of a body at and below `paths`, in their canonical form."""
    named = lists_by_name(body)
    for path in paths:
        found = lookup(named, path)
        value = None if found is ABSENT else plain(found)
        if value is not None and value not in ({}, []):
            yield from leaves(value, path)


def keeping_undocumented(
    body: JsonObject, live: JsonObject, undocumented: Mapping[Path, JsonValue]
) -> JsonObject:
    """Return `body` with the undocumented fields of `live` that it neither states nor removes.

    A field goes with what it is in: with a step, also one that changes its type, with a trigger or watcher,
    and with an object in a step whose documented fields `body` leaves out.

    Args:
        body: A body that is about to replace the live one.
        live: The live body in the form that can be sent.
        undocumented: Its undocumented fields.
    """
    if not undocumented:
        return body
    theirs = lists_by_name(live)
    ours = lists_by_name(copy.deepcopy(body))
    for path, value in undocumented.items():
        if (
            not _is_in_list(path)
            and lookup(ours, path) is ABSENT
            and _belongs(path, ours, theirs, undocumented)
        ):
            put(ours, path, value)
    return lists_back(ours)


def kept_fields(body: JsonObject, undocumented: Mapping[Path, JsonValue]) -> list[Path]:
    """Return the undocumented fields of a live workflow that `body` sends back as they are."""
    if not undocumented:
        return []
    ours = lists_by_name(body)
    return [path for path, value in undocumented.items() if lookup(ours, path) == value]


def lost_fields(body: JsonObject, undocumented: Collection[Path]) -> list[Path]:
    """Return the undocumented fields of a live workflow that `body` lacks.

    Those in steps and watchers that go are not among them.
    """
    if not undocumented:
        return []
    ours = lists_by_name(body)
    return [
        path
        for path in undocumented
        if lookup(ours, path) is ABSENT
        and (len(path) <= _NAMED_ITEM or lookup(ours, path[:_NAMED_ITEM]) is not ABSENT)
    ]


def without_fields(body: JsonObject, paths: Iterable[Path]) -> JsonObject:
    """Return `body` without some undocumented fields."""
    result = lists_by_name(copy.deepcopy(body))
    for path in paths:
        holder = lookup(result, path[:-1])
        if isinstance(holder, dict):
            holder.pop(str(path[-1]), None)
    return lists_back(result)


def _fields(body: JsonObject) -> Iterator[tuple[Path, JsonValue]]:
    """Yield the undocumented fields of a body with its lists by name."""
    fields = body_fields().children
    for key, value in body.items():
        if key == "steps":
            for name, step in as_object(value).items():
                raw = as_object(step)
                yield from _inside(raw, step_fields(Step(raw).type), (key, name))
        elif key in {"triggers", "watchers"}:
            yield from _in_items(value, fields[key].item, (key,))
        elif key in fields:
            yield from _inside(value, fields[key], (key,))
        else:
            yield (key,), value


def _in_items(items: JsonValue, field: Field | None, path: Path) -> Iterator[tuple[Path, JsonValue]]:
    for name, item in as_object(items).items():
        if field is None or (isinstance(item, dict) and not item.keys() & field.children.keys()):
            yield (*path, name), item
        else:
            yield from _inside(item, field, (*path, name))


def _inside(value: JsonValue, field: Field, path: Path) -> Iterator[tuple[Path, JsonValue]]:
    if field.kind is FieldKind.RECORD:
        for key, item in as_object(value).items():
            child = field.children.get(key)
            if child is None:
                yield (*path, key), item
            else:
                yield from _inside(item, child, (*path, key))
    elif field.item is not None and field.item.kind is FieldKind.RECORD:
        for index, item in enumerate(as_list(value)):
            yield from _inside(item, field.item, (*path, index))


def _is_in_list(path: Path) -> bool:
    return any(isinstance(part, int) for part in path)


def _belongs(path: Path, ours: JsonObject, theirs: JsonObject, undocumented: Iterable[Path]) -> bool:
    """Whether a live field has a place in `ours`."""
    if len(path) <= _NAMED_ITEM:
        return True
    step = path[0] == "steps"
    item, other = lookup(ours, path[:_NAMED_ITEM]), lookup(theirs, path[:_NAMED_ITEM])
    if not isinstance(item, dict) or (step and Step(item).type != Step(as_object(other)).type):
        return False
    holder = path[:-1]
    if isinstance(lookup(ours, holder), dict):
        return True
    documented = set(as_object(lookup(theirs, holder))) - {
        found[-1] for found in undocumented if found[:-1] == holder
    }
    return not documented
