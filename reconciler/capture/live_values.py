"""Live values in a manifest's document: the value that it would have if Git stated what is live.

A difference is known by its path in the canonical form; here it is written where the manifest states it, in
the way that the manifest is written: lists keep their order, `env` its shape, retry options their place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.export import exported_body
from reconciler.manifests import Manifest, PatchManifest
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Path,
    as_list,
    as_object,
    display_path,
    dump_compact,
    lookup,
)
from reconciler.workflow import (
    KEYWORDS,
    Body,
    FieldChange,
    Live,
    as_written,
    by_name_path,
    is_own_tag,
    lists_by_name,
    tag_name,
)

_ALL_DEFAULT: Final[JsonObject] = {"numberOfRetries": 3}
"""Retry options of a step that has the defaults, whatever the workflow states."""

_EXTRA: Final[Path] = ("reconcile", "extra")
_ITEM_DEPTH: Final = 2
_PAUSED: Final[Path] = ("reconcile", "paused")


class NotCapturableError(ReconcilerError):
    """A difference that has no place in the manifest."""


@dataclass(frozen=True, slots=True)
class _Style:
    """One of the ways in which the same values can be written.

    Args:
        keeps_order: Whether a list keeps the order of the manifest, as a set may.
        hoist: Whether a new step may leave out the retry options that other steps share.
    """

    keeps_order: bool
    hoist: bool


_STYLES: Final = [_Style(order, hoist) for order in (True, False) for hoist in (True, False)]


def captured_documents(  # noqa: PLR0913 - the last by name
    manifest: Manifest,
    live: Live,
    changes: Sequence[FieldChange],
    default_resource: JsonObject,
    named_steps: Callable[[], JsonObject],
    *,
    with_paused: bool,
) -> Iterator[JsonValue]:
    """Yield values that the manifest's document may have to be in sync, the best way to write them first.

    Args:
        manifest: The manifest.
        live: The live workflow.
        changes: Their differences, with the values as they are.
        default_resource: The tenant's default resource.
        named_steps: Returns the live steps with names in place of ids, for a manifest that states names.
        with_paused: Whether to state, too, whether the live workflow is paused.

    Raises:
        NotCapturableError: A difference has no place in the manifest.
    """
    seen: set[str] = set()
    for style in _STYLES:
        document = _Document(manifest, live, default_resource, named_steps, style)
        whole = document.with_live_values(changes, with_paused=with_paused)
        text = dump_compact(whole)
        if text not in seen:
            seen.add(text)
            yield whole


class _Document:
    """The value of a manifest's document, in which live values replace those of Git."""

    def __init__(
        self,
        manifest: Manifest,
        live: Live,
        default_resource: JsonObject,
        named_steps: Callable[[], JsonObject],
        style: _Style,
    ) -> None:
        self._manifest = manifest
        self._live = live.body
        self._paused = live.paused
        self._style = style
        self._default_resource = default_resource
        self._named_steps = named_steps
        self._whole = copy.deepcopy(as_object(manifest.source.document.value))
        base = manifest.source.base
        self._is_patch = isinstance(manifest, PatchManifest)
        body = lookup(self._whole, (*base, "body") if self._is_patch else base)
        self._body: JsonObject = body if isinstance(body, dict) else {}
        # As in Git: those that are alike are numbered, so that an edit of one would rename others.
        watchers = as_list(self._body.get("watchers"))
        self._watcher_names = [by_name_path(("watchers", at), self._body)[1] for at in range(len(watchers))]

    def with_live_values(self, changes: Sequence[FieldChange], *, with_paused: bool) -> JsonObject:
        """Return the document's value with the live side of `changes`, and of `paused` if wanted."""
        kinds = {
            change.path[1] for change in changes if change.path[0] == "triggers" and len(change.path) > 1
        }
        if kinds:
            self._triggers(kinds)
        for change in changes:
            if change.path[0] != "triggers" and not _is_gone_watcher(change):
                self._set(
                    change.path, change.before if change.before is ABSENT else as_written(change.before)
                )
        self._remove_watchers([change.path for change in changes if _is_gone_watcher(change)])
        if with_paused:
            _put(self._whole, _PAUSED, self._paused)
        return self._whole

    def _set(self, path: Path, value: JsonValue | Absent) -> None:
        if self._is_extra(path):
            self._put(lookup(self._whole, _EXTRA), path, value)
            return
        if self._is_patch and self._set_keyword(path, value):
            return
        self._require_stated(path)
        if self._set_name(path, value):
            return
        match path:
            case ("tags",):
                self._tags()
            case ("watchers", str()):
                self._add_watcher(as_object(value))
            case ("watchers", str(name), *rest):
                for index in self._indices(name):
                    self._put(self._body, ("watchers", index, *rest), value)
            case ("steps", str(name)) if value is not ABSENT:
                self._put(self._body, path, self._new_step(name))
            case ("steps", str(name), "runConfiguration", "retryOptions", *_) if self._inherits(name):
                options = as_object(as_object(Body(self._live.form).steps[name].raw).get("runConfiguration"))
                own = as_written(options.get("retryOptions")) or _ALL_DEFAULT
                self._put(self._body, path[:4], own)
            case _:
                self._put(self._body, path, value)

    def _set_name(self, path: Path, value: JsonValue | Absent) -> bool:
        """Set the name of an image or an instance type that the manifest states in place of the id at `path`.

        Where the live one has no name, its ids take the place. Return whether a name is stated.
        """
        match path:
            case ("steps", _, "imageId" | "imageVersionId"):
                place = (*path[:2], "image")
            case ("steps", _, "resources", "instanceTypeId"):
                place = (*path[:3], "instanceType")
            case _:
                return False
        if lookup(self._body, place) is ABSENT:
            return False
        named = lookup(self._named_steps(), place[1:])
        if isinstance(named, dict):
            for key, item in named.items():
                self._put(self._body, (*place, key), item)
        elif named is not ABSENT:
            self._put(self._body, place, named)
        else:
            _remove(self._body, place)
            live = as_object(lookup(self._live.form, path[:2]))
            for key in ("imageId", "imageVersionId") if place[2:] == ("image",) else ():
                self._put(self._body, (*path[:2], key), live.get(key, ABSENT))
            self._put(self._body, path, value)
        return True

    def _is_extra(self, path: Path) -> bool:
        """Whether the manifest states the field at `path` under `reconcile.extra`."""
        return lookup(self._body, path) is ABSENT and lookup(self._whole, (*_EXTRA, *path)) is not ABSENT

    def _set_keyword(self, path: Path, value: JsonValue | Absent) -> bool:
        """Set a keyword of a patch; return whether one states the field at `path`."""
        stated = as_object(lookup(self._whole, ("patch", "set")))
        inside = path[2:] if path[0] == "steps" else path
        for keyword, place in KEYWORDS.items():
            first, *others = keyword.split("_")
            key = first + "".join(map(str.capitalize, others))
            if key in stated and place == inside and value is not ABSENT:
                _put(self._whole, ("patch", "set", key), value)
                return True
        return False

    def _require_stated(self, path: Path) -> None:
        """Check that a patch states what is to be changed: the rest of the workflow is not its own."""
        if not self._is_patch:
            return
        first = path[:1] if path[0] in {"tags", "watchers", "triggers"} else path
        if lookup(lists_by_name(self._body), first) is ABSENT:
            raise NotCapturableError(f"{display_path(path)} has no place of its own in the patch")

    def _inherits(self, step: str) -> bool:
        return step in self._live.steps and step in Body(self._body).inheriting_steps

    def _new_step(self, name: str) -> JsonValue:
        body = exported_body(self._live, self._default_resource, hoist=self._style.hoist)
        return as_object(body.get("steps")).get(name)

    def _tags(self) -> None:
        stated = as_list(self._body.get("tags"))
        live = {_tag_key(tag): tag_name(tag) for tag in self._live.tags if tag_name(tag)}
        kept = [tag for tag in stated if is_own_tag(tag) or _tag_key(tag) in live]
        known = {_tag_key(tag) for tag in kept}
        new: list[JsonValue] = [{"name": name} for key, name in live.items() if key not in known]
        self._put_list("tags", [*kept, *new])

    def _triggers(self, kinds: Iterable[str | int]) -> None:
        if self._is_patch and "triggers" not in self._body:
            raise NotCapturableError("triggers has no place of its own in the patch")
        crons = any(str(kind).startswith("cron") for kind in kinds)
        live = {_cron(trigger): trigger.get("cron") for trigger in self._live.triggers if trigger.get("cron")}
        stated = as_list(self._body.get("triggers"))
        known = {_cron(item) for item in stated}
        new = [cron for form, cron in live.items() if form not in known] if crons else []
        triggers: list[JsonValue] = []
        for item in map(as_object, stated):
            trigger = dict(item)
            if crons and item.get("cron") and _cron(item) not in live:
                trigger.pop("cron")
                trigger |= {"cron": new.pop(0)} if new else {}
            if "webhook" in kinds and item.get("webhook") and not self._live.has_webhook:
                trigger = {key: value for key, value in trigger.items() if not key.startswith("webhook")}
            triggers += [trigger] if trigger else []
        triggers += [{"cron": cron} for cron in new]
        if "webhook" in kinds and self._live.has_webhook and not Body(self._body).has_webhook:
            triggers.append({"webhook": True})
        self._put_list("triggers", triggers)

    def _add_watcher(self, item: JsonObject) -> None:
        ordered = {**{key: item[key] for key in item if key != "events"}, **item}
        self._put_list("watchers", [*as_list(self._body.get("watchers")), ordered])

    def _remove_watchers(self, paths: Sequence[Path]) -> None:
        """Remove watchers from among those of the manifest, after all other edits."""
        for path in paths:
            self._require_stated(path)
        gone = {index for path in paths for index in self._indices(str(path[1]))}
        if gone:
            watchers = as_list(self._body.get("watchers"))
            self._put_list("watchers", [item for index, item in enumerate(watchers) if index not in gone])

    def _indices(self, watcher: str) -> list[int]:
        """Return where the watcher of a name is in the manifest, which may have equal ones twice."""
        found = [index for index, name in enumerate(self._watcher_names) if name == watcher]
        if not found:
            raise NotCapturableError(f"{display_path(('watchers', watcher))} is not found in the manifest")
        return found

    def _put_list(self, key: str, items: list[JsonValue]) -> None:
        if items:
            self._body[key] = items
        else:
            self._body.pop(key, None)

    def _put(self, root: JsonValue | Absent, path: Path, value: JsonValue | Absent) -> None:
        if not isinstance(root, dict):
            return
        old = lookup(root, path)
        if isinstance(old, list) and isinstance(value, list) and self._style.keeps_order:
            value = _in_order_of(old, value)
        step = lookup(root, path[:2]) if path[0] == "steps" and path[2:] else ABSENT
        if value is not ABSENT:
            _put(root, path, value)
        elif isinstance(step, dict):
            _remove(step, path[2:])  # a step stays, also an empty one
        else:
            _remove(root, path)


