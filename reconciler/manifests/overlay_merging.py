"""Merging of overlays: the document of a manifest with others over it, each value with who states it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from reconciler.findings import Finding, Severity
from reconciler.manifests.documents import Document
from reconciler.manifests.yaml_values import EnvTag
from reconciler.text import clip, did_you_mean, printable
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Packed,
    Path,
    as_list,
    as_object,
    display_path,
    lookup,
    nodes,
    same_json,
)
from reconciler.workflow import KEYWORDS, keyword_of, list_item_name

SET_PLACES: Final[Mapping[str, Path]] = MappingProxyType(
    {**KEYWORDS, "image": ("image",), "instance_type": ("resources", "instanceType")}
)
"""Where each key of `set` is in a step: the keywords of a patch, and names in place of ids."""

_NAMED_LISTS: Final = ("triggers", "watchers", "tags")
_Claim: TypeAlias = tuple[JsonValue, Document, Path]
"""A value that an overlay states, the overlay, and the path in it."""


class OverlayMerger:
    """A document of a manifest over which overlays are laid.

    Triggers, watchers and tags are mappings by name in between, so that each item keeps its path.

    Args:
        document: The document of the manifest.
        base: The path of its body.
    """

    def __init__(self, document: Document, base: Path) -> None:
        self.findings: list[Finding] = []
        self._document = document
        self._base = base
        self._value = as_object(copy.deepcopy(document.value))
        self._stated: dict[Path, tuple[Document, Path]] = {}
        self._written: dict[Path, dict[int, _Claim]] = {}
        self._below: dict[Path, dict[int, _Claim]] = {}
        body = mapping_at(self._value, base)
        for key in _NAMED_LISTS:
            if isinstance(body.get(key), list):
                where = (*base, key)
                body[key] = self._labelled(key, where, as_list(body[key]), document, where)

    def lay(self, overlay: Document) -> None:
        """Lay one overlay over the document; keywords win over its body."""
        patch = as_object(as_object(overlay.value)["patch"])
        for key, value in as_object(patch.get("body")).items():
            self._lay((*self._base, key), value, overlay, ("patch", "body", key))
        for key, value in as_object(patch.get("set")).items():
            inside = SET_PLACES[keyword_of(key)]
            holders = [()] if key == "name" else [("steps", name) for name in self._steps(overlay)]
            for holder in holders:
                self._lay((*self._base, *holder, *inside), value, overlay, ("patch", "set", key))
        for key, value in as_object(as_object(overlay.value).get("reconcile")).items():
            self._lay(("reconcile", key), value, overlay, ("reconcile", key))

    def result(self) -> Document:
        """Return the document with everything that was laid over it."""
        body = mapping_at(self._value, self._base)
        for key in _NAMED_LISTS:
            if isinstance(body.get(key), dict):
                self._unlabel(body, key)
        merged = dataclasses.replace(
            self._document, packed=Packed.of(self._value), overlaid=dict(self._stated)
        )
        variables: dict[Path, str] = {}
        defaults: set[Path] = set()
        unset: dict[Path, EnvTag] = {}
        for path, _ in nodes(self._value):
            document, inner = merged.stated(path)
            if inner in document.variables:
                variables[path] = document.variables[inner]
            if inner in document.defaults:
                defaults.add(path)
            if inner in document.unset:
                unset[path] = document.unset[inner]
        return dataclasses.replace(merged, variables=variables, defaults=frozenset(defaults), unset=unset)

    def _steps(self, overlay: Document) -> list[str]:
        """Return the steps that the keywords of an overlay are for."""
        known = as_object(lookup(self._value, (*self._base, "steps")))
        chosen = lookup(overlay.value, ("patch", "stepNames"))
        names = [*known] if chosen is ABSENT else [str(name) for name in as_list(chosen)]
        for index, name in enumerate(names):
            if name not in known and self._base != ("patch", "body"):
                message = f"there is no step {clip(name, 60)!r}; {did_you_mean(name, known)}"
                self._report(overlay, ("patch", "stepNames", index), "overlay-without-step", message)
        return [name for name in names if name in known or self._base == ("patch", "body")]

    def _lay(self, path: Path, value: JsonValue, overlay: Document, origin: Path) -> None:
        """Lay `value`, which `overlay` states at `origin`, over the value at `path`."""
        holder = self._holder(path[:-1], overlay, origin)
        key = str(path[-1])
        below = holder.get(key, ABSENT)
        if value is None:
            if below is ABSENT and path not in self._written:
                self._report_nothing(path, overlay, origin)
            self._claim(path, None, overlay, origin)
            self._forget(path)
            holder.pop(key, None)
        elif path[:-1] == self._base and key in _NAMED_LISTS and isinstance(value, list | dict):
            self._lay_list(holder, key, value, overlay, origin)
        elif isinstance(value, dict):
            if not isinstance(below, dict):
                self._put(path, holder, {}, overlay, origin)
            for name, item in value.items():
                if item is not None or isinstance(below, dict):
                    self._lay((*path, name), item, overlay, (*origin, name))
        else:
            self._claim(path, value, overlay, origin)
            self._put(path, holder, copy.deepcopy(value), overlay, origin)

    def _lay_list(
        self, body: JsonObject, key: str, value: JsonValue, overlay: Document, origin: Path
    ) -> None:
        """Lay triggers, watchers or tags over those of the body, each over the one that is about the same."""
        path = (*self._base, key)
        if not isinstance(body.get(key), dict):
            self._put(path, body, {}, overlay, origin)
        labelled = mapping_at(body, (key,))
        items = enumerate(value) if isinstance(value, list) else as_object(value).items()
        groups: dict[str, list[tuple[JsonValue, Path]]] = {}
        for part, item in items:
            name = str(part).casefold() if item is None else list_item_name(item, key)
            groups.setdefault(name, []).append((item, (*origin, part)))
        for name, group in groups.items():
            same = [
                label
                for label, below in labelled.items()
                if list_item_name(below, key).casefold() == name.casefold()
            ]
            item, where = group[0]
            is_one = len(group) == len(same) == 1
            if is_one and (item is None or (key == "watchers" and isinstance(item, dict))):
                self._lay((*path, same[0]), item, overlay, where)
                continue
            stated: list[JsonValue] = [one for one, _ in group if one is not None]
            self._claim((*path, name), stated or None, overlay, where)
            for label in same:
                self._forget((*path, label))
                del labelled[label]
            if item is None and not same:
                self._report_nothing((*path, name), overlay, where)
            for one, at in group:
                if one is not None:
                    label = _free(name, labelled)
                    labelled[label] = copy.deepcopy(one)
                    place = (*path, label)
                    self._stated[place] = (overlay, at)

    def _labelled(
        self, key: str, path: Path, items: list[JsonValue], document: Document, origin: Path
    ) -> JsonObject:
        labelled: JsonObject = {}
        for index, item in enumerate(items):
            label = _free(list_item_name(item, key), labelled)
            labelled[label] = item
            place = (*path, label)
            self._stated[place] = (document, (*origin, index))
        return labelled

    def _unlabel(self, body: JsonObject, key: str) -> None:
        """Make a list of the triggers, watchers or tags again."""
        path = (*self._base, key)
        labels = {label: index for index, label in enumerate(as_object(body[key]))}
        body[key] = [*as_object(body[key]).values()]
        depth = len(path)
        for where in [where for where in self._stated if where[:depth] == path and len(where) > depth]:
            stated = self._stated.pop(where)
            label = str(where[depth])
            if label in labels:
                place = (*path, labels[label], *where[depth + 1 :])
                self._stated[place] = stated

    def _holder(self, path: Path, overlay: Document, origin: Path) -> JsonObject:
        """Return the mapping at `path`, made if there is none."""
        holder = self._value
        for depth, part in enumerate(path):
            inner = holder.get(str(part))
            if not isinstance(inner, dict):
                self._put(path[: depth + 1], holder, {}, overlay, origin)
                inner = mapping_at(holder, (str(part),))
            holder = inner
        return holder

    def _put(self, path: Path, holder: JsonObject, value: JsonValue, overlay: Document, origin: Path) -> None:
        if isinstance(holder.get(str(path[-1])), dict):
            self._forget(path)
        holder[str(path[-1])] = value
        self._stated[path] = (overlay, origin)

    def _forget(self, path: Path) -> None:
        """Forget who states the values below `path`."""
        for where in [where for where in self._stated if where[: len(path)] == path]:
            del self._stated[where]

    def _claim(self, path: Path, value: JsonValue, overlay: Document, origin: Path) -> None:
        """Remember that an overlay states the value at `path`; report an other one that disagrees."""
        above = [path[:end] for end in range(len(path))]
        others = [
            self._written.get(path, {}),
            *(self._written.get(where, {}) for where in above),
            self._below.get(path, {}),
        ]
        for index, found in enumerate(others):
            for stated, other, at in found.values():
                if other is overlay or (index == 0 and same_json(stated, value)):
                    continue
                where = other.place(at)
                message = f"{self._shown(path)} is changed by two overlays: the other is {where}; keep one"
                self._report(overlay, origin, "overlay-conflict", message)
                return
        claim = (value, overlay, origin)
        self._written.setdefault(path, {})[id(overlay)] = claim
        for prefix in above:
            self._below.setdefault(prefix, {}).setdefault(id(overlay), claim)

    def _report_nothing(self, path: Path, overlay: Document, origin: Path) -> None:
        message = f"there is no {self._shown(path)} to remove in {self._document.place(path[:-1])}"
        self._report(overlay, origin, "overlay-removes-nothing", message, Severity.WARNING)

    def _shown(self, path: Path) -> str:
        inside = path[len(self._base) :] if path[: len(self._base)] == self._base else path
        return clip(display_path(inside), 200)

    def _report(
        self, overlay: Document, path: Path, rule: str, message: str, severity: Severity = Severity.ERROR
    ) -> None:
        self.findings.append(overlay_finding(overlay, path, rule, message, severity))


def overlay_finding(
    document: Document, path: Path, rule: str, message: str, severity: Severity = Severity.ERROR
) -> Finding:
    """Return a finding about the value at `path` of an overlay."""
    position = document.position(path, at_key=True)
    return Finding(
        file=document.file,
        rule=rule,
        message=printable(message),
        path=path,
        position=position,
        severity=severity,
    )


def mapping_at(value: JsonValue, path: Path) -> JsonObject:
    """Return the mapping at `path` itself, to be changed; an empty one if there is none."""
    found = lookup(value, path)
    return found if isinstance(found, dict) else {}


def _free(name: str, labelled: JsonObject) -> str:
    """Return `name`, or the first of `name#2` and on that `labelled` does not have."""
    label, number = name, 1
    while label in labelled:
        number += 1
        label = f"{name}#{number}"
    return label
