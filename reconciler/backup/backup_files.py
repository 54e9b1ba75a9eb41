"""Backup files: one for each workflow of a run, private to the owner, and checked when they are read."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler import __version__
from reconciler.errors import InvalidInputError, ReconcilerError, reason_of
from reconciler.files import UnreadableError, read_bounded, remove_left_parts, write_atomically
from reconciler.json_documents import document_text, line_text, parse_object
from reconciler.manifests import MAX_FILE_BYTES
from reconciler.schema import validate
from reconciler.secrecy import Omitted, Redactor, SecretFields, omit_secrets
from reconciler.text import slug
from reconciler.timestamps import rfc3339_seconds, utc_now
from reconciler.values import JsonObject, as_list, as_object, as_objects
from reconciler.workflow import Body, Live, lists_back, lists_by_name

_FORMAT_VERSION: Final = 1

_CREATED: Final = "created.jsonl"
"""The file of a run's directory with the names of the workflows that the run created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A workflow as it was before a run overwrote or deleted it.

    Args:
        file: The file that it was read from.
        run: The id of the run.
        time: RFC 3339, in UTC.
        tenant: The base URL of the tenant.
        environment: The name of the environment of the run; empty for none, and in older backups.
        reason: What the run was about to do: `update`, `delete`, `pause` or `resume`.
        id: The workflow's id.
        body: Its body without the secrets in `left_out`.
        text: The text of `file`.
    """

    file: Path
    run: str
    time: str
    tenant: str
    stage: str
    environment: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedByRun:
    """The workflows that one run created: they have no backup, and a rollback deletes nothing.

    Args:
        id: The id of the run.
        tenant: The base URL of the tenant.
        names: Sorted.
    """

    id: str
    tenant: str
    stage: str
    names: tuple[str, ...]


def read_backups(directory: Path) -> list[RunBackups]:
    """Return the backups in `directory` by run, the latest run first.

    Raises:
        ReconcilerError: The directory cannot be read.
    """
    try:
        folders = [entry for entry in directory.iterdir() if entry.is_dir()] if directory.exists() else []
        runs = [
            read_run_backups(folder)
            for folder in sorted(folders, key=lambda folder: folder.name, reverse=True)
        ]
    except OSError as error:
        raise ReconcilerError(f"the backups in {directory} cannot be read: {reason_of(error)}") from error
    return [run for run in runs if run.backups or run.broken]


def read_run_backups(folder: Path) -> RunBackups:
    """Return the backups of the run whose directory is `folder`.

    Raises:
        OSError: It cannot be read.
    """
    backups: list[Backup] = []
    broken: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            backups.append(read_backup(file))
        except InvalidInputError as error:
            broken.append(error.message)
    return RunBackups(
        id=folder.name,
        backups=tuple(sorted(backups, key=lambda backup: (backup.name, backup.id))),
        broken=tuple(broken),
    )


def read_created(directory: Path) -> list[CreatedByRun]:
    """Return what the runs created whose directories are in `directory`, the latest run first.

    A note that cannot be read is left out: it is only good for a message.
    """
    found = []
    for file in sorted(directory.glob(f"*/{_CREATED}"), reverse=True):
        with suppress(UnreadableError, KeyError):
            note = parse_object(read_bounded(file, MAX_FILE_BYTES))
            names = tuple(sorted(map(str, as_list(note["names"]))))
            found.append(
                CreatedByRun(
                    id=file.parent.name, tenant=str(note["tenant"]), stage=str(note["stage"]), names=names
                )
            )
    return found


def read_backup(file: Path) -> Backup:
    """Return the backup in a file.

    Raises:
        InvalidInputError: It is not a usable one.
    """
    try:
        data = read_bounded(file, MAX_FILE_BYTES)
        value = parse_object(data)
    except UnreadableError as error:
        raise InvalidInputError(f"{file}: not a usable backup: {error}") from None
    if value.get("format_version") != _FORMAT_VERSION:
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
        environment=str(value.get("environment", "")),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """The run that makes backups, and the tenant it is for.

    Args:
        id: Sorts by time (`new_run_id`).
        tenant: The base URL of the tenant.
        environment: The name of the environment; empty for none.
    """

    id: str
    tenant: str
    stage: str
    environment: str = ""


def new_run_id(now: datetime) -> str:
    """Return an id for a run that starts `now`: sorts by time, and is unique."""
    return f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{secrets.token_hex(3)}"


class BackupWriter:
    """Writer of the backups of one run; safe to use from several threads.

    Args:
        directory: The directory of all backups.
        redactor: Knows the secrets of the run.
        now: Returns the time.
    """

    def __init__(
        self, directory: Path, run: RunIdentity, redactor: Redactor, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._directory = directory
        self._folder = directory / run.id
        self._run = run
        self._redactor = redactor
        self._now = now
        self._lock = threading.Lock()
        self._saving = 0

    def check(self) -> None:
        """Check that a backup can be written.

        Raises:
            ReconcilerError: It cannot.
        """
        with self._lock:
            self._make_folder()
            check = self._folder / ".check"
            self._write(check, "x")
            check.unlink()
            with suppress(OSError):  # a run that overwrites nothing leaves no directory
                self._folder.rmdir()

    def save(self, live: Live, reason: str, sensitive: SecretFields) -> Path:
        """Write the backup of a workflow that is about to be overwritten, and return its file.

        Args:
            live: The workflow, as it was described last; each is saved by one thread at a time.
            reason: `update`, `delete`, `pause` or `resume`.
            sensitive: The secret fields of its body.

        Raises:
            ReconcilerError: It cannot be written; no partial file stays.
        """
        path = self._folder / f"{live.id}-{slug(live.name)}.json"
        text = document_text(self._document(live, reason, sensitive)) + "\n"
        with self._lock:
            self._make_folder()
            self._saving += 1
        try:  # without the lock: the disks of several workflows' backups are waited for together
            if not path.exists():  # the first one of a run has the state before the run
                self._write(path, text)
        finally:
            with self._lock:
                self._saving -= 1
        return path

    def discard(self, path: Path) -> None:
        """Remove the backup of a workflow that was not overwritten."""
        with suppress(OSError), self._lock:
            path.unlink()
            if not self._saving:
                self._folder.rmdir()

    def note_created(self, names: Iterable[str]) -> None:
        """Write the names of the workflows that the run created, if it created any.

        It only makes a later message better: without it, nothing is lost, so a failure is no error.
        """
        created = [*names]
        if not created:
            return
        note: JsonObject = {"tenant": self._run.tenant, "stage": self._run.stage, "names": [*created]}
        with suppress(ReconcilerError, OSError), self._lock:
            self._make_folder()
            write_atomically(self._folder / _CREATED, line_text(note) + "\n", private=True, follow_link=False)

    def _document(self, live: Live, reason: str, sensitive: SecretFields) -> JsonObject:
        sent = live.body.described
        cleaned, left = omit_secrets(lists_by_name(sent), sensitive, self._redactor)
        body = lists_back(as_object(cleaned))
        tags = [tag for tag in as_list(sent.get("tags")) if not self._redactor.finds(str(tag))]
        return {
            "format_version": _FORMAT_VERSION,
            "tool_version": __version__,
            "run": self._run.id,
            "time": rfc3339_seconds(self._now()),
            "tenant": self._run.tenant,
            "stage": self._run.stage,
            **({"environment": self._run.environment} if self._run.environment else {}),
            "reason": reason,
            "id": live.id,
            "name": live.name,
            "paused": live.paused,
            "body": {**body, "tags": tags} if tags else body,
            "left_out": [{"path": [*item.path], "why": item.why} for item in left],
        }

    def _make_folder(self) -> None:
        try:
            if self._folder.is_dir():
                return
            self._hide_from_git()
            for run in self._directory.glob("*/"):
                remove_left_parts(run)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def _hide_from_git(self) -> None:
        """Keep backups out of commits: they are for this machine only."""
        top = self._directory.parent if self._directory.parent.name == ".reconciler" else self._directory
        if not top.exists():
            top.mkdir(mode=0o700, parents=True, exist_ok=True)  # another run may create it meanwhile
            (top / ".gitignore").write_text("*\n", encoding="ascii")

    def _write(self, path: Path, text: str) -> None:
        try:
            write_atomically(path, text, private=True, durable=True, follow_link=False)
        except OSError as error:
            raise _unwritable(path.parent, error) from error


def _unwritable(path: Path, error: OSError) -> ReconcilerError:
    return ReconcilerError(
        f"no backup can be written to {path}: {reason_of(error)}",
        hint="Choose another directory with --backup-dir, or skip backups with --no-backup.",
    )
