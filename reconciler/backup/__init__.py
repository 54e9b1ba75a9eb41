"""Backups: the body of a workflow as it was before an update or a delete, and the way back.

A backup holds no secret: what is one is left out, and named. Files are written whole or not at all, and only
their owner may read them.
"""

from reconciler.backup.reading import Backup, BackupRun, find_backups, narrowed, read_runs
from reconciler.backup.restoring import Restoring, restoring
from reconciler.backup.store import Backups, Run, new_run_id

__all__ = [
    "Backup",
    "BackupRun",
    "Backups",
    "Restoring",
    "Run",
    "find_backups",
    "narrowed",
    "new_run_id",
    "read_runs",
    "restoring",
]
