"""Backups as a text list and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from reconciler.backup import Backup, RunBackups
from reconciler.json_documents import document_text, versioned
from reconciler.text import clip, printable
from reconciler.values import JsonObject, display_path

FORMAT_VERSION: Final = 1


def backups_text(runs: Iterable[RunBackups], directory: Path) -> str:
    """Return the id of each run with a line for each workflow that it backed up, in the order of `runs`."""
    lines: list[str] = []
    for run in runs:
        lines += [run.id, *map(_line, run.backups)]
        lines += [f"  cannot be read: {problem}" for problem in run.broken]
    return "\n".join(map(printable, lines)) or printable(f"No backups in {directory}.")


def _line(backup: Backup) -> str:
    number = len(backup.left_out)
    left = f", {number} {'secret' if number == 1 else 'secrets'} left out" if number else ""
    return f"  {clip(backup.name, 100)} (id {backup.id}): before its {backup.reason}, {backup.time}{left}"


def backups_json(runs: Iterable[RunBackups]) -> str:
    """Return the same as one JSON object: `format_version` and `runs`."""
    return document_text(versioned(FORMAT_VERSION, {"runs": [_run(run) for run in runs]}))


def _run(run: RunBackups) -> JsonObject:
    return {
        "id": run.id,
        "backups": [
            {
                "name": backup.name,
                "id": backup.id,
                "reason": backup.reason,
                "time": backup.time,
                "tenant": backup.tenant,
                "stage": backup.stage,
                "file": str(backup.file),
                "left_out": [display_path(item.path) for item in backup.left_out],
            }
            for backup in run.backups
        ],
        "broken": [*run.broken],
    }
