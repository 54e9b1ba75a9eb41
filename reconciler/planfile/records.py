"""Records of actions in a plan file, with references in place of secrets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan import Action, Create, Orphan, SetPaused, Update, sensitive_places
from reconciler.render import change_json
from reconciler.secrecy import Redactor, SecretFields, is_webhook_url, why_secret
from reconciler.values import (
    ABSENT,
    KEEP,
    JsonObject,
    JsonValue,
    Path,
    Verdict,
    as_list,
    as_object,
    display_path,
    dump_compact,
    lookup,
    rewrite,
)
from reconciler.workflow import Body, is_digest_tag, tag_name

_IDENTITY: Final = ("name", "action", "id", "method", "fingerprint", "paused")
"""The keys that equal records have in common; their bodies are equal in meaning."""


def action_record(action: Action, key: bytes, redactor: Redactor) -> JsonObject:
    """Return the record of `action`: its entry in the JSON format, with references in place of secrets.

    The next run is left out: it depends on the time. The fingerprint of the live workflow reveals nothing
    without `key`.
    """
    entry = change_json(action, redactor, _body)
    del entry["next_run"]
    return {
        **entry,
        "fingerprint": _fingerprint(action, key),
        "paused": action.paused if isinstance(action, Update | SetPaused) else None,
    }


def same_action(one: JsonObject, other: JsonObject) -> bool:
    """Return whether two records are of the same action on a workflow that has not changed in between."""
    return _essence(one) == _essence(other)


def manifests_digest(manifests: Iterable[Manifest], redactor: Redactor) -> str:
    """Return a digest of the content of the manifests without their secrets."""
    contents = sorted(dump_compact(_content(manifest, redactor)) for manifest in manifests)
    return hashlib.sha256("\n".join(contents).encode("utf-8", "surrogatepass")).hexdigest()


def _content(manifest: Manifest, redactor: Redactor) -> JsonValue:
    masks = SecretFields(manifest.sensitive)
    settings = manifest.settings
    content: JsonObject = {
        "name": manifest.name,
        "body": masks.mask(manifest.body, ("body",) if isinstance(manifest, PatchManifest) else ()),
        "reconcile": [
            settings.id,
            [*settings.renamed_from],
            [*settings.ignore],
            settings.prevent_delete,
            settings.paused,
            settings.when_running.value,
        ],
    }
    if isinstance(manifest, PatchManifest):
        content["set"] = {
            key: masks.mask(value, ("set", key)) if key != "token" else None
            for key, value in manifest.keywords.items()
        }
        content["steps"] = [*manifest.step_names]
    return redactor.value(content)


def _essence(record: JsonObject) -> str:
    """Return what two equal records have in common.

    Bodies are compared by their canonical form: a platform may return lists in another order each time, and
    what it returned is sent back.
    """
    body = Body(as_object(record.get("body")))
    tags = {tag_name(tag).casefold() for tag in body.all_tags if not is_digest_tag(tag)}
    part: JsonObject = {key: record.get(key) for key in _IDENTITY}
    return dump_compact(
        {
            **part,
            "body": body.form,
            "tags": [*sorted(tags)],
            "triggers": [*sorted(map(dump_compact, as_list(body.raw.get("triggers"))))],
        }
    )


def _body(action: Create | Update, redactor: Redactor) -> JsonValue:
    """Return the body that an action sends, with a reference in place of each secret."""
    body = action.body
    places = sensitive_places(action.manifest, body)

    def replace(value: JsonValue, path: Path) -> JsonValue | Verdict:
        if why_secret(path, value, action.sensitive, redactor) or (value and is_webhook_url(path)):
            return {"$secret": _reference(action, places, path, value)}
        return KEEP

    return rewrite(body, replace)


def _reference(
    action: Create | Update, places: Mapping[Path, Path], path: Path, value: JsonValue
) -> JsonObject:
    """Return where a secret comes from: a variable, a place in a file, or the live workflow."""
    if isinstance(action, Update) and path not in places and not _is_stated(action, path, value):
        return {"live": display_path(path)}
    inside = places.get(path, path)
    file, line = action.source.line(inside)
    reference: JsonObject = {"file": file, "line": line}
    variable = action.source.variable(inside)
    return {**reference, "variable": variable} if variable else reference


def _is_stated(action: Update, path: Path, value: JsonValue) -> bool:
    """Return whether a value of the body comes from the manifest rather than from the live workflow."""
    if isinstance(action.manifest, PatchManifest):
        return lookup(action.live.body.raw, path) != value
    return lookup(action.manifest.body, path) is not ABSENT


def _fingerprint(action: Action, key: bytes) -> str | None:
    if not isinstance(action, Update | SetPaused | Orphan):
        return None
    return hmac.digest(key, action.live.fingerprint.encode("ascii"), "sha256").hex()
