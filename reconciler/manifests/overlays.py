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
from pathlib import Path as FilePath
from typing import Final

from reconciler.findings import Finding
from reconciler.manifests.documents import Document
from reconciler.manifests.overlay_merging import SET_PLACES, OverlayMerger, mapping_at, overlay_finding
from reconciler.manifests.read_options import OverlayOptions
from reconciler.manifests.shared_settings import with_shared_settings
from reconciler.text import clip, did_you_mean
from reconciler.values import (
    ABSENT,
    JsonValue,
    Packed,
    Path,
    as_list,
    as_object,
    lookup,
)
from reconciler.workflow import keyword_of

_ALLOWED: Final = frozenset({"name", "body", "set", "stepNames"})
_FORM: Final = "write patch: {name: NAME, body: …}, or patch: {name: NAME, set: …}"


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
            merger = OverlayMerger(document, base)
            for overlay in overlays:
                merger.lay(overlay)
            findings.extend(merger.findings)
            document = merger.result()
        return self._renamed(with_shared_settings(document, name, self.options.shared), base)

    def names_in(self, documents: Iterable[Document]) -> frozenset[str]:
        """Return the names that the documents of manifests state, by which overlays are looked up."""
        return frozenset(name for document in documents if (name := stated_name(document.value)))

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
                yield overlay_finding(document, ("patch", "name"), "overlay-without-manifest", message)

    def _renamed(self, document: Document, base: Path) -> Document:
        """Return the document of a workflow with the prefix and suffix; a patch names one that exists."""
        name = as_object(lookup(document.value, base)).get("name")
        options = self.options
        if base[:1] == ("patch",) or not isinstance(name, str) or not (options.prefix or options.suffix):
            return document
        value = as_object(copy.deepcopy(document.value))
        mapping_at(value, base)["name"] = f"{options.prefix}{name}{options.suffix}"
        settings = mapping_at(value, ("reconcile",))
        if isinstance(settings.get("renamedFrom"), list):
            settings["renamedFrom"] = [
                f"{options.prefix}{former}{options.suffix}" for former in as_list(settings["renamedFrom"])
            ]
        return dataclasses.replace(document, packed=Packed.of(value))


def overlay_problem(document: Document) -> Finding | None:
    """Return what is wrong with the form of an overlay, if anything is."""
    value = as_object(document.value)
    unknown = sorted(key for key in value if key not in {"patch", "reconcile"} and not key.startswith("x-"))
    if "patch" not in value or unknown:
        path = (unknown[0],) if "patch" in value else ()
        return overlay_finding(document, path, "not-an-overlay", f"this document is not an overlay; {_FORM}")
    patch = as_object(value["patch"])
    known = {*patch} <= _ALLOWED and {"body", "set"} & {*patch}
    mappings = all(isinstance(patch.get(key, {}), dict) for key in ("body", "set"))
    steps = patch.get("stepNames", [])
    texts = isinstance(steps, list) and all(isinstance(name, str) for name in steps)
    if not isinstance(patch.get("name"), str) or not (known and mappings and texts):
        return overlay_finding(document, ("patch",), "not-an-overlay", f"this is not a valid patch; {_FORM}")
    for key in as_object(patch.get("set")):
        if keyword_of(key) not in SET_PLACES:
            message = f"unknown key {clip(key, 60)!r} in set; {did_you_mean(key, _CAMEL, len(_CAMEL))}"
            return overlay_finding(document, ("patch", "set", key), "schema-unknown-key", message)
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


_CAMEL: Final = tuple(
    f"{first}{''.join(map(str.capitalize, rest))}" for first, *rest in (key.split("_") for key in SET_PLACES)
)
"""The keys of `set`."""
