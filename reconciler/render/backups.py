"""The backups that there are, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from reconciler.backup import Backup, RunBackups
from reconciler.text import clip, printable
from reconciler.values import JsonObject, display_path

FORMAT_VERSION: Final = 1


def backups_text(runs: Iterable[RunBackups], directory: Path) -> str:
    """Return the runs, the latest first, each with the workflows that it overwrote or deleted."""
    lines: list[str] = []
    for run in runs:
        lines += [run.id, *map(_line, run.backups)]
        lines += [f"  cannot be read: {problem}" for problem in run.broken]
    return "\n".join(map(printable, lines)) or printable(f"There are no backups in {directory}.")


def _line(backup: Backup) -> str:
    number = len(backup.left_out)
    left = f", {number} {'secret' if number == 1 else 'secrets'} left out" if number else ""
    return f"  {clip(backup.name, 100)} (id {backup.id}): before its {backup.reason}, {backup.time}{left}"


def backups_json(runs: Iterable[RunBackups]) -> str:
    """Return the same as JSON: `format_version` and `runs`."""
    document: JsonObject = {"format_version": FORMAT_VERSION, "runs": [_run(run) for run in runs]}
    return json.dumps(document, indent=2, ensure_ascii=True)


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
