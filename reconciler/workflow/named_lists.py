"""The lists of a body whose items have names: triggers, watchers and tags.

In the canonical form a trigger is under its kind (`triggers.cron`) and a watcher under whom it notifies
(`watchers."user:ann@example.com"`), so that an order means nothing and each change has its own path.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Final

from reconciler.schema import body_fields
from reconciler.values import ABSENT, JsonObject, JsonValue, Path, as_list, as_object, dump_compact
from reconciler.workflow.canonical_value import canonical_value
from reconciler.workflow.normal_text import cron_by_fields, without_case
from reconciler.workflow.own_tags import is_own_tag

if TYPE_CHECKING:
    from collections.abc import Iterator


def lists_by_name(body: JsonObject) -> JsonObject:
    """Return `body` with `triggers` and `watchers` as maps from name to item; `lists_back` undoes it."""
    result = dict(body)
    for key in _NAMES:
        if key in body:
            result[key] = dict(_named(body[key], key))
    return result


def lists_back(body: JsonObject) -> JsonObject:
    """Return the body that `lists_by_name` was given: `triggers` and `watchers` are lists again."""
    result = dict(body)
    for key in _NAMES:
        if isinstance(result.get(key), dict):
            result[key] = list(as_object(result[key]).values())
    return result


def by_name_path(path: Path, body: JsonObject) -> Path:
    """Return the canonical form's path for a path inside `body`.

    Tags are one value, so that each has the path `("tags",)`; a trigger's path ends at its kind.
    """
    match path:
        case ("tags", *_):
            return ("tags",)
        case (("triggers" | "watchers") as key, int(index), *rest):
            items = as_list(body.get(key))
            if 0 <= index < len(items):
                text = dump_compact(_meaning(items[index], key))
                named = _named(items, key)
                same = (name for name, item in named if dump_compact(_meaning(item, key)) == text)
                name = next(same, str(index))
                return (key, name) if key == "triggers" else (key, name, *rest)
    return path


def trigger_forms(value: JsonValue) -> JsonObject:
    """Return triggers by kind: `{"cron": "0 6 * * *", "webhook": true}`; repeated crons get a number.

    `scheduled`, `webhookPolicy` and a live webhook's UUID are left out; so is a trigger that is off
    (`webhook: false`).
    """
    crons: set[str] = set()
    form: JsonObject = {}
    for name, item in _named(value, "triggers"):
        trigger = item if isinstance(item, dict) else {name.partition("#")[0]: item}
        if trigger.get("cron"):
            crons.add(_cron_form(trigger["cron"]))
        if trigger.get("webhook"):
            form["webhook"] = True
    for number, cron in enumerate(sorted(crons), start=1):
        form["cron" if number == 1 else f"cron#{number}"] = cron
    return form


def watcher_items(value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield each watcher with its name, equal ones once."""
    yield from _named(value, "watchers")


def tag_names(value: JsonValue) -> list[JsonValue]:
    """Return the names of tags, sorted and without repetition, without the reconciler's own."""
    names: set[str] = set()
    for item in as_list(value):
        name = item.get("name") if isinstance(item, dict) else item
        if name is not None and not is_own_tag(item):
            names.add(without_case(_text(name)))
    return list[JsonValue](sorted(names))


def list_item_name(item: JsonValue, key: str) -> str:
    """Return what an item of `key` (triggers, watchers or tags) is about: `cron`, `user:ann@x.org`, a tag."""
    if key == "tags":
        return without_case(_text(as_object(item).get("name", item)))
    return _NAMES[key](_meaning(item, key))


def _named(value: JsonValue, key: str) -> Iterator[tuple[str, JsonValue]]:
    """Yield the items of the list at `key` by name, equal ones once.

    Different ones of one name get `#2` and on, in an order that depends on nothing but what they mean. A
    webhook trigger is its place: each counts, in the order of the list, which is that of their URLs.
    """
    if isinstance(value, dict):
        yield from value.items()
        return
    items = list(filter(None, as_list(value)))
    if len(items) == 1:
        yield _NAMES[key](_meaning(items[0], key)), items[0]
        return
    groups: dict[str, dict[str, JsonValue]] = {}
    for place, item in enumerate(items):
        meaning = _meaning(item, key)
        name = _NAMES[key](meaning)
        text = f"{place:09}" if name == "webhook" else dump_compact(meaning)
        groups.setdefault(name, {}).setdefault(text, item)
    for base, group in groups.items():
        numbered = (f"{base}#{number}" for number in count(2))
        free = (label for label in numbered if label not in groups)
        ordered = sorted(group, key=lambda text: (_schedule(group[text]), text))
        yield from zip(chain([base], free), map(group.__getitem__, ordered), strict=False)


def _schedule(item: JsonValue) -> str:
    """Return the schedule of a trigger, by which triggers are in order; empty for anything else."""
    cron = as_object(item).get("cron")
    return _cron_form(cron) if cron else ""


def _meaning(item: JsonValue, key: str) -> JsonValue:
    """Return the form of an item of the list at `key`, which gives it its name."""
    if key == "triggers":
        cron = as_object(item).get("cron")
        return {**as_object(item), "cron": _cron_form(cron)} if cron else item
    field = body_fields().children["watchers"].item
    if field is None:
        return item
    form = canonical_value(item, field)
    return {} if form is ABSENT else form


def _cron_form(value: JsonValue) -> str:
    return cron_by_fields(_text(value))


def _trigger_name(item: JsonValue) -> str:
    trigger = as_object(item)
    return next((kind for kind in ("cron", "webhook") if trigger.get(kind)), "other")


def _watcher_name(item: JsonValue) -> str:
    watcher = as_object(item)
    if watcher.get("user"):
        return f"user:{_text(watcher['user'])}"
    # A platform may put an object without a name where a watcher is of another kind.
    kinds = [kind for kind in ("webhook", "email") if watcher.get(kind)]
    kind = next((kind for kind in kinds if as_object(watcher[kind]).get("name")), next(iter(kinds), ""))
    return f"{kind}:{_text(as_object(watcher[kind]).get('name'))}" if kind else "other"


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else dump_compact(value)


_NAMES: Final = {"triggers": _trigger_name, "watchers": _watcher_name}
