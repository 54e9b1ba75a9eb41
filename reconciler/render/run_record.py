"""The record of a run for an audit: who, which commit, what was planned, what came of it, every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler import __version__
from reconciler.apply import Report
from reconciler.client.exchanges import Traffic
from reconciler.json_documents import document_text
from reconciler.plan import Plan
from reconciler.render.plan_json import plan_document
from reconciler.render.report import report_document
from reconciler.render.requests import traffic_document
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What is known of a run, at its beginning or at its end.

    Args:
        run_id: Names the run; also its directory of backups.
        started: When it began, in UTC, as RFC 3339.
        ended: When it ended; `None` while it runs, and for good if it was killed.
        exit_code: How it ended.
        who: Who ran it, from which commit.
        tenant: The tenant's address; `None` when the run ended before it was known.
        stage: Its stage.
        plan: What was to be done.
        report: What came of it; `None` when nothing was tried.
        error: What ended the run before its end.
        requests: One entry for each request that was sent.
        traffic: The numbers of requests, retries and waits.
    """

    run_id: str
    started: str
    ended: str | None = None
    exit_code: int | None = None
    who: JsonObject
    tenant: str | None
    stage: str | None
    plan: Plan | None = None
    report: Report | None = None
    error: str | None = None
    requests: Sequence[JsonObject] = ()
    traffic: Traffic = field(default_factory=Traffic)


def run_record_json(record: RunRecord, redactor: Redactor) -> str:
    """Return `record` as one JSON object, in the documented and versioned format, without any secret."""
    document: JsonObject = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "run_id": record.run_id,
        "started": record.started,
        "ended": record.ended,
        "exit_code": record.exit_code,
        "who": record.who,
        "tenant": record.tenant,
        "stage": record.stage,
        "plan": None if record.plan is None else plan_document(record.plan),
        "report": None if record.report is None else report_document(record.report, record.traffic),
        "error": record.error,
        "traffic": traffic_document(record.traffic),
        "requests": [*record.requests],
    }
    return document_text(redactor.value(document)) + "\n"
