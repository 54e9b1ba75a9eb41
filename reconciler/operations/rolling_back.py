"""Rollback: restore workflows from the backups of an apply, planned and verified like any apply."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from reconciler.backup import (
    Backup,
    KnownBackups,
    Restoration,
    RunBackups,
    filter_backups,
    prepare_restoration,
    read_backups,
    read_created,
    select_backups,
    selection_notes,
)
from reconciler.client import Session, Workflow
from reconciler.configuration import find_configuration
from reconciler.errors import BlockedError
from reconciler.manifests import LoadResult, Manifest
from reconciler.operations.apply_and_reconcile import Applied, ApplyOptions, apply_planned
from reconciler.operations.engine import Engine, compare_options_of, open_session, tenant_of
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import open_catalogue
from reconciler.operations.plan_for_tenant import Planned
from reconciler.operations.run_recording import recording
from reconciler.operations.settings import RawOptions, Settings
from reconciler.plan import (
    Action,
    Blocked,
    CompareOptions,
    Plan,
    Scope,
    SetPaused,
    Unchanged,
    Update,
    describe_all,
    known_secrets,
    list_tenant,
    with_webhook_warnings,
)
from reconciler.rules import load_checked
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.values import display_paths
from reconciler.workflow import Listed, Live

_PRUNED: Final = (
    "no manifest in Git describes it, so the next apply --prune deletes it again; to keep it, restore its "
    "manifest or run adopt NAME"
)


def list_backups(
    settings: Settings, names: Sequence[str] = (), *, env: Mapping[str, str] = os.environ
) -> list[RunBackups]:
    """Return the backups in `settings.backup_dir`, by run, the latest first.

    Args:
        settings: Where backups are; with an environment, only those of its tenant are listed.
        names: Names of workflows or ids of runs to list; all without any.
        env: Variables for the address.

    Raises:
        ReconcilerError: The directory cannot be read, or has no such backup.
    """
    tenant = tenant_of(settings, env) if settings.environment else None
    return filter_backups(_known(settings, tenant), tuple(names))


def roll_back(
    settings: Settings,
    names: Sequence[str] = (),
    options: ApplyOptions | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Applied:
    """Restore what an apply overwrote or deleted. Deletes nothing, and is backed up itself.

    A backup has no secrets: they are taken from the manifests, else from the live workflow; a workflow for
    which neither has one is blocked.

    Args:
        settings: Where backups are, the tenant, and the manifests.
        names: Names of workflows (the newest backup of each) or ids of runs (all their backups); without any,
            the latest run.
        options: How to apply the plan.
        listener: Receives the plan, confirms it, and receives progress and the result.
        env: Variables for `!env`, the address and the credential.

    Raises:
        BlockedError: A guard refuses the whole plan, or the backups have several owners.
        ReconcilerError: There is no such backup; or as `apply`.
    """
    settings.require_named_environment()
    options, listener = options or ApplyOptions(), listener or Listener()
    git = _manifests(settings, env, listener)
    secrets = known_secrets(git.manifests, git.secrets)
    with (
        recording(options.run_record, listener=listener) as record,
        open_session(
            settings, env, secrets, purpose="rollback", listener=listener, observe=record.observe
        ) as session,
    ):
        known = _known(settings, (session.base_url, session.stage))
        found = select_backups(known, tuple(names))
        for text in selection_notes(known, tuple(names), found):
            listener.note(text)
        compare = _owned(compare_options_of(settings, env), found)
        restorations = _restorations(session, found, git, compare, settings.concurrency)
        engine = Engine(
            manifests=dataclasses.replace(git, manifests=tuple(item.manifest for item in restorations)),
            session=session,
            options=compare,
            redactor=Redactor.of(secrets).joined(session.redactor()),
            settings=settings,
            catalogue=open_catalogue(session, settings.concurrency),
        )
        listener.opened(engine)
        record.opened(engine)
        planned = Planned(plan=_plan(engine, restorations), engine=engine, scope=Scope())
        listener.planned(planned)
        return apply_planned(planned, options, listener, record)


def _manifests(settings: Settings, env: Mapping[str, str], listener: Listener) -> LoadResult:
    """Return the manifests, for the secrets that backups lack; none when they are invalid."""
    nothing = LoadResult(manifests=(), findings=(), files=0)
    if not settings.paths:
        return nothing
    loaded = load_checked(settings.paths, env, settings.reading, off=settings.off, needs=lambda _: False)
    if not loaded.valid:
        listener.warning("the manifests are invalid: secrets that a backup lacks cannot be taken from them")
        return dataclasses.replace(nothing, secrets=loaded.secrets)
    return loaded


def _known(settings: Settings, tenant: tuple[str, str] | None) -> KnownBackups:
    """Return the backups that there are, for a tenant: its base URL and stage."""
    given = settings.given or RawOptions()
    usual = find_configuration(Path.cwd())
    words = ["--backup-dir", str(settings.backup_dir)] if "backup_dir" in given.overrides else []
    words += ["--config", str(given.config)] if given.config not in {None, usual} else []
    words += ["--environment", settings.environment.name] if settings.environment else []
    directory = settings.backup_dir
    runs, created = read_backups(directory), read_created(directory)
    return KnownBackups.of(runs, created, tenant, directory, shlex.join(words))


def _owned(options: CompareOptions, backups: tuple[Backup, ...]) -> CompareOptions:
    """Return `options` for the owner in the backups, unless the run names one."""
    owners = frozenset[str]().union(*(backup.body.own_tags.ownership.owners for backup in backups))
    if options.owner is not None or not owners:
        return options
    if len(owners) > 1:
        raise BlockedError(
            f"these workflows have several owners ({', '.join(map(printable, sorted(owners)))})",
            hint="Restore the workflows of one owner at a time, by name.",
        )
    return dataclasses.replace(options, owner=next(iter(owners)))


def _restorations(
    session: Session, backups: tuple[Backup, ...], git: LoadResult, options: CompareOptions, concurrency: int
) -> list[Restoration]:
    reader = Workflow(session.as_read_only())
    listed = list_tenant(reader)
    ids = {item.id for item in listed}
    same = {backup.id: identity for backup in backups if (identity := _same_name(backup, listed)) is not None}
    wanted = {*(backup.id for backup in backups if backup.id in ids), *same.values()}
    live = describe_all(reader, sorted(wanted), concurrency)
    return [
        prepare_restoration(
            backup,
            live.get(backup.id),
            live[same[backup.id]] if backup.id in same else None,
            _in_git(backup, live.get(backup.id), git.manifests),
            options.key,
        )
        for backup in backups
    ]


def _same_name(backup: Backup, listed: tuple[Listed, ...]) -> int | None:
    return next((item.id for item in listed if item.name == backup.name and item.id != backup.id), None)


def _in_git(backup: Backup, live: Live | None, manifests: tuple[Manifest, ...]) -> Manifest | None:
    """Return the manifest for a workflow: pinned to its id, else of its name then, else of its live name."""
    names = [backup.name, *([live.name] if live else [])]
    pinned = (manifest for manifest in manifests if manifest.settings.id == backup.id)
    named = (manifest for name in names for manifest in manifests if manifest.name == name)
    return next(pinned, None) or next(named, None)


def _plan(engine: Engine, restorations: list[Restoration]) -> Plan:
    """Return the plan, with each workflow that cannot be restored as blocked."""
    refused = [item.refusal for item in restorations if item.refusal]
    able = {item.manifest.name: item for item in restorations if not item.refusal}
    manifests = dataclasses.replace(
        engine.manifests, manifests=tuple(item.manifest for item in able.values())
    )
    plan = dataclasses.replace(engine, manifests=manifests).plan(Scope(whole=False))
    prunable = engine.options.owner is not None and engine.manifests.files > 0

    def explained(action: Action) -> Action:
        item = able[action.name]
        notes = (_PRUNED,) if prunable and not item.in_git else ()
        if item.again is not None:
            return _existing(action, item.again, notes)
        return dataclasses.replace(action, notes=(*action.notes, *item.notes, *notes))

    actions = sorted([*map(explained, plan.actions), *refused], key=lambda action: action.name)
    return with_webhook_warnings(dataclasses.replace(plan, actions=tuple(actions), restores=True))


def _existing(action: Action, identity: int, notes: tuple[str, ...]) -> Action:
    """Return the action for a deleted workflow whose name a live workflow has again: it is never written."""
    if isinstance(action, Unchanged):
        note = f"it exists again (id {identity}) as it was: nothing to restore"
        return dataclasses.replace(action, notes=(note, *notes))
    if isinstance(action, Update | SetPaused):
        paths = display_paths(change.path for change in action.changes) or "its tags"
        reason = (
            f"it exists again (id {identity}), and is not as in this backup: {paths}; "
            "change its manifest and apply that, or rename or delete that workflow first"
        )
        return Blocked(manifest=action.manifest, reason=reason, id=identity)
    return action
