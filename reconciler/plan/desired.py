"""Desired workflow: the body that a manifest describes, with live values for ignored fields.

Fields of `reconcile.ignore` are not compared, and keep their live value. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.portable import id_patterns
from reconciler.values import (
    ABSENT,
    JsonObject,
    Packed,
    Path,
    Pattern,
    as_object,
    copied,
    display_path,
    is_below,
    leaves,
    lookup,
    put,
    read_pattern,
)
from reconciler.workflow import (
    Body,
    Live,
    PackedBody,
    header_key,
    keyword_of,
    lists_back,
    lists_by_name,
    patched_body,
    with_header_names_of,
    write_only_field,
)

_NAME: Final[Path] = ("name",)
_TOP_RETRY: Final = "retryOptions"
_ITEM_DEPTH: Final = 2


def _always(_path: Path) -> bool:
    return True


def read_patterns(written: Iterable[str], desired: Body) -> tuple[Pattern, ...]:
    """Return the patterns that users write as `steps.*.resources` or `watchers."user:ann@x.org"`.

    A pattern for the retry options of the workflow is also one for the steps of `desired` that state none:
    some platforms return them there. One for a name in place of ids is one for the ids.
    """
    patterns = [id_pattern for text in written for id_pattern in id_patterns(read_pattern(text))]
    spread = [
        ("steps", name, "runConfiguration", *pattern)
        for pattern in patterns
        if pattern[:1] == (_TOP_RETRY,)
        for name in sorted(desired.inheriting_steps)
    ]
    return (*patterns, *spread)


def without_unset_fields(manifest: Manifest) -> Manifest:
    """Return a manifest that ignores its fields whose value needs a variable that is not set.

    Of a list, such as the triggers, the whole is ignored.
    """
    paths = list(manifest.source.unset)
    if not paths:
        return manifest
    if isinstance(manifest, PatchManifest):  # its paths begin with `body`, `set` and the like
        paths = [path for whole in paths for path in (whole[1:], ("steps", "*", *whole[1:]))]
    fields = {display_path(tuple(takewhile(lambda part: isinstance(part, str), path))) for path in paths}
    ignore = (*manifest.settings.ignore, *sorted(fields))
    return dataclasses.replace(manifest, settings=manifest.settings._replace(ignore=ignore))


def is_ignored(path: Path, patterns: Iterable[Pattern]) -> bool:
    """Return whether the field at `path` of a canonical form is at or below one of `patterns`.

    The name never is: it says which workflow the manifest is about.
    """
    key = header_key(path)
    return path != _NAME and any(is_below(key, tuple(map(str, header_key(pattern)))) for pattern in patterns)


def with_live_values(
    desired: JsonObject,
    live: JsonObject,
    patterns: Iterable[Pattern],
    masked: frozenset[Path] = frozenset(),
    is_hidden: Callable[[Path], bool] = _always,
) -> JsonObject:
    """Return the body `desired` with the live value of every ignored field.

    A field that the live workflow does not have is left out, unless it is masked, a credential, or known to
    be hidden: then the manifest's value stays, and so it does in a step that is not live yet.

    Args:
        desired: A body.
        live: The live body in the form that can be sent (`sendable_body`).
        patterns: The ignored fields.
        masked: The live fields that the platform masks.
        is_hidden: Returns whether a write-only field may be there, though it is not returned.
    """
    patterns = tuple(patterns)
    if not patterns:
        return desired
    ours, theirs = lists_by_name(copied(desired)), lists_by_name(with_header_names_of(live, desired))
    masked = frozenset(map(header_key, masked))
    for pattern in patterns:
        for path in dict.fromkeys([*_matches(ours, pattern), *_matches(theirs, pattern)]):
            if _belongs(path, ours, theirs):
                _keep_inherited(ours, path)
                _take(ours, theirs, path, masked, is_hidden)
    return lists_back(ours)


def _matches(body: JsonObject, pattern: Pattern) -> list[Path]:
    paths: list[Path] = [()]
    for part in pattern:
        paths = [
            (*path, key)
            for path in paths
            for key in as_object(lookup(body, path))
            if part == "*" or header_key((*path, key)) == header_key((*path, part))
        ]
    return [path for path in paths if path and path != _NAME]


def _belongs(path: Path, ours: JsonObject, theirs: JsonObject) -> bool:
    """Whether a live field belongs into `ours`: not in a step that Git removes, nor in one that it adds."""
    inside_item = len(path) > _ITEM_DEPTH and path[0] in {"steps", "watchers"}
    on_both = all(lookup(side, path[:_ITEM_DEPTH]) is not ABSENT for side in (ours, theirs))
    return on_both or not inside_item


def _keep_inherited(ours: JsonObject, path: Path) -> None:
    """Before a step gets one retry option of its own, give it the others that it has from the workflow."""
    match path:
        case ("steps", str(name), "runConfiguration", "retryOptions", _) if (
            name in Body(ours).inheriting_steps
        ):
            workflow = as_object(ours.get(_TOP_RETRY))
            if workflow:
                put(ours, path[:-1], workflow)


def _take(
    ours: JsonObject,
    theirs: JsonObject,
    path: Path,
    masked: frozenset[Path],
    is_hidden: Callable[[Path], bool],
) -> None:
    """Put the live value, or its absence, at `path`; what the platform masks or does not show stays."""
    value, old = lookup(theirs, path), lookup(ours, path)
    parent = lookup(ours, path[:-1])
    if value is not ABSENT:
        put(ours, path, value)
    elif isinstance(parent, dict):
        parent.pop(str(path[-1]), None)
    if old is ABSENT:
        return
    shown = set() if value is ABSENT else {write_only_field(leaf) for leaf, _ in leaves(value, path)}
    for leaf, stated in leaves(old, path):
        kind = write_only_field(leaf)
        if stated is None or stated in ({}, []) or (kind is None and header_key(leaf) not in masked):
            continue
        secret = kind is None or kind.is_credential
        holder = lookup(ours, leaf[:-1] if secret else leaf[:_ITEM_DEPTH])
        gone = as_object(holder).get(str(leaf[-1])) is None if secret else kind not in shown
        hidden = gone and (secret or is_hidden(leaf))
        if hidden and (isinstance(holder, dict) or leaf[0] != "steps"):
            put(ours, leaf, stated)


@dataclass(frozen=True, kw_only=True, eq=False)
class Desired:
    """A workflow as its manifest describes it.

    Args:
        manifest: The manifest.
        body: The body, without the reconciler's own tags, and with the live value of each ignored field.
        ignored: The fields that are left to others.
    """

    manifest: Manifest
    body: Body = field(repr=False)
    ignored: tuple[Pattern, ...] = ()

    @staticmethod
    def of(
        manifest: Manifest, live: Live | None = None, is_hidden: Callable[[Path], bool] = _always
    ) -> Desired:
        """Return what a manifest wants.

        Args:
            manifest: A workflow, or a patch of one.
            live: The live workflow; a patch needs it.
            is_hidden: Returns whether a write-only field may be there, though it is not returned.

        Raises:
            InvalidParameterException: The patch names a step that the live workflow does not have.
            UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
        """
        body = Body(_stated_body(manifest, live))
        ignored = read_patterns(manifest.settings.ignore, body)
        if ignored and live is not None:
            body = Body(with_live_values(body.raw, live.body.sendable, ignored, live.body.masked, is_hidden))
        return Desired(manifest=manifest, body=body, ignored=ignored)

    @staticmethod
    def as_packed(manifest: Manifest) -> Desired | None:
        """Return what a manifest wants, packed as it is, for a comparison of digests; `None` without one.

        A patch and a manifest with ignored fields have none: their bodies depend on what is live.
        """
        packed = manifest.packed
        if isinstance(manifest, PatchManifest) or manifest.settings.ignore:
            return None
        return Desired(manifest=manifest, body=packed.as_body) if isinstance(packed, PackedBody) else None

    def keeping(self, live: Live, paths: Iterable[Path]) -> Desired:
        """Return the same workflow, with the live value of the fields at `paths`.

        Raises:
            UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
        """
        patterns = [tuple(map(str, path)) for path in paths]
        body = Body(with_live_values(self.body.raw, live.body.sendable, patterns))
        return dataclasses.replace(self, body=body)

    def packed(self) -> Desired:
        """Return the same workflow packed, for a run that keeps thousands of them."""
        as_stated = self.is_fixed and not self.body.is_packed
        packed = self.manifest.packed if as_stated else Packed.of(self.body.raw)
        return dataclasses.replace(self, body=Body(packed))

    def unpacked(self) -> Desired:
        """Return the same workflow for computing with it: what is computed goes with this value."""
        return dataclasses.replace(self, body=self.body.unpacked()) if self.body.is_packed else self

    @property
    def name(self) -> str:
        """The name that the live workflow is to have."""
        return self.manifest.wanted_name

    @property
    def owns_all(self) -> bool:
        """Whether a field that the manifest leaves out is to be removed; a patch owns only what it states."""
        return not isinstance(self.manifest, PatchManifest)

    @cached_property
    def is_fixed(self) -> bool:
        """Whether the body is the same whatever is live."""
        return self.owns_all and not self.ignored


def _stated_body(manifest: Manifest, live: Live | None) -> JsonObject:
    if not isinstance(manifest, PatchManifest):
        return manifest.body
    keywords = {keyword_of(key): value for key, value in manifest.keywords.items()}
    body = patched_body(
        live.body.raw if live else {},
        manifest.body,
        keywords=keywords,
        step_names=list(manifest.step_names) or None,
    )
    return {**body, "tags": Body(body).tags} if "tags" in body else body
