"""Backups as a text list, as JSON and as a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from reconciler.backup import Backup, RunBackups
from reconciler.json_documents import document_text, versioned
from reconciler.render.report_as_html import html_report
from reconciler.render.report_as_markdown import markdown_report
from reconciler.render.report_page import Count, Fact, Remark, ReportEntry, ReportPage, StepChange
from reconciler.secrecy import SecretFields, mask
from reconciler.text import TextOrPieces, clip, counted, printable
from reconciler.values import JsonObject, JsonValue, display_path
from reconciler.workflow import StepGraph

FORMAT_VERSION: Final = 1
_REASONS: Final = {
    "update": "before its update",
    "delete": "before its delete",
    "pause": "before it was paused",
    "resume": "before it was resumed",
}
"""What a line of the list says, by the reason of a backup."""


def backups_in(name: str, runs: Sequence[RunBackups], directory: Path, environment: str = "") -> TextOrPieces:
    """Return the backups of an environment, or all, in the format `name`: that of a file or `text`."""
    match name:
        case "json":
            return backups_json(runs)
        case "markdown":
            return markdown_report(backups_page(runs))
        case "html":
            return html_report(backups_page(runs))
        case _:
            of_environment = f" of environment {environment}" if environment else ""
            return (
                backups_text(runs, directory)
                if runs
                else printable(f"No backups{of_environment} in {directory}.")
            )


def backups_text(runs: Iterable[RunBackups], directory: Path, *, bodies: bool = False) -> str:
    """Return the id of each run with a line for each workflow that it backed up, in the order of `runs`.

    With `bodies`, the body of each follows, and the secrets that it lacks.
    """
    lines: list[str] = []
    runs = [*runs]
    several = len({(backup.tenant, backup.stage) for run in runs for backup in run.backups}) > 1
    for run in runs:
        lines += [run.id]
        for backup in run.backups:
            lines += [_line(backup, several=several)]
            if bodies:
                lines += [f"    left out: {text}" for text in _left_out(backup)]
                lines += [f"    {line}" for line in _body_lines(backup)]
        lines += [f"  cannot be read: {problem}" for problem in run.broken]
    return "\n".join(map(printable, lines)) or printable(f"No backups in {directory}.")


def _body_lines(backup: Backup) -> list[str]:
    """Return the body of a backup. It holds no secret; one that was put in since is masked."""
    return document_text(_body(backup)).splitlines()


def _body(backup: Backup) -> JsonValue:
    return mask(backup.body.raw, SecretFields())


def _left_out(backup: Backup) -> list[str]:
    return [f"{display_path(item.path)} ({item.why})" for item in backup.left_out]


def _line(backup: Backup, *, several: bool) -> str:
    """Return the line of a backup, with its environment, or its tenant where there are several."""
    number = len(backup.left_out)
    left = f", {number} {'secret' if number == 1 else 'secrets'} left out" if number else ""
    tenant = f", {backup.tenant} (stage {backup.stage})" if several else ""
    where = f", environment {backup.environment}" if backup.environment else tenant
    when = _REASONS.get(backup.reason, f"before its {backup.reason}")
    return f"  {clip(backup.name, 100)} (id {backup.id}): {when}, {backup.time}{where}{left}"


def backups_page(runs: Sequence[RunBackups]) -> ReportPage:
    """Return the same as a report, with the body and the steps of each workflow."""
    entries = [_entry(backup) for run in runs for backup in run.backups]
    broken = [problem for run in runs for problem in run.broken]
    words = Counter(entry.word for entry in entries)
    backups = counted(len(entries), "backup")
    return ReportPage(
        kind="backups",
        title="Backups",
        summary=f"{backups} of {'1 run' if len(runs) == 1 else f'{len(runs)} runs'}.",
        facts=tuple(Fact("Cannot be read", problem, stands_out=True) for problem in broken),
        counts=tuple(Count(*item) for item in words.items()),
        entries=tuple(entries),
        rest="The files of the backups have all of it.",
    )


def _entry(backup: Backup) -> ReportEntry:
    return ReportEntry(
        name=backup.name,
        word=f"before {backup.reason}" if backup.reason in _REASONS else "other",
        id=backup.id,
        facts=(
            backup.time,
            f"run {backup.run}",
            f"{backup.tenant} (stage {backup.stage})",
            *([f"environment {backup.environment}"] if backup.environment else []),
        ),
        remarks=tuple(Remark("Note", f"left out: {text}") for text in _left_out(backup)),
        body=tuple(_body_lines(backup)),
        steps=StepChange(after=StepGraph.of(backup.body)),
    )


def backups_json(runs: Iterable[RunBackups], *, bodies: bool = False) -> str:
    """Return the same as one JSON object: `format_version` and `runs`; with `bodies`, with each body."""
    found: list[JsonValue] = [_run(run, bodies=bodies) for run in runs]
    return document_text(versioned(FORMAT_VERSION, {"runs": found}))


def _run(run: RunBackups, *, bodies: bool) -> JsonObject:
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
                "environment": backup.environment or None,
                "file": str(backup.file),
                "left_out": [display_path(item.path) for item in backup.left_out],
                **({"body": _body(backup)} if bodies else {}),
            }
            for backup in run.backups
        ],
        "broken": [*run.broken],
    }
