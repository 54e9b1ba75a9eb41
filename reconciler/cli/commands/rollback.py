"""`peak-reconciler rollback`: put back what an apply overwrote or deleted."""

from __future__ import annotations

import dataclasses
import os

import click

from reconciler.backup import (
    Backup,
    Restoration,
    filter_backups,
    prepare_restoration,
    read_backups,
    select_backups,
)
from reconciler.cli.apply_options import ApplyOptions, apply_options
from reconciler.cli.shared_options import connection_options
from reconciler.cli.terminal import show, warn
from reconciler.client import Session, Workflow
from reconciler.errors import BlockedError
from reconciler.exits import ExitCode
from reconciler.manifests import LoadResult, Manifest
from reconciler.operations.applying import apply_and_report, show_plan
from reconciler.operations.engine import Engine, compare_options_of, open_session
from reconciler.operations.run_recording import recording
from reconciler.operations.settings import Settings
from reconciler.plan import Action, CompareOptions, Plan, describe_all, known_secrets, list_tenant
from reconciler.render import backups_json, backups_text
from reconciler.rules import load_checked
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import Body, Listed, Live


@click.command(name="rollback")
@click.argument("words", metavar="[NAME|RUN...]", nargs=-1)
@connection_options
@click.option(
    "--list",
    "list_them",
    is_flag=True,
    help="List the backups, of NAME or RUN if there is one, and do nothing else.",
)
@apply_options
def command(*, settings: Settings, words: tuple[str, ...], list_them: bool, manner: ApplyOptions) -> int:
    """Put back what an apply overwrote or deleted, from the backups that it made.

    RUN is all that one run overwrote; NAME is the newest backup of a workflow; without either it is the
    latest run. It is planned, shown, asked for, carried out and verified like any apply, and makes backups
    itself, so that it can be undone as well.

    A backup has no secrets. They are taken from the manifests that reconciler.yaml names, else from the live
    workflow; where neither has one, the workflow is blocked. What an apply created has no backup: a rollback
    deletes nothing. A workflow that was deleted is created anew, with another id and webhook URL.
    """
    runs = read_backups(settings.backup_dir)
    if list_them:
        runs = filter_backups(runs, words, settings.backup_dir)
        show(backups_json(runs) if manner.as_json else backups_text(runs, settings.backup_dir))
        return ExitCode.OK
    settings.refuse_unnamed_environment()
    git = _manifests(settings)
    secrets = known_secrets(git.manifests, git.secrets)
    with (
        recording(manner.report) as record,
        open_session(settings, secrets=secrets, observe=record.observe) as session,
    ):
        here = [
            dataclasses.replace(run, backups=tuple(b for b in run.backups if _is_of(b, session)))
            for run in runs
        ]
        found = select_backups([run for run in here if run.backups or run.broken], words, settings.backup_dir)
        options = _owned(compare_options_of(settings, os.environ), found)
        restorings = _restorings(session, found, git, options, settings.concurrency)
        engine = Engine(
            manifests=dataclasses.replace(git, manifests=tuple(item.manifest for item in restorings)),
            session=session,
            options=options,
            redactor=Redactor.of(secrets).joined(session.redactor()),
            concurrency=settings.concurrency,
        )
        record.opened(engine)
        plan = _plan(engine, restorings)
        show_plan(engine, plan, manner)
        record.exit_code = apply_and_report(engine, plan, manner, record)
    return record.exit_code


def _manifests(settings: Settings) -> LoadResult:
    """Return the manifests that have the secrets which backups lack; none when they are not valid."""
    nothing = LoadResult(manifests=(), findings=(), files=0)
    if not settings.paths:
        return nothing
    loaded = load_checked(settings.paths, os.environ, settings.off, settings.excludes)
    if not loaded.valid:
        warn("warning: the manifests in Git are not valid: no secret that a backup lacks is taken from them")
        return dataclasses.replace(nothing, secrets=loaded.secrets)
    return loaded


def _is_of(backup: Backup, session: Session) -> bool:
    return (backup.tenant, backup.stage) == (session.base_url, session.stage)


def _owned(options: CompareOptions, backups: tuple[Backup, ...]) -> CompareOptions:
    """Return `options` for the owner whose mark the backups have, unless the run names one."""
    owners = frozenset[str]().union(*(Body(backup.body).own_tags.ownership.owners for backup in backups))
    if options.owner is not None or not owners:
        return options
    if len(owners) > 1:
        raise BlockedError(
            f"these workflows have several owners ({', '.join(map(printable, sorted(owners)))})",
            hint="Restore those of one owner at a time, by their names.",
        )
    return dataclasses.replace(options, owner=next(iter(owners)))


def _restorings(
    session: Session, backups: tuple[Backup, ...], git: LoadResult, options: CompareOptions, concurrency: int
) -> list[Restoration]:
    reader = Workflow(session.as_read_only())
    listed = list_tenant(reader)
    ids = {item.id for item in listed}
    live = describe_all(reader, [backup.id for backup in backups if backup.id in ids], concurrency)
    return [
        prepare_restoration(
            backup,
            live.get(backup.id),
            _same_name(backup, listed),
            _in_git(backup, live.get(backup.id), git.manifests),
            options.key,
        )
        for backup in backups
    ]


def _same_name(backup: Backup, listed: tuple[Listed, ...]) -> int | None:
    return next((item.id for item in listed if item.name == backup.name and item.id != backup.id), None)


def _in_git(backup: Backup, live: Live | None, manifests: tuple[Manifest, ...]) -> Manifest | None:
    """Return the manifest for a workflow: pinned to it, of the name it had, or of the one it has."""
    names = [backup.name, *([live.name] if live else [])]
    pinned = (manifest for manifest in manifests if manifest.settings.id == backup.id)
    named = (manifest for name in names for manifest in manifests if manifest.name == name)
    return next(pinned, None) or next(named, None)


def _plan(engine: Engine, restorings: list[Restoration]) -> Plan:
    """Return the plan, with what cannot be restored as blocked."""
    refused = {item.manifest.name: item.refusal for item in restorings if item.refusal}
    notes = {item.manifest.name: item.notes for item in restorings}
    able = tuple(item.manifest for item in restorings if not item.refusal)
    manifests = dataclasses.replace(engine.manifests, manifests=able)
    plan = dataclasses.replace(engine, manifests=manifests).plan()

    def with_notes(action: Action) -> Action:
        return dataclasses.replace(action, notes=(*action.notes, *notes.get(action.name, ())))

    actions = sorted([*map(with_notes, plan.actions), *refused.values()], key=lambda action: action.name)
    return dataclasses.replace(plan, actions=tuple(actions))
