"""Writer of backup files: one for each workflow of a run, readable by the owner only."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler import __version__
from reconciler.backup.reading import FORMAT_VERSION
from reconciler.errors import ReconcilerError, reason_of
from reconciler.files import write_atomically
from reconciler.json_documents import document_text
from reconciler.secrecy import Redactor, SecretFields, omit_secrets
from reconciler.text import slug
from reconciler.timestamps import rfc3339_seconds, utc_now
from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow import Live, lists_back, lists_by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """The run that makes backups, and the tenant it is for.

    Args:
        id: Sorts by time (`new_run_id`).
        tenant: The base URL of the tenant.
    """

    id: str
    tenant: str
    stage: str


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
            live: The workflow, as it was described last.
            reason: `update` or `delete`.
            sensitive: The secret fields of its body.

        Raises:
            ReconcilerError: It cannot be written; no partial file stays.
        """
        path = self._folder / f"{live.id}-{slug(live.name)}.json"
        text = document_text(self._document(live, reason, sensitive)) + "\n"
        with self._lock:
            self._make_folder()
            if not path.exists():  # the first one of a run has the state before the run
                self._write(path, text)
        return path

    def discard(self, path: Path) -> None:
        """Remove the backup of a workflow that was not overwritten."""
        with suppress(OSError), self._lock:
            path.unlink()
            self._folder.rmdir()

    def _document(self, live: Live, reason: str, sensitive: SecretFields) -> JsonObject:
        sent = live.body.described
        cleaned, left = omit_secrets(lists_by_name(sent), sensitive, self._redactor)
        body = lists_back(as_object(cleaned))
        tags = [tag for tag in as_list(sent.get("tags")) if not self._redactor.finds(str(tag))]
        return {
            "format_version": FORMAT_VERSION,
            "tool_version": __version__,
            "run": self._run.id,
            "time": rfc3339_seconds(self._now()),
            "tenant": self._run.tenant,
            "stage": self._run.stage,
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
