"""Masked changes of a plan, and the secret fields and texts of a manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan.desired import keyword_of
from reconciler.secrecy import SecretFields, is_named_secret, mask, secret_values
from reconciler.values import ABSENT, JsonObject, Path
from reconciler.workflow import KEYWORDS, Body, FieldChange, by_name_path, written_sides


def masked(change: FieldChange, fields: SecretFields) -> FieldChange:
    """Return `change` with every secret in both of its values masked, and the rest as it is written."""
    is_list = isinstance(change.before, list) or isinstance(change.after, list)
    sensitive = (
        fields.covers(change.path)
        or (is_list and fields.contains(change.path))
        or (
            is_named_secret(change.path)
            and any(isinstance(side, str) and side for side in (change.before, change.after))
        )
    )
    if sensitive:
        fields = SecretFields(frozenset({change.path}))
    before, after = (
        ABSENT if value is ABSENT else mask(value, fields, change.path) for value in written_sides(change)
    )
    return dataclasses.replace(change, before=before, after=after, sensitive=sensitive)


def sensitive_fields(manifest: Manifest, body: JsonObject) -> SecretFields:
    """Return the fields of `body` that came through `!env`, as paths of the body and of its form."""
    paths = set(sensitive_places(manifest, body))
    return SecretFields(frozenset(paths | {by_name_path(path, body) for path in paths}))


def sensitive_places(manifest: Manifest, body: JsonObject) -> dict[Path, Path]:
    """Return where the fields of `body` that came through `!env` are in the manifest.

    Args:
        manifest: The manifest.
        body: The body that is sent for it.
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
            return [("steps", name, *inside) for name in Body(body).steps]
    return []


def known_secrets(manifests: Iterable[Manifest], from_env: Iterable[str]) -> set[str]:
    """Return the texts that no message may quote: those in secret fields of the manifests, and `from_env`.

    Args:
        manifests: The manifests.
        from_env: The values that came through `!env`.
    """
    secrets = set(from_env)
    for manifest in manifests:
        secrets.update(secret_values(manifest.body))
        if isinstance(manifest, PatchManifest):
            secrets.add(str(manifest.keywords.get("token", "")))
    return secrets
