"""Which fields of a manifest are secrets, and changes with these masked."""

from __future__ import annotations

import dataclasses
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan.desired import keyword_of
from reconciler.secrecy.credentials import without_credentials
from reconciler.secrecy.fields import Sensitive
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object
from reconciler.workflow import KEYWORDS, FieldChange, by_name_path

PAUSED_PATH: Final[Path] = ("reconcile", "paused")
"""Where a plan shows whether a workflow is paused: where a manifest states it."""


def masked(change: FieldChange, sensitive: Sensitive) -> FieldChange:
    """Return `change` with every secret in it replaced."""
    values = (change.before, change.after)
    is_list = any(isinstance(value, list) for value in values)
    if sensitive.covers(change.path) or (is_list and sensitive.holds(change.path)):
        before, after = (_masked(value, Sensitive(frozenset({change.path})), change.path) for value in values)
        return dataclasses.replace(change, before=before, after=after, sensitive=True)
    before, after = (_masked(value, sensitive, change.path) for value in values)
    return dataclasses.replace(change, before=before, after=after)


def _masked(value: JsonValue | Absent, sensitive: Sensitive, path: Path) -> JsonValue | Absent:
    return ABSENT if value is ABSENT else without_credentials_in(sensitive.mask(value, path))


def shown_body(body: JsonObject, sensitive: Sensitive) -> JsonObject:
    """Return a body as it may be shown: its secret fields masked, and whatever looks like a credential."""
    return as_object(without_credentials_in(sensitive.mask(body)))


def without_credentials_in(value: JsonValue) -> JsonValue:
    """Return `value` with every word in its texts that looks like a credential replaced by `(sensitive)`."""
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, list):
        return [without_credentials_in(item) for item in value]
    if isinstance(value, dict):
        return {key: without_credentials_in(item) for key, item in value.items()}
    return value


def sensitive_fields(manifest: Manifest, body: JsonObject) -> Sensitive:
    """Return which fields of a manifest's body came through `!env`, as paths of the body and of its form."""
    paths = set(sensitive_places(manifest, body))
    return Sensitive(frozenset(paths | {by_name_path(path, body) for path in paths}))


def sensitive_places(manifest: Manifest, body: JsonObject) -> dict[Path, Path]:
    """Return the fields of `body` that came through `!env`, and where each stands in the manifest.

    Args:
        manifest: The manifest.
        body: What is sent for it.
    """
    return {inside: path for path in manifest.sensitive for inside in _body_paths(path, manifest, body)}


def _body_paths(path: Path, manifest: Manifest, body: JsonObject) -> list[Path]:
    if not isinstance(manifest, PatchManifest):
        return [path]
    match path:
        case ("body", *rest):
            return [tuple(rest)]
        case ("set", "name"):
            return [("name",)]
        case ("set", str(key)):
            inside = KEYWORDS[keyword_of(key)]
            return [("steps", name, *inside) for name in as_object(body.get("steps"))]
    return []


def paused_change(*, before: bool | Absent, after: bool | None) -> tuple[FieldChange, ...]:
    """Return the change of whether a workflow is paused; none where that is left alone."""
    return () if after is None else (FieldChange(path=PAUSED_PATH, before=before, after=after),)
