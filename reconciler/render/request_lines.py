"""Sent requests as log lines and as entries of a run record, with bodies masked."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from reconciler.client import RequestRecord, Traffic
from reconciler.secrecy import Redactor, hide_texts
from reconciler.text import clip, printable
from reconciler.timestamps import rfc3339_milliseconds
from reconciler.values import JsonObject, JsonValue, as_object, dump_compact

_LONGEST_BODY: Final = 2000
_SHOWN_WAIT: Final = 0.05
"""The shortest wait in seconds that does not show as 0.0."""


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


def traffic_document(traffic: Traffic) -> JsonObject:
    """Return the numbers of requests as the JSON formats have them."""
    return {
        "requests": traffic.requests,
        "retries": traffic.retries,
        "throttled": traffic.throttled,
        "waited": round(traffic.waited, 3),
    }


def traffic_line(traffic: Traffic) -> str:
    """Return the numbers of requests in one line."""
    retries = "1 retry" if traffic.retries == 1 else f"{traffic.retries} retries"
    times = "once" if traffic.throttled == 1 else f"{traffic.throttled} times"
    throttled = f", throttled {times}" if traffic.throttled else ""
    return f"Requests: {traffic.requests} ({retries}{throttled}), waited {traffic.waited:.1f} s."
