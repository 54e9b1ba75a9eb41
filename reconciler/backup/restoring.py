"""Restoration: the backups that a user names, and the manifest that restores a workflow from one.

A backup has neither secrets nor the values of write-only fields. They are taken from the manifest in Git,
else from the live workflow where it shows them. Where neither has one, nothing is restored: an update
replaces the whole workflow, and would remove the value.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath
from shlex import quote

from reconciler.backup.backup_files import Backup, RunBackups
from reconciler.errors import InvalidInputError, UsageError
from reconciler.manifests import Document, Manifest, ReconcileSettings, Source, WorkflowManifest
from reconciler.plan import Blocked
from reconciler.secrecy import SecretFields
from reconciler.text import clip, close_name, printable
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Packed,
    Path,
    display_path,
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


def select_backups(
    runs: Iterable[RunBackups], words: tuple[str, ...], directory: FilePath
) -> tuple[Backup, ...]:
    """Return the backups to restore: all of a run, the newest one of a workflow, or all of the latest run.

    Args:
        runs: The backups that exist, the latest run first.
        words: Ids of runs and names of workflows; none means the latest run.
        directory: Their directory, for messages.

    Raises:
        InvalidInputError: A file of a selected run cannot be read.
        UsageError: A word is neither the id of a run nor the name of a workflow with a backup.
    """
    runs = list(runs)
    if not words:
        if not runs:
            raise UsageError(f"there are no backups in {directory}")
        return _whole(runs[0])
    found: dict[int, Backup] = {}
    for word in words:
        of_run = next((run for run in runs if run.id == word), None)
        for backup in _whole(of_run) if of_run else _newest(runs, word, directory):
            found.setdefault(backup.id, backup)
    return tuple(found.values())


def filter_backups(
    runs: Iterable[RunBackups], words: tuple[str, ...], directory: FilePath
) -> list[RunBackups]:
    """Return the backups to list: all of the named runs, and every backup of the named workflows.

    Takes and raises what `select_backups` does, except that no words means everything.
    """
    runs = list(runs)
    for word in words:
        if all(run.id != word for run in runs):
            _newest(runs, word, directory)
    if not words:
        return runs
    named = (
        run
        if run.id in words
        else RunBackups(id=run.id, backups=tuple(b for b in run.backups if b.name in words))
        for run in runs
    )
    return [run for run in named if run.backups or run.broken]


def _whole(run: RunBackups) -> tuple[Backup, ...]:
    if run.broken:
        raise InvalidInputError("\n".join(["a backup cannot be read:", *run.broken]))
    return run.backups


def _newest(runs: list[RunBackups], name: str, directory: FilePath) -> list[Backup]:
    for run in runs:
        found = [backup for backup in run.backups if backup.name == name]
        if found:
            return found
    near = close_name(name, {backup.name for run in runs for backup in run.backups})
    raise UsageError(
        f"no run and no workflow called {clip(printable(name), 80)!r} has a backup in {directory}",
        hint=(f"Did you mean {printable(near)!r}? " if near else "")
        + f"List the backups with: peak-reconciler rollback --list --backup-dir {quote(str(directory))}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """The manifest for one backup.

    Args:
        manifest: The workflow as it was.
        refusal: Set when it cannot be restored.
        notes: Where the values come from that the backup does not have.
    """

    manifest: WorkflowManifest
    refusal: Blocked | None = None
    notes: tuple[str, ...] = ()


def prepare_restoration(
    backup: Backup, live: Live | None, same_name: int | None, git: Manifest | None, key: bytes
) -> Restoration:
    """Return the manifest that makes a workflow what it was, or why there is none.

    Args:
        backup: The workflow as it was.
        live: The workflow as it is; `None` when it was deleted.
        same_name: The id of another live workflow that has the name now.
        git: The workflow's manifest in Git.
        key: The key of the sent digests.
    """
    body = copy.deepcopy(lists_by_name(backup.body.raw))
    filled: set[Path] = set()
    missing: list[str] = []
    notes: list[str] = []
    stated = git.body if isinstance(git, WorkflowManifest) else {}
    ours = {**lists_by_name(stated), **_settings_of(stated)}
    theirs = lists_by_name(live.body.sendable) if live else {}
    for path, agrees in _wanted(backup, key):
        value, source = _found(path, ours, theirs)
        if isinstance(value, Absent) or not agrees(value):
            missing.append(display_path(path))
        else:
            put(body, path, value)
            filled.add(path)
            notes.append(f"{display_path(path)} is not in the backup; its value is taken from {source}")
    manifest = _manifest(backup, lists_back(body), filled, pinned=live is not None)
    reason = _refusal(missing, same_name)
    if reason:
        blocked = Blocked(manifest=manifest, reason=reason, id=live.id if live else None)
        return Restoration(manifest=manifest, refusal=blocked)
    if live is None:
        notes.append("it was deleted and is created again, with another id and no history")
    return Restoration(manifest=manifest, notes=tuple(notes))


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
    digester = Digester(key, backup.name)
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
    document = Document(file=str(backup.file), text=backup.text, index=0)
    return WorkflowManifest(
        name=backup.name,
        packed=Packed.of(body),
        settings=settings,
        source=Source(document=document, base=("body",)),
        sensitive=frozenset(secret),
    )


def _refusal(missing: list[str], same_name: int | None) -> str:
    if same_name is not None:
        return (
            f"another live workflow (id {same_name}) has its name now; rename or delete that workflow first"
        )
    if missing:
        paths = ", ".join(sorted(missing)[:10])
        return (
            f"the backup does not have {paths}, and neither do the manifests in Git nor the live workflow; "
            "restore its manifest in Git and apply that"
        )
    return ""
