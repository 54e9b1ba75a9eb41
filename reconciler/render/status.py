"""Sync states of workflows as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.plan import Sync, WorkflowStatus
from reconciler.render.markup import table
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.values import JsonObject

FORMAT_VERSION: Final = 1
_SYNC_WORDS: Final = {Sync.SYNCED: "in sync", Sync.DIFFERS: "out of sync"}
"""The words for people, where they are not the JSON value."""

COLOURS: Final = {
    "in sync": "green",
    "out of sync": "yellow",
    "missing": "yellow",
    "blocked": "red",
    "Success": "green",
    "Failed": "red",
}
_HEADS: Final = ("SYNC", "WORKFLOW", "ID", "STATUS", "LAST EXECUTION", "STARTED")


def status_text(statuses: Sequence[WorkflowStatus], redactor: Redactor) -> str:
    """Return a table with a line for each workflow, then the reasons of blocked ones, and the counts."""
    rows = [
        (
            _word(item.sync),
            item.name,
            None if item.id is None else str(item.id),
            item.status,
            item.last_execution.status if item.last_execution else None,
            item.last_execution.at if item.last_execution else None,
        )
        for item in statuses
    ]
    reasons = [
        printable(f"blocked: {item.name}: {redactor.prose(item.reason)}") for item in statuses if item.reason
    ]
    return "\n".join([*table(_HEADS, rows, COLOURS), *reasons, _summary(statuses)])


def statuses_total(statuses: Sequence[WorkflowStatus]) -> str:
    """Return the number of workflows in each sync state, in words."""
    counts = Counter(item.sync for item in statuses)
    return ", ".join(f"{counts[sync]} {_word(sync)}" for sync in Sync if counts[sync]) or "no workflows"


def _summary(statuses: Sequence[WorkflowStatus]) -> str:
    failed = sum(
        item.last_execution is not None and item.last_execution.status == "Failed" for item in statuses
    )
    failures = f"{failed} last {'execution' if failed == 1 else 'executions'} failed." if failed else ""
    return f"{statuses_total(statuses)}. {failures}".rstrip()


def _word(sync: Sync) -> str:
    return _SYNC_WORDS.get(sync, sync.value)


def status_json(statuses: Sequence[WorkflowStatus], redactor: Redactor) -> str:
    """Return one JSON object: `format_version`, `summary` and `workflows`."""
    return document_text(status_document(statuses, redactor))


def status_document(statuses: Sequence[WorkflowStatus], redactor: Redactor) -> JsonObject:
    """Return the JSON document of statuses, without any secret."""
    counts = Counter(item.sync for item in statuses)
    fields: JsonObject = {
        "summary": {sync.value: counts[sync] for sync in Sync},
        "workflows": [_workflow(item, redactor) for item in statuses],
    }
    return versioned(FORMAT_VERSION, fields)


def _workflow(item: WorkflowStatus, redactor: Redactor) -> JsonObject:
    file, line = item.source.line() if item.source else (None, None)
    run = item.last_execution
    return {
        "name": item.name,
        "id": item.id,
        "sync": item.sync.value,
        "reason": redactor.prose(item.reason) or None,
        "status": item.status,
        "last_execution": {"id": run.id, "status": run.status, "executed_at": run.at} if run else None,
        "file": file,
        "line": line,
    }
