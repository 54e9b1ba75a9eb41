"""How the workflows stand, as text, one line each, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from reconciler.plan import Sync, WorkflowStatus
from reconciler.render.table import table
from reconciler.text import Redactor, printable
from reconciler.values import JsonObject

FORMAT_VERSION: Final = 1
COLOURS: Final = {
    "synced": "green",
    "differs": "yellow",
    "missing": "yellow",
    "blocked": "red",
    "Success": "green",
    "Failed": "red",
}
_HEADS: Final = ("SYNC", "WORKFLOW", "ID", "STATUS", "LAST RUN", "STARTED")


def status_text(workflow_statuses: Sequence[WorkflowStatus], redactor: Redactor) -> str:
    """Return a line for each workflow, why what is blocked is so, and the counts, without any secret."""
    rows = [
        (
            item.sync.value,
            redactor.text(item.name),
            None if item.id is None else str(item.id),
            item.status,
            item.run.status if item.run else None,
            item.run.at if item.run else None,
        )
        for item in workflow_statuses
    ]
    reasons = [
        printable(redactor.text(f"blocked: {item.name}: {item.reason}"))
        for item in workflow_statuses
        if item.reason
    ]
    return "\n".join([*table(_HEADS, rows, COLOURS), *reasons, _summary(workflow_statuses)])


def _summary(workflow_statuses: Sequence[WorkflowStatus]) -> str:
    counts = Counter(item.sync for item in workflow_statuses)
    words = ", ".join(f"{counts[sync]} {sync.value}" for sync in Sync if counts[sync])
    failed = sum(item.run is not None and item.run.status == "Failed" for item in workflow_statuses)
    runs = f"the last run of {failed} failed" if failed else "no last run failed"
    return f"{words or 'no workflows'}; {runs}."


def status_json(workflow_statuses: Sequence[WorkflowStatus], redactor: Redactor) -> str:
    """Return one JSON object, without any secret: `format_version`, `summary` and `workflows`."""
    counts = Counter(item.sync for item in workflow_statuses)
    document: JsonObject = {
        "format_version": FORMAT_VERSION,
        "summary": {sync.value: counts[sync] for sync in Sync},
        "workflows": [_workflow(item) for item in workflow_statuses],
    }
    return json.dumps(redactor.value(document), indent=2, ensure_ascii=True)


def _workflow(item: WorkflowStatus) -> JsonObject:
    position = item.source.position(("name",)) if item.source else None
    run = item.run
    return {
        "name": item.name,
        "id": item.id,
        "sync": item.sync.value,
        "reason": item.reason or None,
        "status": item.status,
        "last_execution": {"id": run.id, "status": run.status, "executed_at": run.at} if run else None,
        "file": item.source.file if item.source else None,
        "line": position.line if position else None,
    }
