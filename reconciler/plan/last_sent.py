"""Origins of differences without an earlier commit: by the digest of the manifest that was last sent.

Each write keeps a digest of its manifest, next to its mark (`reconciler.workflow.own_tags`). Where the
manifest still has that digest, only the live workflow has changed since: drift. Where it would have it with
the live values of some fields, these are what Git changed, and the rest is drift. Any other difference has no
origin, and is counted: both sides changed, or nothing is known. Pure.
"""

from __future__ import annotations

import base64
import dataclasses
import hmac
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from reconciler.manifests import Manifest
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.comparing import HIDDEN
from reconciler.plan.desired import Desired
from reconciler.plan.masked_changes import sensitive_fields
from reconciler.plan.model import Action, Create, Plan, SetPaused, Unchanged, Update
from reconciler.secrecy import SecretFields
from reconciler.values import ABSENT, JsonObject, Path, copied, dump_compact, lookup, put, without
from reconciler.workflow import SENT_MANIFEST_LENGTH, Body, FieldChange, Live, Origin

_MOST_COMBINED: Final = 5
"""With more changes, only all of them together are tried: each try may agree by chance, once in a billion."""


def sent_manifest(desired: Desired, key: bytes) -> str:
    """Return the letters that a write of a manifest keeps; none for a patch, which owns only a part.

    Secrets are left out.
    """
    return _digest(_form(desired), desired.manifest, key) if desired.owns_all else ""


def _form(desired: Desired) -> JsonObject:
    """Return the canonical form of the manifest itself, without live values."""
    return (desired.body if desired.is_fixed else Body(desired.manifest.body)).form


def with_known_origins(plan: Plan, options: CompareOptions) -> Plan:
    """Return `plan` with the origins that the last write proves, and the number of other differences."""
    actions = tuple(
        dataclasses.replace(
            action, changes=changes_with_known_origins(action.changes, action.live, action.desired, options)
        )
        if isinstance(action, Update)
        else action
        for action in plan.actions
    )
    return dataclasses.replace(plan, actions=actions, unknown_origins=_unknown(actions, options))


def _unknown(actions: Sequence[Action], options: CompareOptions) -> int:
    """Return the number of differences without an origin since the last apply; 0 before the first one.

    A workflow to create is one of them where the owner of the run has applied others: it is new in Git, or
    was deleted live.
    """
    found = sum(
        change.origin is None
        for action in actions
        if isinstance(action, Update | SetPaused) and _was_applied(action)
        for change in action.changes
    )
    applied = any(
        isinstance(action, Unchanged) or (isinstance(action, Update | SetPaused) and _was_applied(action))
        for action in actions
    )
    if options.owner is None or not applied:
        return found
    return found + sum(isinstance(action, Create) for action in actions)


def _was_applied(action: Update | SetPaused) -> bool:
    """Return whether the live workflow has tags of an earlier apply."""
    own = action.live.body.own_tags
    return bool(own.marks or own.ownership.owners)


def changes_with_known_origins(
    changes: Sequence[FieldChange], live: Live, desired: Desired, options: CompareOptions
) -> tuple[FieldChange, ...]:
    """Return the differences of one workflow with the origins that its last write proves.

    Args:
        changes: All differences, masked or not.
        live: The live workflow.
        desired: The workflow as its manifest describes it.
        options: The choices of the run.
    """
    last = live.body.own_tags.sent_manifests
    if not options.remember or len(last) != 1 or not desired.owns_all:
        return tuple(changes)
    form = _form(desired)
    secrets = sensitive_fields(desired.manifest, desired.manifest.body)
    sides = (form, live.body.form)
    paths = [change.path for change in changes if _is_comparable(change, sides, secrets)]
    found = [
        changed
        for changed in _tries(paths)
        if _digest(_before(form, live.body.form, changed), desired.manifest, options.key) in last
    ]
    if len(found) != 1:
        return tuple(changes)
    in_git = frozenset(found[0])
    origins = {path: Origin.GIT if path in in_git else Origin.DRIFT for path in paths}
    return tuple(dataclasses.replace(change, origin=origins.get(change.path)) for change in changes)


def _is_comparable(change: FieldChange, sides: Sequence[JsonObject], secrets: SecretFields) -> bool:
    """Return whether a field is a part of the digest, and its live value is returned as it is."""
    known = any(lookup(side, change.path) is not ABSENT for side in sides)
    return known and not secrets.contains(change.path) and change.before != HIDDEN


def _tries(paths: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """Yield the fields that Git may have changed: every choice of a few, else none or all."""
    numbers = range(len(paths) + 1) if len(paths) <= _MOST_COMBINED else (0, len(paths))
    for number in numbers:
        yield from combinations(paths, number)


def _before(form: JsonObject, live: JsonObject, changed: Sequence[Path]) -> JsonObject:
    """Return the form of a manifest as it was if Git changed only the fields at `changed` since."""
    found = copied(form) if changed else form
    for path in changed:
        value = lookup(live, path)
        if value is ABSENT:
            found = without(found, path)
        else:
            put(found, path, value)
    return found


def _digest(form: JsonObject, manifest: Manifest, key: bytes) -> str:
    sensitive = sensitive_fields(manifest, manifest.body) if manifest.sensitive else SecretFields()
    hidden = sensitive.mask(form)
    message = dump_compact(["manifest", hidden]).encode("utf-8", "surrogatepass")
    digest = hmac.digest(key, message, "sha256")
    return base64.b32encode(digest).decode("ascii")[:SENT_MANIFEST_LENGTH].lower()
