"""Capture of one workflow into an overlay: the edited text of its file, tried out before it is used."""

from __future__ import annotations

import copy
import dataclasses

from reconciler.capture.live_values import NotCapturableError
from reconciler.capture.one_capture import (
    Capture,
    Differences,
    TenantView,
    captured_as_far_as_possible,
    live_changes,
    not_stated,
    read_back,
)
from reconciler.export import exported_body
from reconciler.manifests import (
    Document,
    Manifest,
    ManifestFile,
    NotEditableError,
    Overlays,
    edited_text,
)
from reconciler.text import printable
from reconciler.values import ABSENT, JsonValue, Packed, as_object, display_path, put
from reconciler.workflow import FieldChange, Live, as_written

_BY_HAND = frozenset({"name", "tags", "triggers", "watchers"})
"""Fields whose items overlays merge by name: what an edit there means is for a person to say."""


def capture_into_overlay(
    manifest: Manifest, live: Live, file: ManifestFile, overlay: ManifestFile, view: TenantView
) -> Capture:
    """Return the text of an overlay's file with which the workflow is in sync; a refusal where it cannot be.

    Args:
        manifest: The manifest, as the plan knows it.
        live: The live workflow that it matches.
        file: Its file, with its text.
        overlay: The file of the overlay, with the text to edit.
        view: How manifests are read and compared, with the overlays.
    """
    text = overlay.text or ""

    def edited(differences: Differences) -> str:
        if view.overlays is None:
            raise NotCapturableError(f"{overlay.path}: the environment has no overlays")
        name, document = _overlay_of(manifest, overlay, view.overlays)
        value = _with_live_values(manifest, live, document, differences.captured, view)
        changed_text = edited_text(dataclasses.replace(document, text=text), text, value)
        changed = dataclasses.replace(document, packed=Packed.of(value), text=changed_text)
        documents = [changed if item is document else item for item in view.overlays.documents[name]]
        overlays = dataclasses.replace(view.overlays, documents={**view.overlays.documents, name: documents})
        tried = dataclasses.replace(view, overlays=overlays)
        found, _ = read_back(file, manifest.source.document.index, tried)
        left = live_changes(found, live, tried) if found is not None else differences.captured
        if not differences.remain_in(left):
            raise NotCapturableError(f"{overlay.path}: {not_stated(left, differences, 'overlay')}")
        return changed_text

    return captured_as_far_as_possible(
        manifest, live, text, dataclasses.replace(view, into_overlay=True), edited
    )


def _overlay_of(manifest: Manifest, file: ManifestFile, overlays: Overlays) -> tuple[str, Document]:
    """Return the document in `file` that is laid over a manifest, and the name that it is for.

    Raises:
        NotCapturableError: There is none, or a template renders it.
    """
    place = printable(str(file.path))
    for name, documents in overlays.documents.items():
        here = [document for document in documents if document.file == place]
        if here and manifest.name == f"{overlays.options.prefix}{name}{overlays.options.suffix}":
            if here[0].origins is not None:
                raise NotCapturableError(f"{place} is rendered by a template, and cannot be edited")
            return name, here[0]
    raise NotCapturableError(
        f"{place} has no overlay for {manifest.name!r}: add one, patch: {{name: NAME, body: {{}}}}"
    )


def _with_live_values(
    manifest: Manifest, live: Live, overlay: Document, changes: tuple[FieldChange, ...], view: TenantView
) -> JsonValue:
    """Return the value of an overlay's document with the live side of `changes`; `null` removes.

    Raises:
        NotEditableError: A field is for a person to edit, or another overlay states it.
    """
    value = as_object(copy.deepcopy(overlay.value))
    for change in changes:
        where = display_path(change.path)
        whole = (*manifest.source.base, *change.path)
        if change.path[0] in _BY_HAND:
            reason = f"{overlay.file}: write {where} by hand: overlays merge it item by item"
            raise NotEditableError(reason, whole, reason)
        if change.path[0] == "reconcile":
            reason = f"{overlay.file}: an overlay does not state it; write it into the manifest by hand"
            raise NotEditableError(reason, change.path, reason)
        document, inner = manifest.source.document.stated(whole)
        if document is manifest.source.document:
            inner = ("patch", "body", *change.path)
        elif document.file != overlay.file:
            reason = f"{document.place(inner)}: this overlay states {where}; edit it there"
            raise NotEditableError(reason, whole, reason)
        put(value, inner, _live_value(change, live, view))
    return value


def _live_value(change: FieldChange, live: Live, view: TenantView) -> JsonValue:
    match change.path:
        case ("steps", str(name)) if change.before is not ABSENT:
            stated = any(step.resources for step in live.body.steps.values())
            resource = view.facts.default_resource.resources if stated else {}
            return as_object(exported_body(live.body, resource, hoist=False).get("steps")).get(name)
    return None if change.before is ABSENT else as_written(change.before)
