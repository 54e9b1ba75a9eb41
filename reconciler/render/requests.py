"""Requests as they were sent: a line for whoever watches, an entry for a record. Bodies are always masked."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from reconciler.client.exchanges import RequestRecord, Traffic
from reconciler.secrecy import Redactor, hide_texts
from reconciler.text import clip, printable
from reconciler.values import JsonObject, JsonValue, as_object, dump_compact

_LONGEST_BODY: Final = 2000
_WORTH_TELLING: Final = 0.05
"""From so many seconds on, a wait does not show as 0.0."""


def exchange_line(exchange: RequestRecord, redactor: Redactor) -> str:
    """Return one line about a request: what it was, what came of it, and its body with every text masked.

    Of a body's texts only the workflow's name is shown: which of the others are secrets is not known here.

    Args:
        exchange: The request.
        redactor: What removes known secrets from what is left.
    """
    came = exchange.outcome if exchange.status is None else str(exchange.status)
    words = [f"{exchange.method} {exchange.path}: {came} in {exchange.seconds:.2f} s"]
    if exchange.attempt > 1:
        words.append(f"try {exchange.attempt}")
    if exchange.waited >= _WORTH_TELLING:
        words.append(f"waited {exchange.waited:.1f} s")
    if exchange.body is not None:
        words.append(f"body {clip(dump_compact(_masked(exchange.body)), _LONGEST_BODY)}")
    return printable(redactor.text(", ".join(words)))


def exchange_document(exchange: RequestRecord) -> JsonObject:
    """Return what the record of a run says of a request: all but its body."""
    moment = datetime.fromtimestamp(exchange.started, timezone.utc)
    return {
        "method": exchange.method,
        "path": exchange.path,
        "outcome": exchange.outcome,
        "status": exchange.status,
        "attempt": exchange.attempt,
        "started": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
        "seconds": round(exchange.seconds, 3),
        "waited": round(exchange.waited, 3),
    }


def traffic_document(traffic: Traffic) -> JsonObject:
    """Return the numbers of what was sent, as the JSON formats say them."""
    return {
        "requests": traffic.requests,
        "retries": traffic.retries,
        "throttled": traffic.throttled,
        "waited": round(traffic.waited, 3),
    }


def traffic_line(traffic: Traffic) -> str:
    """Return the numbers of what was sent, in one line."""
    retries = "1 retry" if traffic.retries == 1 else f"{traffic.retries} retries"
    times = "once" if traffic.throttled == 1 else f"{traffic.throttled} times"
    asked = f", told {times} to slow down" if traffic.throttled else ""
    return f"Requests: {traffic.requests}, of them {retries}{asked}; waited {traffic.waited:.1f} s."


def _masked(body: JsonValue) -> JsonValue:
    shown = hide_texts(body)
    if isinstance(body, dict) and isinstance(body.get("name"), str):
        return {**as_object(shown), "name": body["name"]}
    return shown
