"""Undocumented fields of a body: keys that no schema knows, which an update must not lose. Pure.

The platform's own editor writes keys that nobody has documented, and a later release of the API may add some.
Their paths are those of a body with its triggers and watchers by name; a trigger of an unknown kind is one
field as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.schema import Field, FieldKind, body_fields, step_fields
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Path,
    as_list,
    as_object,
    copied,
    dump_compact,
    leaves,
    lookup,
    put,
    same_json,
)
from reconciler.workflow.canonical_value import canonical_value, plain
from reconciler.workflow.named_lists import lists_back, lists_by_name, trigger_forms
from reconciler.workflow.step import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_NAMED_LISTS = frozenset({"triggers", "watchers"})
_NAMED_ITEM = 2
"""The length of the path of a step, a trigger or a watcher."""


def undocumented_fields(body: JsonObject) -> dict[Path, JsonValue]:
    """Return the undocumented fields of a body with what they hold, the outermost of each."""
    return dict(_fields(lists_by_name(body)))


def with_values(body: JsonObject, values: JsonObject) -> JsonObject:
    """Return `body` with every single value of the mapping `values` in its place."""
    result = copied(body)
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

    A field goes with what it is in: with a step, also one that changes its type, with a trigger, a watcher or
    an item of another list, and with an object in a step whose documented fields `body` leaves out.

    Args:
        body: A body that is about to replace the live one.
        live: The live body in the form that can be sent.
        undocumented: Its undocumented fields.
    """
    if not undocumented:
        return body
    theirs = lists_by_name(live)
    ours = lists_by_name(copied(body))
    for path, value in undocumented.items():
        place = _counterpart(path, theirs, ours)
        if place is None or lookup(ours, place) is not ABSENT:
            continue
        holder = lookup(ours, place[:-1])
        if isinstance(holder, dict):
            if _is_same_step(path, theirs, ours):
                holder[str(place[-1])] = copied(value)
        elif _belongs(path, ours, theirs, undocumented):
            put(ours, place, value)
    return lists_back(ours)


def kept_fields(body: JsonObject, live: JsonObject, undocumented: Mapping[Path, JsonValue]) -> list[Path]:
    """Return where `body` sends undocumented fields of a live workflow back as they are.

    Args:
        body: A body that is about to replace the live one.
        live: The live body in the form that can be sent.
        undocumented: Its undocumented fields.
    """
    if not undocumented:
        return []
    theirs, ours = lists_by_name(live), lists_by_name(body)
    places = ((_counterpart(path, theirs, ours), value) for path, value in undocumented.items())
    return [place for place, value in places if place is not None and _same(lookup(ours, place), value)]


def _same(sent: JsonValue | Absent, live: JsonValue) -> bool:
    """Whether two values are the same up to the order of lists, which a platform may shuffle."""
    return sent is not ABSENT and same_json(_in_order(sent), _in_order(live))


def _in_order(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _in_order(item) for key, item in value.items()}
    return sorted(map(_in_order, value), key=dump_compact) if isinstance(value, list) else value


def lost_fields(body: JsonObject, live: JsonObject, undocumented: Collection[Path]) -> list[Path]:
    """Return the undocumented fields of a live workflow that `body` lacks.

    Those in steps, triggers and watchers that go are not among them. Takes what `kept_fields` does.
    """
    if not undocumented:
        return []
    theirs, ours = lists_by_name(live), lists_by_name(body)
    lost = []
    for path in undocumented:
        place = _counterpart(path, theirs, ours)
        item = _counterpart(path[:_NAMED_ITEM], theirs, ours)
        stays = len(path) <= _NAMED_ITEM or (item is not None and lookup(ours, item) is not ABSENT)
        if stays and (place is None or lookup(ours, place) is ABSENT):
            lost.append(path)
    return lost


def without_fields(body: JsonObject, paths: Iterable[Path]) -> JsonObject:
    """Return `body` without some undocumented fields."""
    result = lists_by_name(copied(body))
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
        elif key in _NAMED_LISTS:
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


def _counterpart(path: Path, theirs: JsonObject, ours: JsonObject) -> Path | None:
    """Return the place in `ours` of what is at `path` in `theirs`, both with their lists by name.

    An item of a list is found by what is documented of it, wherever it is; a trigger or a watcher that no
    other one equals, by its name. `None` for an item that `ours` does not have.
    """
    place: Path = ()
    for depth, part in enumerate(path):
        found: str | int | None = part
        if isinstance(part, int) or (depth == 1 and path[0] in _NAMED_LISTS):
            items = lookup(theirs, path[:depth]), lookup(ours, place)
            found = _same_item(part, *items, _item_field(path[:depth], theirs))
        if found is None:
            return None
        place = (*place, found)
    return place


def _same_item(
    part: str | int, theirs: JsonValue | Absent, ours: JsonValue | Absent, field: Field | None
) -> str | int | None:
    """Return the key in the list or map `ours` of the item that `theirs` has at `part`."""
    known = {key: _documented(item, field) for key, item in _items(theirs)}
    wanted = known[part]
    before = list(known)[: list(known).index(part)]
    equal = [key for key, item in _items(ours) if _documented(item, field) == wanted]
    rank = sum(known[key] == wanted for key in before)
    if rank < len(equal):
        return equal[rank]
    if isinstance(part, int):
        return None
    taken = _documented(as_object(ours).get(part, ABSENT), field)
    return part if not taken or taken not in known.values() else None


def _items(value: JsonValue | Absent) -> Iterable[tuple[str | int, JsonValue]]:
    return value.items() if isinstance(value, dict) else enumerate(as_list(value))


def _documented(item: JsonValue | Absent, field: Field | None) -> str:
    """Return what the schema documents of an item, as text in which equal meaning is equal."""
    if field is None or item is ABSENT:
        return ""
    if isinstance(item, dict) and not item.keys() & field.children.keys():
        return dump_compact(item)
    if isinstance(item, dict) and "cron" in field.children:
        item = dict(trigger_forms([item]))
        return dump_compact(item)
    form = canonical_value(item, field)
    return "" if form is ABSENT else dump_compact(form)


def _item_field(path: Path, body: JsonObject) -> Field | None:
    """Return the description of the items of the list at `path` of a body with its lists by name."""
    key, *rest = path
    field: Field | None = body_fields().children.get(str(key))
    if key == "steps":
        step = as_object(lookup(body, path[:_NAMED_ITEM]))
        field, rest = step_fields(Step(step).type), rest[1:]
    for part in rest:
        field = field and (field.item if isinstance(part, int) else field.children.get(str(part)))
    return field and field.item


def _is_same_step(path: Path, theirs: JsonObject, ours: JsonObject) -> bool:
    """Whether what `path` leads into is no step whose type changes."""
    if path[0] != "steps":
        return True
    types = {Step(as_object(lookup(side, path[:_NAMED_ITEM]))).type for side in (theirs, ours)}
    return len(types) == 1


def _belongs(path: Path, ours: JsonObject, theirs: JsonObject, undocumented: Iterable[Path]) -> bool:
    """Whether a live field in an object that `ours` leaves out has a place in it."""
    if len(path) <= _NAMED_ITEM:
        return True
    item = lookup(ours, path[:_NAMED_ITEM])
    if any(isinstance(part, int) for part in path) or not isinstance(item, dict):
        return False
    holder = path[:-1]
    documented = set(as_object(lookup(theirs, holder))) - {
        found[-1] for found in undocumented if found[:-1] == holder
    }
    return not documented and _is_same_step(path, theirs, ours)
