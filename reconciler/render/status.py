"""Sync states of workflows as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.plan import Sync, WorkflowStatus
from reconciler.render.html_report import Count, ReportEntry, html_report
from reconciler.render.layout import table
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


STATES: Final = {
    "in-sync": Sync.SYNCED,
    "out-of-sync": Sync.DIFFERS,
    "missing": Sync.MISSING,
    "blocked": Sync.BLOCKED,
    "orphaned": Sync.ORPHANED,
    "unmanaged": Sync.UNMANAGED,
}
"""The sync states by the words that a user filters by."""

FAILED: Final = "failed"
"""The word for workflows whose last execution failed, whatever their sync state."""


def only_in(statuses: Sequence[WorkflowStatus], words: Collection[str]) -> tuple[WorkflowStatus, ...]:
    """Return the workflows in one of the states that `words` name (`STATES`, `FAILED`); all without words."""
    states = {STATES.get(word) for word in words}
    return tuple(
        item for item in statuses if not words or item.sync in states or (item.failed and FAILED in words)
    )


def status_text(statuses: Sequence[WorkflowStatus], redactor: Redactor, words: Collection[str] = ()) -> str:
    """Return a table with a line for each workflow, then the reasons of blocked ones, and the counts of all.

    With `words`, it shows only the workflows in these states.
    """
    shown = only_in(statuses, words)
    rows = [
        (
            _word(item.sync),
            item.name,
            None if item.id is None else str(item.id),
            item.status,
            item.last_execution.status if item.last_execution else None,
            item.last_execution.at if item.last_execution else None,
        )
        for item in shown
    ]
    reasons = [
        printable(f"blocked: {item.name}: {redactor.prose(item.reason)}") for item in shown if item.reason
    ]
    left = f" {len(shown)} of {len(statuses)} shown." if words else ""
    return "\n".join([*table(_HEADS, rows, COLOURS), *reasons, _summary(statuses) + left])


def statuses_total(statuses: Sequence[WorkflowStatus]) -> str:
    """Return the number of workflows in each sync state, in words."""
    counts = Counter(item.sync for item in statuses)
    return ", ".join(f"{counts[sync]} {_word(sync)}" for sync in Sync if counts[sync]) or "no workflows"


def _summary(statuses: Sequence[WorkflowStatus]) -> str:
    failed = sum(item.failed for item in statuses)
    failures = f"{failed} last {'execution' if failed == 1 else 'executions'} failed." if failed else ""
    return f"{statuses_total(statuses)}. {failures}".rstrip()


def _word(sync: Sync) -> str:
    return _SYNC_WORDS.get(sync, sync.value)


def status_json(statuses: Sequence[WorkflowStatus], redactor: Redactor, words: Collection[str] = ()) -> str:
    """Return one JSON object: `format_version`, `summary` and `workflows`."""
    return document_text(status_document(statuses, redactor, words))


def status_document(
    statuses: Sequence[WorkflowStatus], redactor: Redactor, words: Collection[str] = ()
) -> JsonObject:
    """Return the JSON document of statuses, without any secret; with `words`, only those in these states."""
    counts = Counter(item.sync for item in statuses)
    fields: JsonObject = {
        "summary": {sync.value: counts[sync] for sync in Sync},
        "workflows": [_workflow(item, redactor) for item in only_in(statuses, words)],
    }
    return versioned(FORMAT_VERSION, fields)


def status_html(statuses: Sequence[WorkflowStatus], redactor: Redactor, words: Collection[str] = ()) -> str:
    """Return the statuses as a self-contained page; with `words`, only of those in these states."""
    shown = only_in(statuses, words)
    counts = Counter(_state(item) for item in shown)
    entries = [_entry(item, redactor) for item in shown]
    return html_report("Status", _summary(statuses), [Count(word, counts[word]) for word in STATES], entries)


def _state(item: WorkflowStatus) -> str:
    return next(word for word, sync in STATES.items() if sync is item.sync)


def _entry(item: WorkflowStatus, redactor: Redactor) -> ReportEntry:
    run = item.last_execution
    facts = [f"id {item.id}"] if item.id is not None else []
    facts += [str(item.source)] if item.source else []
    facts += [item.status] if item.status else []
    facts += [f"last execution {run.status or 'unknown'} {run.at or ''}".rstrip()] if run else []
    return ReportEntry(
        name=printable(item.name),
        word=_state(item),
        facts=tuple(map(printable, facts)),
        remarks=(printable(redactor.prose(item.reason)),) if item.reason else (),
    )


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
