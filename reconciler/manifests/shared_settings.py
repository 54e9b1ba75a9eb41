"""Settings of many workflows: `reconcile:` for all whose name matches a glob, below the manifest's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from reconciler.manifests.documents import Document
from reconciler.values import JsonObject, JsonValue, Packed, Path, as_list, as_object


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


def with_shared_settings(document: Document, name: str, settings: Iterable[SharedSettings]) -> Document:
    """Return the document of the manifest `name` with the settings that match it, below its own."""
    shared = [one for one in settings if fnmatchcase(name, one.match)]
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
        document,
        packed=Packed.of({**value, "reconcile": merged}),
        overlaid={**document.overlaid, **stated},
    )
