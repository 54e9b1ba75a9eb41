"""Masked changes of a plan, and the secret fields and texts of a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.secrecy import (
    SecretFields,
    is_named_by_users,
    is_named_secret,
    mask,
    mask_removed,
    secret_values,
)
from reconciler.text import clip, printable
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Path,
    display_path,
    dump_compact,
    lookup,
    texts,
)
from reconciler.workflow import (
    KEYWORDS,
    Body,
    FieldChange,
    PackedBody,
    by_name_path,
    keyword_of,
    written_sides,
)

_MOST_SHOWN: Final = 10
_MOST_CHARACTERS: Final = 80
"""The number of fields that read back otherwise to show, and of characters of each value."""


def masked(change: FieldChange, fields: SecretFields) -> FieldChange:
    """Return `change` with every secret in both of its values masked, and the rest as it is written."""
    fields, sensitive = _fields_to_mask(change, fields)
    before, after = (
        ABSENT if value is ABSENT else _shown(value, change, fields) for value in written_sides(change)
    )
    return change.with_sides(before, after, sensitive=sensitive)


def masked_live_texts(change: FieldChange, fields: SecretFields) -> Iterator[Path]:
    """Yield where the texts of the live value are that `masked` hides, from the root of the form."""
    if change.before is ABSENT:
        return
    shown = _shown(change.before, change, _fields_to_mask(change, fields)[0])
    for path, text in texts(change.before):
        if lookup(shown, path) != text:
            yield (*change.path, *path)


def _shown(value: JsonValue, change: FieldChange, fields: SecretFields) -> JsonValue:
    """Return one value of `change` masked: more of it if Git no longer has the field."""
    return (mask_removed if change.after is ABSENT else mask)(value, fields, change.path)


def _fields_to_mask(change: FieldChange, fields: SecretFields) -> tuple[SecretFields, bool]:
    """Return the secret fields of `change`, and whether both of its values are secrets as a whole."""
    is_list = isinstance(change.before, list) or isinstance(change.after, list)
    sensitive = (
        fields.covers(change.path)
        or (is_list and fields.contains(change.path))
        or (
            (is_named_secret(change.path) or (change.after is ABSENT and is_named_by_users(change.path)))
            and any(isinstance(side, str) and side for side in (change.before, change.after))
        )
    )
    return (SecretFields(frozenset({change.path})) if sensitive else fields), sensitive


def reads_back(changes: Sequence[FieldChange], fields: SecretFields) -> list[str]:
    """Return a clause for each field that reads back otherwise than it was sent, without secrets.

    Args:
        changes: Such fields, with the live value as the one before; those after the tenth are counted.
        fields: The secret fields.
    """
    clauses = []
    for change in changes[:_MOST_SHOWN]:
        shown = masked(change, fields)
        path, before, after = display_path(change.path), _words(shown.before), _words(shown.after)
        clauses.append(f"{path} reads back as {before}, not {after}")
    if len(changes) > _MOST_SHOWN:
        clauses.append(f"and {len(changes) - _MOST_SHOWN} more fields")
    return clauses


def _words(value: JsonValue | Absent) -> str:
    """Return a value as text; what holds named values of its own is only named by its kind."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
        return "a map" if isinstance(value, dict) else "a list"
    return clip(printable(dump_compact(value)), _MOST_CHARACTERS)


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
        packed = manifest.packed
        if isinstance(packed, PackedBody):
            secrets.update(value for _, value in packed.credentials if isinstance(value, str))
        else:
            secrets.update(secret_values(manifest.body))
        if isinstance(manifest, PatchManifest):
            secrets.add(str(manifest.keywords.get("token", "")))
    return secrets