def _is_gone_watcher(change: FieldChange) -> bool:
    return change.path[0] == "watchers" and len(change.path) == _ITEM_DEPTH and change.before is ABSENT


def _cron(trigger: JsonValue) -> JsonValue:
    return as_object(Body({"triggers": [trigger]}).form.get("triggers")).get("cron")


def _tag_key(tag: JsonValue) -> str:
    return tag_name(tag).casefold()


def _in_order_of(old: list[JsonValue], new: list[JsonValue]) -> list[JsonValue]:
    """Return the items of `new`, those of `old` first and in its order."""
    texts = [dump_compact(item) for item in new]
    kept = [item for item in old if dump_compact(item) in texts]
    known = [dump_compact(item) for item in kept]
    return [*kept, *(item for item, text in zip(new, texts, strict=True) if text not in known)]


def _step_into(value: JsonValue, part: str | int) -> JsonValue | Absent:
    """Return what is at `part` of a mapping, a list, or a list of mappings with one key each (`env`)."""
    if isinstance(value, list) and isinstance(part, str):
        return next((item for item in value if isinstance(item, dict) and part in item), ABSENT)
    return lookup(value, (part,))


def _put(root: JsonValue, path: Path, value: JsonValue) -> None:
    part, *rest = path
    inner = _step_into(root, part)
    if isinstance(root, list) and isinstance(part, str):
        if isinstance(inner, dict):
            _put(inner, path, value)
        else:
            root.append({part: _nested(tuple(rest), value)})
    elif isinstance(root, list) and isinstance(part, int):
        if rest:
            _put(root[part], tuple(rest), value)
        else:
            root[part] = copy.deepcopy(value)
    elif isinstance(root, dict):
        if rest and isinstance(inner, dict | list):
            _put(inner, tuple(rest), value)
        else:
            root[str(part)] = _nested(tuple(rest), value)


def _nested(path: Path, value: JsonValue) -> JsonValue:
    for part in reversed(path):
        value = {str(part): value}
    return copy.deepcopy(value)


def _remove(root: JsonValue, path: Path) -> None:
    """Remove what is at `path`, with the mappings and lists above it that are empty then."""
    part, *rest = path
    inner = _step_into(root, part)
    if inner is ABSENT:
        return
    if isinstance(root, list) and isinstance(part, str):
        _remove(inner, path)
    elif rest:
        _remove(inner, tuple(rest))
    if (rest or isinstance(root, list)) and inner not in ({}, []):
        return
    if isinstance(root, dict):
        root.pop(str(part))
    elif isinstance(root, list):
        root.remove(inner)
