"""Backups: the body of a workflow before an update or a delete, and how it is restored.

A backup holds no secret: secrets are left out and named. A file is written whole or not at all, and only its
owner may read it.
"""

from reconciler.backup.backup_files import (
    Backup,
    BackupWriter,
    CreatedByRun,
    RunBackups,
    RunIdentity,
    new_run_id,
    read_backup,
    read_backups,
    read_created,
    read_run_backups,
)
from reconciler.backup.restoring import Restoration, prepare_restoration
from reconciler.backup.selecting import KnownBackups, filter_backups, select_backups, selection_notes

__all__ = [
    "Backup",
    "BackupWriter",
    "CreatedByRun",
    "KnownBackups",
    "Restoration",
    "RunBackups",
    "RunIdentity",
    "filter_backups",
    "new_run_id",
    "prepare_restoration",
    "read_backup",
    "read_backups",
    "read_created",
    "read_run_backups",
    "select_backups",
    "selection_notes",
]
