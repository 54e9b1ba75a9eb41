"""Reader of backup files: bounded, and checked against their schema like any other input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import InvalidInputError, ReconcilerError, UsageError, reason_of
from reconciler.files import UnreadableError, read_bounded
from reconciler.json_documents import parse_object
from reconciler.manifests import MAX_FILE_BYTES
from reconciler.schema import validate
from reconciler.secrecy import Omitted
from reconciler.text import clip, printable
from reconciler.values import as_list, as_object, as_objects
from reconciler.workflow import Body

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A workflow as it was before a run overwrote or deleted it.

    Args:
        file: The file that it was read from.
        run: The id of the run.
        time: RFC 3339, in UTC.
        tenant: The base URL of the tenant.
        reason: What the run was about to do: `update` or `delete`.
        id: The workflow's id.
        body: Its body without the secrets in `left_out`.
        text: The text of `file`.
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
    body: Body = field(repr=False)
    left_out: tuple[Omitted, ...]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBackups:
    """The backups of one run.

    Args:
        id: The id of the run.
        backups: Sorted by name.
        broken: One message for each file that cannot be read.
    """

    id: str
    backups: tuple[Backup, ...]
    broken: tuple[str, ...] = ()


def read_backups(directory: Path) -> list[RunBackups]:
    """Return the backups in `directory` by run, the latest run first.

    Raises:
        ReconcilerError: The directory cannot be read.
    """
    try:
        folders = [entry for entry in directory.iterdir() if entry.is_dir()] if directory.exists() else []
        runs = [_run(folder) for folder in sorted(folders, key=lambda folder: folder.name, reverse=True)]
    except OSError as error:
        raise ReconcilerError(f"the backups in {directory} cannot be read: {reason_of(error)}") from error
    return [run for run in runs if run.backups or run.broken]


def select_backups(runs: Iterable[RunBackups], words: tuple[str, ...], directory: Path) -> tuple[Backup, ...]:
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


def filter_backups(runs: Iterable[RunBackups], words: tuple[str, ...], directory: Path) -> list[RunBackups]:
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


def _newest(runs: list[RunBackups], name: str, directory: Path) -> list[Backup]:
    for run in runs:
        found = [backup for backup in run.backups if backup.name == name]
        if found:
            return found
    raise UsageError(
        f"no run and no workflow called {clip(printable(name), 80)!r} has a backup in {directory}",
        hint="List the backups with rollback --list.",
    )


def _run(folder: Path) -> RunBackups:
    backups: list[Backup] = []
    broken: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            backups.append(_backup(file))
        except InvalidInputError as error:
            broken.append(error.message)
    return RunBackups(
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
        body=Body(as_object(value["body"])),
        left_out=tuple(
            Omitted(path=tuple(as_list(item["path"])), why=str(item["why"]))
            for item in as_objects(value["left_out"])
        ),
        text=data.decode("utf-8", "replace"),
    )
