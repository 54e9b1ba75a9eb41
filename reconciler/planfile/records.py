"""What a plan file says of each action: all that makes it this one, and of a secret only where it is from."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan import Action, Create, LiveWorkflow, Orphan, SetPaused, Update
from reconciler.plan.masking import sensitive_places
from reconciler.render import change_json
from reconciler.secrecy import KEEP, Redactor, SecretFields, Step, is_secret, rewrite
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Path,
    as_list,
    as_object,
    display_path,
    dump_compact,
    lookup,
)
from reconciler.workflow import canonical
from reconciler.workflow.sent_digests import is_digest_tag

_MAKES_IT: Final = ("name", "action", "id", "method", "fingerprint", "paused")
"""What must be the same for an action to be the one that was saved, beside its body."""


def record(action: Action, key: bytes, redactor: Redactor) -> JsonObject:
    """Return what a plan file says of `action`: the JSON format's entry, with references in place of secrets.

    Args:
        action: The action.
        key: What keys the fingerprint of the live workflow, so that it tells nothing of what is in it.
        redactor: Knows the secrets of the run.
    """
    return {
        **as_object(redactor.value(change_json(action))),
        "fingerprint": _fingerprint(_live(action), key),
        "paused": action.paused if isinstance(action, Update | SetPaused) else None,
        "body": _body(action, redactor),
    }


def same_action(one: JsonObject, other: JsonObject) -> bool:
    """Return whether two records are of the same action, for a workflow that has not changed between them."""
    return _essence(one) == _essence(other)


def manifests_digest(manifests: Iterable[Manifest], redactor: Redactor) -> str:
    """Return a digest of what the manifests say, secrets left out: equal means that Git wants the same."""
    said = sorted(dump_compact(_said(manifest, redactor)) for manifest in manifests)
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()


def _said(manifest: Manifest, redactor: Redactor) -> JsonValue:
    masks = SecretFields(manifest.sensitive)
    settings = manifest.settings
    said: JsonObject = {
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
        said["set"] = {
            key: masks.mask(value, ("set", key)) if key != "token" else None
            for key, value in manifest.keywords.items()
        }
        said["steps"] = [*manifest.step_names]
    return redactor.value(said)


def _essence(record: JsonObject) -> str:
    """What makes a record's action this one.

    Of its body that is the canonical form: a platform may tell lists in another order each time, and what it
    told is sent back.
    """
    body = as_object(record.get("body"))
    tags = (tag for tag in as_list(body.get("tags")) if not is_digest_tag(tag))
    part: JsonObject = {key: record.get(key) for key in _MAKES_IT}
    return dump_compact(
        {
            **part,
            "body": canonical(body),
            "tags": [*sorted(map(dump_compact, tags))],
            "triggers": [*sorted(map(dump_compact, as_list(body.get("triggers"))))],
        }
    )


def _body(action: Action, redactor: Redactor) -> JsonValue:
    if not isinstance(action, Create | Update):
        return None
    return _References(action, redactor).replaced()


def _live(action: Action) -> LiveWorkflow | None:
    if isinstance(action, Update | SetPaused | Orphan):
        return action.live
    return None


def _fingerprint(live: LiveWorkflow | None, key: bytes) -> str | None:
    if live is None:
        return None
    return hmac.digest(key, live.fingerprint().encode("ascii"), "sha256").hex()


class _References:
    """Puts references in the place of secrets: to the variable, to the place in a file, or to the tenant."""

    def __init__(self, action: Create | Update, redactor: Redactor) -> None:
        self._action = action
        self._redactor = redactor
        self._places = sensitive_places(action.manifest, action.body)

    def replaced(self) -> JsonValue:
        return rewrite(self._action.body, self._replace, key=self._redactor.text)

    def _replace(self, value: JsonValue, path: Path) -> JsonValue | Step:
        found = is_secret(path, value, self._action.sensitive, self._redactor, by_name=False)
        return {"$secret": self._reference(value, path)} if found else KEEP

    def _reference(self, value: JsonValue, path: Path) -> JsonObject:
        action = self._action
        if isinstance(action, Update) and not self._is_git_s(value, path, action):
            return {"live": display_path(path)}
        inside = self._places.get(path, path)
        position = action.source.position(inside)
        reference: JsonObject = {"file": action.source.file, "line": position.line if position else None}
        variable = action.source.variable(inside)
        return {**reference, "variable": variable} if variable else reference

    def _is_git_s(self, value: JsonValue, path: Path, action: Update) -> bool:
        """Whether a value of the body comes from the manifest, and not from what the workflow has already."""
        if path in self._places:
            return True
        if isinstance(action.manifest, PatchManifest):
            return lookup(action.live.body, path) != value
        return lookup(action.manifest.body, path) is not ABSENT
