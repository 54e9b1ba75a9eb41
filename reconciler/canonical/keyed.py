"""The lists of a body that are told apart by name: triggers, watchers and tags.

In the canonical form triggers stand under their kind (`triggers.cron`) and watchers under whom they tell
(`watchers."user:ann@example.com"`), so that an order means nothing and a change has a path of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.values import JsonObject, JsonValue, Path, as_list, as_object, dump_compact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OWN_TAG_PREFIX: Final = "reconciler-"
"""What the names of the reconciler's own tags start with; such a tag is never a difference."""


def keyed(body: JsonObject) -> JsonObject:
    """Return `body` with `triggers` and `watchers` as maps from name to item; see `unkeyed`."""
    result = dict(body)
    for key, name in _NAMES.items():
        if key in body:
            result[key] = dict(_named(body[key], name))
    return result


def unkeyed(body: JsonObject) -> JsonObject:
    """Return what `keyed` was given: `triggers` and `watchers` are lists again."""
    result = dict(body)
    for key in _NAMES:
        if isinstance(result.get(key), dict):
            result[key] = list(as_object(result[key]).values())
    return result


def keyed_path(path: Path, body: JsonObject) -> Path:
    """Return the canonical form's path for a path inside `body`.

    Tags are one value, so that each has the path `("tags",)`; a trigger's path ends at its kind.
    """
    match path:
        case ("tags", *_):
            return ("tags",)
        case (("triggers" | "watchers") as key, int(index), *rest):
            items = as_list(body.get(key))
            if 0 <= index < len(items):
                name = next(
                    (name for name, item in _named(items, _NAMES[key]) if item is items[index]), str(index)
                )
                return (key, name) if key == "triggers" else (key, name, *rest)
    return path


def trigger_forms(value: JsonValue) -> JsonObject:
    """Return triggers by kind: `{"cron": "0 6 * * *", "webhook": true}`; repeated crons get a number.

    `scheduled`, `webhookPolicy` and a live webhook's UUID say nothing about what is wanted. A trigger that
    is off (`webhook: false`) is none.
    """
    crons: list[str] = []
    form: JsonObject = {}
    for name, item in _named(value, _trigger_name):
        trigger = item if isinstance(item, dict) else {name.partition("#")[0]: item}
        cron = trigger.get("cron")
        if cron:
            crons.append(cron if isinstance(cron, str) else dump_compact(cron))
        if trigger.get("webhook"):
            form["webhook"] = True
    for number, cron in enumerate(sorted(set(crons)), start=1):
        form["cron" if number == 1 else f"cron#{number}"] = cron
    return form


def watcher_items(value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield each watcher with its name."""
    yield from _named(value, _watcher_name)


def tag_names(value: JsonValue) -> list[JsonValue]:
    """Return the names of tags, sorted and without repetition, without the reconciler's own."""
    names: set[str] = set()
    for item in as_list(value):
        name = item.get("name") if isinstance(item, dict) else item
        if name is not None and not is_own_tag(item):
            names.add(_text(name))
    return list[JsonValue](sorted(names))


def is_own_tag(tag: JsonValue) -> bool:
    """Return whether `tag` is one that the reconciler itself put there."""
    name = tag.get("name") if isinstance(tag, dict) else tag
    return isinstance(name, str) and name.startswith(OWN_TAG_PREFIX)


def _named(value: JsonValue, name: Callable[[JsonValue], str]) -> Iterator[tuple[str, JsonValue]]:
    """Yield the items of a list by name; repeated ones get `#2` and on, in an order of their values."""
    if isinstance(value, dict):
        yield from value.items()
        return
    items = [item for item in as_list(value) if item]
    groups: dict[str, list[JsonValue]] = {}
    for item in items:
        groups.setdefault(name(item), []).append(item)
    for base, group in groups.items():
        for number, item in enumerate(sorted(group, key=dump_compact), start=1):
            yield (base if number == 1 else f"{base}#{number}"), item


def _trigger_name(item: JsonValue) -> str:
    trigger = as_object(item)
    return next((kind for kind in ("cron", "webhook") if trigger.get(kind)), "other")


def _watcher_name(item: JsonValue) -> str:
    watcher = as_object(item)
    if watcher.get("user"):
        return f"user:{_text(watcher['user'])}"
    # A platform may put an object without a name where a watcher is of another kind.
    told = [kind for kind in ("webhook", "email") if watcher.get(kind)]
    kind = next((kind for kind in told if as_object(watcher[kind]).get("name")), next(iter(told), ""))
    return f"{kind}:{_text(as_object(watcher[kind]).get('name'))}" if kind else "other"


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else dump_compact(value)


_NAMES: Final = {"triggers": _trigger_name, "watchers": _watcher_name}
