"""The run record: an account of one run for an audit, with its plan, its results and every request.

A request is an entry of it without its body, and a line of the log with its body masked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

from reconciler import __version__
from reconciler.apply import Report
from reconciler.client import RequestRecord, Traffic
from reconciler.json_documents import document_pieces
from reconciler.plan import Plan
from reconciler.render.apply_report import apply_page, report_document, report_text, traffic_document
from reconciler.render.layout import hanging
from reconciler.render.plan_as_json import streamed_plan
from reconciler.render.plan_as_page import plan_page
from reconciler.render.plan_as_text import plan_text
from reconciler.render.report_page import Fact, ReportPage
from reconciler.secrecy import Redactor, hide_texts
from reconciler.text import clip, printable
from reconciler.timestamps import rfc3339_milliseconds
from reconciler.values import JsonObject, JsonValue, as_object, dump_compact

FORMAT_VERSION: Final = 1
_LONGEST_BODY: Final = 2000
_WHO: Final = {
    "system": "CI system",
    "actor": "By",
    "commit": "Commit",
    "ref": "Ref",
    "repository": "Repository",
    "run": "CI run",
}
"""What the facts about who made a run are called."""

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


def run_record_json(record: RunRecord, redactor: Redactor) -> Iterator[str]:
    """Yield `record` as one JSON object with a line break at its end, without any secret, in pieces."""
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "run_id": record.run_id,
        "started": record.started,
        "ended": record.ended,
        "exit_code": record.exit_code,
        "who": record.who,
        "tenant": record.tenant,
        "stage": record.stage,
        "plan": None if record.plan is None else streamed_plan(record.plan, redactor),
        "report": None if record.report is None else report_document(record.report, record.traffic, redactor),
        "error": None if record.error is None else redactor.prose(record.error),
        "traffic": traffic_document(record.traffic),
        "requests": (redactor.value(entry) for entry in record.requests),
    }
    yield from document_pieces(document)
    yield "\n"


def run_record_text(
    record: RunRecord, redactor: Redactor, *, bodies: bool = False, width: int | None = None
) -> str:
    """Return `record` as text: what is known of the run, its plan, and its results.

    Args:
        record: The record.
        redactor: Removes known secrets.
        bodies: Whether to show the body of each create and update.
        width: The columns of the terminal; `None` for lines of any length.
    """
    facts = [printable(f"{fact.label}: {fact.text}") for fact in _facts(record, redactor)]
    parts = ["\n".join(line for fact in facts for line in hanging(fact, width, rest="  "))]
    parts += [plan_text(record.plan, redactor, bodies=bodies, width=width)] if record.plan else []
    parts += [report_text(record.report, record.traffic, redactor, width)] if record.report else []
    return "\n\n".join(parts)


def run_record_page(record: RunRecord, redactor: Redactor, *, bodies: bool = False) -> ReportPage:
    """Return `record` as a report: its results, else its plan; takes what `run_record_text` does."""
    if record.plan is None:
        page = ReportPage(kind="run", title="Run record", summary="The run ended before a plan was made.")
    elif record.report is None:
        page = plan_page(record.plan, redactor, bodies=bodies)
    else:
        page = apply_page(record.plan, record.report, record.traffic, redactor)
    page = dataclasses.replace(page, kind="run", title="Run record", rest="The run record has all of it.")
    return page.with_facts(*_facts(record, redactor))


def _facts(record: RunRecord, redactor: Redactor) -> Iterator[Fact]:
    """Yield what is known of the run itself."""
    yield Fact("Run", record.run_id)
    yield Fact("Started", record.started)
    yield Fact("Ended", record.ended or "not, as far as the record says: it runs, or was killed")
    if record.exit_code is not None:
        yield Fact("Exit code", str(record.exit_code))
    if record.error is not None:
        yield Fact("Error", redactor.prose(record.error), stands_out=True)
    if record.tenant is not None:
        yield Fact("Tenant", f"{record.tenant} (stage {record.stage})")
    for key, value in record.who.items():
        if isinstance(value, str):
            yield Fact(_WHO.get(key, key), value)


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
