"""Restoration: the manifest that restores a workflow from a backup.

A backup has neither secrets nor the values of write-only fields. They are taken from the manifest in Git,
else from the live workflow where it shows them. Where neither has one, nothing is restored: an update
replaces the whole workflow, and would remove the value. What was only paused or resumed needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from reconciler.backup.backup_files import Backup
from reconciler.manifests import (
    Document,
    Manifest,
    PatchManifest,
    ReconcileSettings,
    Source,
    WorkflowManifest,
)
from reconciler.plan import Blocked
from reconciler.secrecy import SecretFields
from reconciler.text import first_few
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Packed,
    Path,
    copied,
    display_path,
    display_paths,
    lookup,
    nodes,
    put,
)
from reconciler.workflow import (
    Body,
    Digester,
    Live,
    by_name_path,
    hoisted_form,
    is_returned,
    lists_back,
    lists_by_name,
    masked_fields,
    write_only_field,
    write_only_fields,
)

_PAUSED_ONLY: Final = ("pause", "resume")
"""Reasons of a backup of a workflow that the run did not write otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """The manifest for one backup.

    Args:
        manifest: The workflow as it was, or only whether it was paused.
        refusal: Set when it cannot be restored.
        again: The id of the live workflow that has its name, where the backed up one was deleted.
        in_git: Whether a manifest describes the workflow.
        notes: Where the values come from that the backup does not have.
    """

    manifest: Manifest
    refusal: Blocked | None = None
    again: int | None = None
    in_git: bool = True
    notes: tuple[str, ...] = ()


def prepare_restoration(
    backup: Backup, live: Live | None, same_name: Live | None, git: Manifest | None, key: bytes
) -> Restoration:
    """Return the manifest that makes a workflow what it was, or why there is none.

    Args:
        backup: The workflow as it was.
        live: The workflow as it is; `None` when it was deleted.
        same_name: Another live workflow that has the name now.
        git: The workflow's manifest in Git.
        key: The key of the sent digests.
    """
    if live is not None and backup.reason in _PAUSED_ONLY:
        return Restoration(manifest=_paused_manifest(backup, live.name))
    body = copied(lists_by_name(backup.body.raw))
    filled: set[Path] = set()
    missing: list[Path] = []
    unset: dict[Path, str] = {}
    notes: list[str] = []
    stated = git.body if isinstance(git, WorkflowManifest) else {}
    variables = _unset_variables(git) if isinstance(git, WorkflowManifest) else {}
    ours = {**lists_by_name(stated), **_settings_of(stated)}
    source_of_rest = live or same_name
    theirs = lists_by_name(source_of_rest.body.sendable) if source_of_rest else {}
    for path, agrees in _wanted(backup, key):
        variable = next((name for place, name in variables.items() if _overlap(place, path)), None)
        value, source = _found(path, {} if variable else ours, theirs)
        if isinstance(value, Absent) or not agrees(value):
            if variable:
                unset[path] = variable
            else:
                missing.append(path)
        else:
            put(body, path, value)
            filled.add(path)
            notes.append(f"{display_path(path)} is not in the backup; its value is taken from {source}")
    manifest = _manifest(backup, lists_back(body), filled, pinned=live is not None)
    again = same_name.id if same_name is not None and live is None else None
    reason = _refusal(missing, unset, same_name, deleted=live is None)
    if reason:
        blocked = Blocked(manifest=manifest, reason=reason, id=live.id if live else again)
        return Restoration(manifest=manifest, refusal=blocked)
    if live is None and again is None:
        url = ", and its webhook gets a new URL" if backup.body.has_webhook else ""
        notes.append(f"it was deleted and is created again, with another id and no history{url}")
    return Restoration(manifest=manifest, again=again, in_git=git is not None, notes=tuple(notes))


def _unset_variables(manifest: WorkflowManifest) -> dict[Path, str]:
    """Return the variables of a manifest that are not set, by the path of the value with lists by name."""
    return {by_name_path(path, manifest.body): name for path, name in manifest.source.unset_variables.items()}


def _overlap(path: Path, other: Path) -> bool:
    """Return whether one of two paths is at or below the other."""
    depth = min(len(path), len(other))
    return path[:depth] == other[:depth]


