"""Finds and reads backups; their files are input like any other, bounded and checked by their schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import InvalidInputError, ReconcilerError, UsageError, reason_of
from reconciler.files import UnreadableError, read_bounded
from reconciler.json_documents import parse_object
from reconciler.manifests.bounds import MAX_FILE_BYTES
from reconciler.schema import validate
from reconciler.secrecy import Omitted
from reconciler.text import clip, printable
from reconciler.values import JsonObject, as_list, as_object

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A workflow as it was before a run overwrote or deleted it.

    Args:
        file: The file that it was read from.
        run: The run.
        time: When, in UTC, as RFC 3339.
        tenant: The tenant's address.
        stage: Its stage.
        reason: What the run did to it.
        id: The workflow's id.
        name: Its name.
        paused: Whether it was paused.
        body: Its body, less what is left out.
        left_out: The secrets that are not in the body.
        text: The file's text.
    """

    file: Path
    run: str
    time: str
    tenant: str
    stage: str
    reason: str
    id: int
    name: str
    paused: bool
    body: JsonObject = field(repr=False)
    left_out: tuple[Omitted, ...]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRun:
    """The backups of one run.

    Args:
        id: The run.
        backups: They, by name.
        broken: What is wrong with the files of it that cannot be read.
    """

    id: str
    backups: tuple[Backup, ...]
    broken: tuple[str, ...] = ()


def read_runs(directory: Path) -> list[BackupRun]:
    """Return the backups of all runs, the latest run first.

    Raises:
        ReconcilerError: The directory cannot be read.
    """
    try:
        folders = [entry for entry in directory.iterdir() if entry.is_dir()] if directory.exists() else []
        runs = [_run(folder) for folder in sorted(folders, key=lambda folder: folder.name, reverse=True)]
    except OSError as error:
        raise ReconcilerError(f"the backups in {directory} cannot be read: {reason_of(error)}") from error
    return [run for run in runs if run.backups or run.broken]


def find_backups(runs: Iterable[BackupRun], asked: tuple[str, ...], directory: Path) -> tuple[Backup, ...]:
    """Return the backups that are asked for: of a run, the newest of each name, or of the latest run.

    Args:
        runs: Those that there are, the latest first.
        asked: The ids of runs and the names of workflows; nothing means the latest run.
        directory: Where they are, for messages.

    Raises:
        InvalidInputError: A file of a run that is asked for cannot be read.
        UsageError: There is no such run and no backup of such a name.
    """
    runs = list(runs)
    if not asked:
        if not runs:
            raise UsageError(f"there are no backups in {directory}")
        return _whole(runs[0])
    found: dict[int, Backup] = {}
    for word in asked:
        of_run = next((run for run in runs if run.id == word), None)
        for backup in _whole(of_run) if of_run else _newest(runs, word, directory):
            found.setdefault(backup.id, backup)
    return tuple(found.values())


def narrowed(runs: Iterable[BackupRun], asked: tuple[str, ...], directory: Path) -> list[BackupRun]:
    """Return of `runs` what the words name: whole runs, and the backups of workflows; all without words.

    Args:
        runs: Those that there are, the latest first.
        asked: The ids of runs and the names of workflows.
        directory: Where they are, for messages.

    Raises:
        UsageError: There is no such run and no backup of such a name.
    """
    runs = list(runs)
    for word in asked:
        if all(run.id != word for run in runs):
            _newest(runs, word, directory)
    if not asked:
        return runs
    named = (
        run
        if run.id in asked
        else BackupRun(id=run.id, backups=tuple(b for b in run.backups if b.name in asked))
        for run in runs
    )
    return [run for run in named if run.backups or run.broken]


def _whole(run: BackupRun) -> tuple[Backup, ...]:
    if run.broken:
        raise InvalidInputError("\n".join(["a backup cannot be used:", *run.broken]))
    return run.backups


def _newest(runs: list[BackupRun], name: str, directory: Path) -> list[Backup]:
    for run in runs:
        found = [backup for backup in run.backups if backup.name == name]
        if found:
            return found
    raise UsageError(
        f"there is no run and no backup of a workflow called {clip(printable(name), 80)!r} in {directory}",
        hint="rollback --list shows what there is.",
    )


def _run(folder: Path) -> BackupRun:
    backups: list[Backup] = []
    broken: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            backups.append(_backup(file))
        except InvalidInputError as error:
            broken.append(error.message)
    return BackupRun(
        id=folder.name,
        backups=tuple(sorted(backups, key=lambda backup: (backup.name, backup.id))),
        broken=tuple(broken),
    )


def _backup(file: Path) -> Backup:
    try:
        data = read_bounded(file, MAX_FILE_BYTES)
        value = parse_object(data)
    except UnreadableError as error:
        raise InvalidInputError(f"{file}: not a usable backup: {error}") from None
    if value.get("format_version") != FORMAT_VERSION:
        raise InvalidInputError(f"{file}: a backup in a format that this version does not read")
    problems = list(validate(value, "backup"))
    if problems:
        raise InvalidInputError(f"{file}: not a usable backup: {problems[0].message}{problems[0].found}")
    left = (as_object(item) for item in as_list(value["left_out"]))
    return Backup(
        file=file,
        run=str(value["run"]),
        time=str(value["time"]),
        tenant=str(value["tenant"]),
        stage=str(value["stage"]),
        reason=str(value["reason"]),
        id=int(str(value["id"])),
        name=str(value["name"]),
        paused=value["paused"] is True,
        body=as_object(value["body"]),
        left_out=tuple(Omitted(path=tuple(as_list(item["path"])), why=str(item["why"])) for item in left),
        text=data.decode("utf-8", "replace"),
    )
