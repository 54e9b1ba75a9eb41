"""Selection of backups: those that a user names, or those of the latest run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from reconciler.backup.backup_files import Backup, CreatedByRun, RunBackups
from reconciler.errors import InvalidInputError, ReconcilerError, UsageError
from reconciler.text import clip, close_name, first_few, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBackups:
    """The backups that there are.

    Args:
        directory: Their directory, for messages.
        runs: Those of the tenant, by run, the latest first.
        elsewhere: Those of other tenants, in the same order; they are never selected.
        created: What runs on the tenant created, the latest first.
        options: The options for a follow-up command that finds the same backups.
    """

    directory: Path
    runs: tuple[RunBackups, ...]
    elsewhere: tuple[RunBackups, ...] = ()
    created: tuple[CreatedByRun, ...] = ()
    options: str = ""

    @staticmethod
    def of(
        runs: Iterable[RunBackups],
        created: Iterable[CreatedByRun],
        tenant: tuple[str, str] | None,
        directory: Path,
        options: str = "",
    ) -> KnownBackups:
        """Return what there is, for a tenant.

        Args:
            runs: All backups, the latest run first.
            created: What all runs created, the latest first.
            tenant: The base URL and the stage; `None` for every tenant.
            directory: Their directory.
            options: The options for a follow-up command that finds the same backups.
        """
        if tenant is None:
            return KnownBackups(
                directory=directory, runs=tuple(runs), created=tuple(created), options=options
            )
        own, others = [], []
        for run in runs:
            here = tuple(item for item in run.backups if (item.tenant, item.stage) == tenant)
            there = tuple(item for item in run.backups if (item.tenant, item.stage) != tenant)
            own += [dataclasses.replace(run, backups=here)] if here or run.broken else []
            others += [dataclasses.replace(run, backups=there)] if there else []
        made = tuple(item for item in created if (item.tenant, item.stage) == tenant)
        return KnownBackups(
            directory=directory, runs=tuple(own), elsewhere=tuple(others), created=made, options=options
        )

    def command(self, *words: str) -> str:
        """Return the line of a `rollback` about these backups."""
        return " ".join(["peak-reconciler rollback", *words, *([self.options] if self.options else [])])


def select_backups(known: KnownBackups, words: tuple[str, ...]) -> tuple[Backup, ...]:
    """Return the backups to restore: all of a run, the newest one of a workflow, or all of the latest run.

    Args:
        known: The backups that there are.
        words: Ids of runs and names of workflows; none means the latest run.

    Raises:
        InvalidInputError: A file of a selected run cannot be read.
        UsageError: A word is neither the id of a run nor the name of a workflow with a backup, or the latest
            run only created workflows.
    """
    if not words:
        return _whole(_latest(known))
    found: dict[int, Backup] = {}
    for word in words:
        of_run = next((run for run in known.runs if run.id == word), None)
        for backup in _whole(of_run) if of_run else _newest(known, word):
            found.setdefault(backup.id, backup)
    return tuple(found.values())


def filter_backups(known: KnownBackups, words: tuple[str, ...]) -> list[RunBackups]:
    """Return the backups to list: all of the named runs, and every backup of the named workflows.

    Takes and raises what `select_backups` does, except that no words means everything.
    """
    for word in words:
        if all(run.id != word for run in known.runs):
            _newest(known, word)
    if not words:
        return [*known.runs]
    named = (
        run
        if run.id in words
        else RunBackups(id=run.id, backups=tuple(b for b in run.backups if b.name in words))
        for run in known.runs
    )
    return [run for run in named if run.backups or run.broken]


def selection_notes(known: KnownBackups, words: tuple[str, ...], found: Iterable[Backup]) -> Iterator[str]:
    """Yield which runs are restored, and what these created and a rollback leaves.

    Args:
        known: The backups that there are.
        words: What was asked for.
        found: What `select_backups` returned for it.
    """
    runs: dict[str, list[Backup]] = {}
    for backup in found:
        runs.setdefault(backup.run, []).append(backup)
    for run, backups in runs.items():
        yield printable(f"restoring from run {run} ({_deeds(backups)})")
        created = next((item for item in known.created if item.id == run), None)
        if created and (not words or run in words):
            yield printable(f"run {run} also created {first_few(created.names)}: a rollback deletes nothing")


def _deeds(backups: list[Backup]) -> str:
    """Return when a run was, and what it did to the workflows of `backups`."""
    by_reason: dict[str, list[str]] = {}
    for backup in backups:
        by_reason.setdefault(backup.reason, []).append(backup.name)
    deeds = [f"{reason} of {first_few(names)}" for reason, names in by_reason.items()]
    return "; ".join([backups[0].time, *deeds]) if len(deeds) > 1 else f"{backups[0].time}, {deeds[0]}"


def _latest(known: KnownBackups) -> RunBackups:
    """Return the latest run; one that only created workflows is no reason to restore the run before it."""
    before = next(iter(known.runs), None)
    created = next(iter(known.created), None)
    if created and (before is None or created.id > before.id):
        raise _only_created(known, created, before)
    if before is None:
        if known.elsewhere:
            raise _of_another_tenant(known.elsewhere[0].backups[0], f"every backup in {known.directory}")
        raise UsageError(f"there are no backups in {known.directory}")
    return before


def _only_created(known: KnownBackups, created: CreatedByRun, before: RunBackups | None) -> UsageError:
    earlier = ""
    if before is not None:
        deeds = f" ({printable(_deeds([*before.backups]))})" if before.backups else ""
        earlier = f" The run before it is {before.id}{deeds}: {known.command(before.id)}"
    return UsageError(
        f"the run {created.id} only created {printable(first_few(created.names))}, and a rollback deletes "
        "nothing",
        hint=f"To delete what it created, remove the manifests and run apply --prune.{earlier}",
    )


def _whole(run: RunBackups) -> tuple[Backup, ...]:
    if run.broken:
        raise InvalidInputError("\n".join(["a backup cannot be read:", *run.broken]))
    return run.backups


def _newest(known: KnownBackups, word: str) -> list[Backup]:
    for run in known.runs:
        found = [backup for backup in run.backups if backup.name == word]
        if found:
            return found
    raise _not_found(known, word)


def _not_found(known: KnownBackups, word: str) -> ReconcilerError:
    """Return the error for a word that names no backup of this tenant."""
    shown = clip(printable(word), 80)
    created = next((item for item in known.created if item.id == word), None)
    if created:
        earlier = (run for run in known.runs if run.id < created.id)
        return _only_created(known, created, next(earlier, None))
    created = next((item for item in known.created if word in item.names), None)
    if created:
        return UsageError(
            f"{shown!r} has no backup: the run {created.id} created it, and no run changed it since",
            hint="A rollback deletes nothing. To delete it, remove its manifest and run apply --prune.",
        )
    there = next((b for run in known.elsewhere for b in run.backups if word in {run.id, b.name}), None)
    if there:
        is_run = there.run == word
        return _of_another_tenant(there, f"the run {shown}" if is_run else f"every backup of {shown!r}")
    near = close_name(word, {backup.name for run in known.runs for backup in run.backups})
    return UsageError(
        f"no run and no workflow called {shown!r} has a backup in {known.directory}",
        hint=(f"Did you mean {printable(near)!r}? " if near else "")
        + f"List the backups with: {known.command('--list')}",
    )


def _of_another_tenant(backup: Backup, what: str) -> UsageError:
    tenant = f"{backup.tenant} (stage {backup.stage})"
    if not backup.environment:
        return UsageError(
            f"{what} is of another tenant: {tenant}",
            hint="Choose the environment that has this tenant with --environment.",
        )
    name = printable(backup.environment)
    return UsageError(
        f"{what} is of another environment: {name}, {tenant}", hint=f"Pass --environment {quote(name)}."
    )