def _settings_of(body: JsonObject) -> JsonObject:
    """Return the write-only settings of a body that are no credentials, in the canonical form."""
    form = hoisted_form(Body(body))
    return {key: form[key] for key in ("metadata", "retryOptions") if key in form}


def _wanted(backup: Backup, key: bytes) -> Iterator[tuple[Path, Callable[[JsonValue], bool]]]:
    """Yield each field that the backup lacks, with a check of a value for it.

    A credential may have changed since, but a setting such as `retryOptions` must be what it was. A mask, in
    a backup of an older release, is no value.
    """
    masks = masked_fields(lists_by_name(backup.body.raw))
    left = {*(item.path for item in backup.left_out), *masks}
    for path in left:
        yield path, _any_value
    digester = Digester.of(key, backup.name)
    sent, form = backup.body.own_tags.digests, hoisted_form(backup.body)
    for path in write_only_fields(form):
        kind = write_only_field(path)
        known = digester.knows(sent, path) and not digester.agrees(sent, path, None)
        if kind is None or path in left or not known or is_returned(path, lookup(form, path)):
            continue
        yield path, _any_value if kind.is_credential else partial(digester.agrees, sent, path)


def _any_value(_value: JsonValue) -> bool:
    return True


def _found(path: Path, ours: JsonObject, theirs: JsonObject) -> tuple[JsonValue | Absent, str]:
    value = lookup(ours, path)
    if value is not ABSENT and value is not None:
        return value, "the manifest in Git"
    value = lookup(theirs, path)
    returned = value is not None and is_returned(path, value)
    return (value, "the live workflow") if returned else (ABSENT, "")


def _manifest(backup: Backup, body: JsonObject, filled: set[Path], *, pinned: bool) -> WorkflowManifest:
    # What the backup left out is a secret: plans mask it.
    filled_in = SecretFields(frozenset(filled))
    secret = {path for path, _ in nodes(body) if path and filled_in.covers(by_name_path(path, body))} | filled
    settings = ReconcileSettings(
        id=backup.id if pinned else None,
        paused=backup.paused,
        prevent_delete=backup.body.own_tags.ownership.protected,
    )
    return WorkflowManifest(
        name=backup.name,
        packed=Packed.of(body),
        settings=settings,
        source=_source(backup),
        sensitive=frozenset(secret),
    )


def _paused_manifest(backup: Backup, name: str) -> PatchManifest:
    """Return the manifest that pauses or resumes a workflow, and leaves the rest of it alone."""
    return PatchManifest(
        name=name,
        packed=Packed.of({"name": name}),
        settings=ReconcileSettings(id=backup.id, paused=backup.paused),
        source=_source(backup),
        sensitive=frozenset(),
    )


def _source(backup: Backup) -> Source:
    document = Document(file=str(backup.file), text=backup.text, index=0)
    return Source(document=document, base=("body",))


def _refusal(missing: list[Path], unset: Mapping[Path, str], same_name: Live | None, *, deleted: bool) -> str:
    """Return why a workflow is not restored; empty if it is.

    Args:
        missing: The fields that nothing has a value for.
        unset: The variable that is not set of each field that Git takes from one.
        same_name: Another live workflow that has its name now.
        deleted: Whether it was deleted.
    """
    if same_name is not None and not deleted:
        return (
            f"another live workflow (id {same_name.id}) has its name now; rename or delete that workflow "
            "first"
        )
    reasons = []
    if unset:
        names = sorted(set(unset.values()))
        are = "a variable that is not set: set it" if len(names) == 1 else "which are not set: set them"
        reasons.append(
            f"the backup does not have {display_paths(unset)}; its manifest takes "
            f"{'it' if len(unset) == 1 else 'them'} from {first_few(names)}, {are} and run rollback again"
        )
    if missing:
        reasons.append(
            f"the backup does not have {display_paths(missing)}, and neither do the manifests in Git nor "
            "the live workflow; restore its manifest in Git and apply that"
        )
    again = f"it exists again (id {same_name.id}), and " if same_name is not None and reasons else ""
    return again + "; ".join(reasons)
