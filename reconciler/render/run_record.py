"""The run record: a JSON account of one run for an audit, with its plan, its results and every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler import __version__
from reconciler.apply import Report
from reconciler.client import Traffic
from reconciler.json_documents import document_text, versioned
from reconciler.plan import Plan
from reconciler.render.apply_report import report_document
from reconciler.render.plan_as_json import plan_document
from reconciler.render.request_lines import traffic_document
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The account of one run, as it is at its start or at its end.

    Args:
        run_id: The id of the run, which is also the name of its directory of backups.
        started: Its start in UTC, as RFC 3339.
        ended: Its end; `None` while it runs, and for ever if it was killed.
        exit_code: Its exit code; `None` while it runs.
        who: The user, the host and the commit.
        tenant: The tenant's address; `None` if the run failed before it was known.
        stage: The stage of the tenant.
        plan: The plan; `None` if the run failed before it was made.
        report: The results; `None` if nothing was applied.
        error: The error that ended the run early.
        requests: An entry for each request that was sent.
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
    """Return `record` as one JSON object with a line break at its end, without any secret."""
    fields: JsonObject = {
        "tool_version": __version__,
        "run_id": record.run_id,
        "started": record.started,
        "ended": record.ended,
        "exit_code": record.exit_code,
        "who": record.who,
        "tenant": record.tenant,
        "stage": record.stage,
        "plan": None if record.plan is None else plan_document(record.plan, redactor),
        "report": None if record.report is None else report_document(record.report, record.traffic, redactor),
        "error": None if record.error is None else redactor.prose(record.error),
        "traffic": traffic_document(record.traffic),
        "requests": [redactor.value(entry) for entry in record.requests],
    }
    return document_text(versioned(FORMAT_VERSION, fields)) + "\n"
