"""Overlays: changes per environment, laid over the manifest of the same name before it is checked.

An overlay is a document with `patch:`, as a patch manifest is. Mappings are merged by key, triggers, watchers
and tags by what they are about, any other value is replaced, and `null` removes. Every value of the result
knows the document that states it. Two overlays that disagree are an error: their order means nothing.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path as FilePath
from typing import Final

from reconciler.findings import Finding, Severity
from reconciler.manifests.documents import Document
from reconciler.manifests.yaml_values import EnvTag
from reconciler.text import clip, did_you_mean, printable
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Path,
    as_list,
    as_object,
    display_path,
    lookup,
    nodes,
    same_json,
)
from reconciler.workflow import KEYWORDS, keyword_of, list_item_name

_NAMED_LISTS: Final = ("triggers", "watchers", "tags")
_ALLOWED: Final = frozenset({"name", "body", "set", "stepNames"})
_FORM: Final = "write patch: {name: NAME, body: …}, or patch: {name: NAME, set: …}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSettings:
    """Settings (`reconcile:`) of all workflows whose name matches a glob.

    Args:
        match: The glob, for the name that a manifest states.
        settings: The settings; those of a manifest win, and fields that either ignores are ignored.
        document: The configuration.
        base: The path of the settings in it.
    """

    match: str
    settings: JsonObject
    document: Document = field(repr=False)
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayOptions:
    """The overlays of an environment, what it adds to names, and settings of many workflows.

    Args:
        paths: Files and directories with overlays.
        root: The resolved directory that contains every file that they may include.
        prefix: The text before the name of each workflow.
        suffix: The text after it.
        shared: The settings of many workflows; a later one wins.
        whole: Whether all manifests are read, so that each overlay must find its own.
    """

    paths: tuple[str, ...] = ()
    root: FilePath = field(default_factory=FilePath)
    prefix: str = ""
    suffix: str = ""
    shared: tuple[SharedSettings, ...] = ()
    whole: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether manifests stay as they are."""
        return not (self.paths or self.prefix or self.suffix or self.shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlays:
    """The overlays of a run, by the name of the workflow that each is about.

    Args:
        documents: The documents of each name.
        options: Where they come from.
        secrets: The values that came through `!env`.
        lines: The lines of each file, for excerpts.
    """

    documents: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    options: OverlayOptions = field(default_factory=OverlayOptions)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    def laid_over(self, document: Document, findings: list[Finding]) -> Document:
        """Return a manifest's document with its overlays, with shared settings and the environment's name.

        Args:
            document: The document of the manifest.
            findings: The list to which what is wrong is added.
        """
        base = _body_base(document.value)
        if base is None:
            return document
        name = stated_name(document.value)
        overlays = self.documents.get(name, ())
        if overlays:
            merger = _Merger(document, base)
            for overlay in overlays:
                merger.lay(overlay)
            findings.extend(merger.findings)
            document = merger.result()
        shared = [one for one in self.options.shared if fnmatchcase(name, one.match)]
        return self._renamed(_with_shared(document, shared), base)

    def files_of(self, names: Iterable[str]) -> frozenset[FilePath]:
        """Return the files, resolved, with the overlays of these names."""
        found = (document for name in names for document in self.documents.get(name, ()))
        return frozenset(FilePath(document.file).resolve() for document in found)

    def unmatched(self, found: Iterable[str]) -> Iterator[Finding]:
        """Yield an error for each overlay of a workflow that none of the manifests is about.

        Args:
            found: The names that manifests state.
        """
        if not self.options.whole:
            return
        known = frozenset(found)
        for name in sorted(self.documents.keys() - known):
            nearest = did_you_mean(name, known, listed="known names") if known else "there are none"
            message = f"the overlay is for {clip(name, 100)!r}, and no manifest has that name; {nearest}"
            for document in self.documents[name]:
                yield _finding(document, ("patch", "name"), "overlay-without-manifest", message)

    def _renamed(self, document: Document, base: Path) -> Document:
        """Return the document of a workflow with the prefix and suffix; a patch names one that exists."""
        name = as_object(lookup(document.value, base)).get("name")
        options = self.options
        if base[:1] == ("patch",) or not isinstance(name, str) or not (options.prefix or options.suffix):
            return document
        value = as_object(copy.deepcopy(document.value))
        _mapping_at(value, base)["name"] = f"{options.prefix}{name}{options.suffix}"
        settings = _mapping_at(value, ("reconcile",))
        if isinstance(settings.get("renamedFrom"), list):
            settings["renamedFrom"] = [
                f"{options.prefix}{former}{options.suffix}" for former in as_list(settings["renamedFrom"])
            ]
        return dataclasses.replace(document, value=value)


def overlay_problem(document: Document) -> Finding | None:
    """Return what is wrong with the form of an overlay, if anything is."""
    value = as_object(document.value)
    unknown = sorted(key for key in value if key not in {"patch", "reconcile"} and not key.startswith("x-"))
    if "patch" not in value or unknown:
        path = (unknown[0],) if "patch" in value else ()
        return _finding(document, path, "not-an-overlay", f"this document is not an overlay; {_FORM}")
    patch = as_object(value["patch"])
    known = {*patch} <= _ALLOWED and {"body", "set"} & {*patch}
    mappings = all(isinstance(patch.get(key, {}), dict) for key in ("body", "set"))
    steps = patch.get("stepNames", [])
    texts = isinstance(steps, list) and all(isinstance(name, str) for name in steps)
    if not isinstance(patch.get("name"), str) or not (known and mappings and texts):
        return _finding(document, ("patch",), "not-an-overlay", f"this is not a valid patch; {_FORM}")
    for key in as_object(patch.get("set")):
        if keyword_of(key) not in KEYWORDS:
            message = f"unknown key {clip(key, 60)!r} in set; {did_you_mean(key, _CAMEL, len(_CAMEL))}"
            return _finding(document, ("patch", "set", key), "schema-unknown-key", message)
    return None


def stated_name(value: JsonValue) -> str:
    """Return the name that the document of a manifest or of an overlay states; empty if it has none."""
    base = _body_base(value)
    holder = ("patch",) if base == ("patch", "body") else base
    name = lookup(value, (*holder, "name")) if holder is not None else ABSENT
    return name if isinstance(name, str) else ""


def _body_base(value: JsonValue) -> Path | None:
    """Return the path of the body in the document of a manifest; `None` if it is none."""
    if not isinstance(value, dict):
        return None
    if "body" in value:
        return ("body",) if isinstance(value["body"], dict) else None
    if "patch" in value:
        return ("patch", "body") if isinstance(value["patch"], dict) else None
    return ()


class _Merger:
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
        self._written: dict[Path, tuple[JsonValue, Document, Path]] = {}
        body = _mapping_at(self._value, base)
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
            inside = KEYWORDS[keyword_of(key)]
            holders = [()] if key == "name" else [("steps", name) for name in self._steps(overlay)]
            for holder in holders:
                self._lay((*self._base, *holder, *inside), value, overlay, ("patch", "set", key))
        for key, value in as_object(as_object(overlay.value).get("reconcile")).items():
            self._lay(("reconcile", key), value, overlay, ("reconcile", key))

    def result(self) -> Document:
        """Return the document with everything that was laid over it."""
        body = _mapping_at(self._value, self._base)
        for key in _NAMED_LISTS:
            if isinstance(body.get(key), dict):
                self._unlabel(body, key)
        merged = dataclasses.replace(self._document, value=self._value, overlaid=dict(self._stated))
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
        labelled = _mapping_at(body, (key,))
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
                inner = _mapping_at(holder, (str(part),))
            holder = inner
        return holder

    def _put(self, path: Path, holder: JsonObject, value: JsonValue, overlay: Document, origin: Path) -> None:
        self._forget(path)
        holder[str(path[-1])] = value
        self._stated[path] = (overlay, origin)

    def _forget(self, path: Path) -> None:
        """Forget who states the values below `path`."""
        for where in [where for where in self._stated if where[: len(path)] == path]:
            del self._stated[where]

    def _claim(self, path: Path, value: JsonValue, overlay: Document, origin: Path) -> None:
        """Remember that an overlay states the value at `path`; report an other one that disagrees."""
        for where, (stated, other, at) in self._written.items():
            shared = min(len(path), len(where))
            is_same = path == where and same_json(stated, value)
            if other is overlay or path[:shared] != where[:shared] or is_same:
                continue
            message = (
                f"{self._shown(path)} is changed by two overlays: the other is {other.place(at)}; keep one"
            )
            self._report(overlay, origin, "overlay-conflict", message)
            return
        self._written[path] = (value, overlay, origin)

    def _report_nothing(self, path: Path, overlay: Document, origin: Path) -> None:
        message = f"there is no {self._shown(path)} to remove in {self._document.place(path[:-1])}"
        self._report(overlay, origin, "overlay-removes-nothing", message, Severity.WARNING)

    def _shown(self, path: Path) -> str:
        inside = path[len(self._base) :] if path[: len(self._base)] == self._base else path
        return clip(display_path(inside), 200)

    def _report(
        self, overlay: Document, path: Path, rule: str, message: str, severity: Severity = Severity.ERROR
    ) -> None:
        self.findings.append(_finding(overlay, path, rule, message, severity))


def _with_shared(document: Document, shared: Sequence[SharedSettings]) -> Document:
    """Return the document of a manifest with the settings that it shares below its own."""
    value = as_object(document.value)
    own = value.get("reconcile", {})
    if not shared or not isinstance(own, dict):
        return document
    merged: JsonObject = {}
    stated: dict[Path, tuple[Document, Path]] = {}
    ignored: list[tuple[JsonValue, tuple[Document, Path]]] = []
    for one in shared:
        for key, item in one.settings.items():
            merged[key] = item
            stated["reconcile", key] = (one.document, (*one.base, key))
        paths = enumerate(as_list(one.settings.get("ignore")))
        ignored += [(path, (one.document, (*one.base, "ignore", index))) for index, path in paths]
    for key, item in own.items():
        merged[key] = item
        stated["reconcile", key] = document.stated(("reconcile", key))
    paths = enumerate(as_list(own.get("ignore")))
    ignored += [(path, document.stated(("reconcile", "ignore", index))) for index, path in paths]
    if ignored and isinstance(own.get("ignore", []), list):
        merged["ignore"] = [path for path, _ in ignored]
        for index, (_, place) in enumerate(ignored):
            stated["reconcile", "ignore", index] = place
    return dataclasses.replace(
        document, value={**value, "reconcile": merged}, overlaid={**document.overlaid, **stated}
    )


def _mapping_at(value: JsonValue, path: Path) -> JsonObject:
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


def _finding(
    document: Document, path: Path, rule: str, message: str, severity: Severity = Severity.ERROR
) -> Finding:
    position = document.position(path, at_key=True)
    return Finding(
        file=document.file,
        rule=rule,
        message=printable(message),
        path=path,
        position=position,
        severity=severity,
    )


_CAMEL: Final = tuple(
    f"{first}{''.join(map(str.capitalize, rest))}" for first, *rest in (key.split("_") for key in KEYWORDS)
)
"""The keys of `set`."""
