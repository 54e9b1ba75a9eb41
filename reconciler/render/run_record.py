"""The run record: a JSON account of one run for an audit, with its plan, its results and every request.

A request is an entry of it without its body, and a line of the log with its body masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

from reconciler import __version__
from reconciler.apply import Report
from reconciler.client import RequestRecord, Traffic
from reconciler.json_documents import document_text, versioned
from reconciler.plan import Plan
from reconciler.render.apply_report import report_document, traffic_document
from reconciler.render.plan_as_json import plan_document
from reconciler.secrecy import Redactor, hide_texts
from reconciler.text import clip, printable
from reconciler.timestamps import rfc3339_milliseconds
from reconciler.values import JsonObject, JsonValue, as_object, dump_compact

FORMAT_VERSION: Final = 1
_LONGEST_BODY: Final = 2000
_SHOWN_WAIT: Final = 0.05
"""The shortest wait in seconds that does not show as 0.0."""


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


def request_line(request: RequestRecord, redactor: Redactor) -> str:
    """Return one line with a request, its outcome and its body.

    Every text in the body is masked except the workflow's name: which of them are secrets is unknown here.

    Args:
        request: The request.
        redactor: Removes known secrets from the rest of the line.
    """
    outcome = request.outcome if request.status is None else str(request.status)
    words = [f"{request.method} {request.path}: {outcome} in {request.seconds:.2f} s"]
    if request.attempt > 1:
        words.append(f"attempt {request.attempt}")
    if request.waited >= _SHOWN_WAIT:
        words.append(f"waited {request.waited:.1f} s")
    if request.body is not None:
        words.append(f"body {clip(dump_compact(_masked(request.body)), _LONGEST_BODY)}")
    return printable(redactor.text(", ".join(words)))


def _masked(body: JsonValue) -> JsonValue:
    shown = hide_texts(body)
    if isinstance(body, dict) and isinstance(body.get("name"), str):
        return {**as_object(shown), "name": body["name"]}
    return shown


def request_document(request: RequestRecord) -> JsonObject:
    """Return the entry of a run record for a request: everything except its body."""
    return {
        "method": request.method,
        "path": request.path,
        "outcome": request.outcome,
        "status": request.status,
        "attempt": request.attempt,
        "started": rfc3339_milliseconds(datetime.fromtimestamp(request.started, timezone.utc)),
        "seconds": round(request.seconds, 3),
        "waited": round(request.waited, 3),
    }
