"""What every request passes before and after its endpoint: faults, the token, size, the log, the wire.

It knows nothing of workflows. The endpoints behind it never see a fault, and cannot forget to be recorded.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from reconciler.emulator import wire
from reconciler.emulator.requestlog import RecordedRequest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.emulator.faults import Effects, Fault, FaultPlan
    from reconciler.emulator.requestlog import RequestLog
    from reconciler.values import JsonValue

CALL: Final = "emulator.call"
"""The key of the ASGI scope under which endpoints find the `Call`."""

DOWNLOADS: Final = "/downloads/"
"""Paths that carry their permission in the address, as the platform's pre-signed ones do."""

_JSON: Final = (b"content-type", b"application/json")
_HTML: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read: `malformed` says why the body is no JSON, and is empty when nothing is wrong."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: JsonValue
    malformed: str
    size: int


class Gate:
    """The outermost ASGI application.

    Args:
        app: The endpoints.
        faults: Which requests meet which misfortune.
        log: Where every request is recorded.
        pauses: How to sleep.
        token: The only `Authorization` that is let in; None lets in any.
    """

    def __init__(
        self, app: ASGIApp, *, faults: FaultPlan, log: RequestLog, pauses: wire.Pauses, token: str | None
    ) -> None:
        self._app = app
        self._faults = faults
        self._log = log
        self._pauses = pauses
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; one that breaks off before its end is none."""
        try:
            body = await wire.read_body(receive)
        except wire.ClientGoneError:
            return
        call = _read(scope, body)
        effects = self._faults.effects(call.method, call.path)
        await self._pauses.sleep(effects.wait)
        answer = await self._answer(scope, call, body, effects.outcome)
        self._record(call, answer, effects)
        if answer is None:
            await wire.drop(scope, receive)
        elif effects.outcome is not None and effects.outcome.kind == "truncated":
            await wire.send_truncated(answer, scope, receive, send)
        elif effects.trickle:
            await wire.send_slowly(answer, send, effects.trickle, self._pauses)
        else:
            await wire.send_whole(answer, send)

    async def _answer(
        self, scope: Scope, call: Call, body: bytes | None, fault: Fault | None
    ) -> wire.Answer | None:
        """Return the answer, None for none at all; the request is carried out unless a fault forbids it."""
        if fault is None:
            return _tagged(await self._served(scope, call, body))
        served = await self._served(scope, call, body) if fault.lets_through else None
        if fault.kind in {"drop-before", "drop-after"}:
            return None
        return _tagged(served if served is not None and fault.status is None else fault_answer(fault))

    async def _served(self, scope: Scope, call: Call, body: bytes | None) -> wire.Answer:
        given = dict(call.headers).get("authorization", "")
        if not call.path.startswith(DOWNLOADS) and (not given or self._token not in {None, given}):
            return refusal(401, "the Authorization header is missing or wrong")
        if body is None:
            return refusal(413, "the body is larger than 1 MiB")
        scope[CALL] = call
        return await wire.capture(self._app, scope, body)

    def _record(self, call: Call, answer: wire.Answer | None, effects: Effects) -> None:
        hidden = tuple(
            (name, "(hidden)" if name == "authorization" else value) for name, value in call.headers
        )
        recorded = RecordedRequest(
            method=call.method,
            path=call.path,
            query=call.query,
            headers=hidden,
            body=call.body,
            status="dropped" if answer is None else answer.status,
            fault=effects.outcome.kind if effects.outcome else "",
        )
        self._log.add(recorded, call.size)


def refusal(status: int, detail: str) -> wire.Answer:
    """Return the answer of the API to a request that it refuses."""
    return wire.Answer(status, (_JSON,), json.dumps({"detail": detail}).encode())


def fault_answer(fault: Fault) -> wire.Answer:
    """Return the answer that a fault gives in place of the API's own."""
    if fault.status is None:
        return wire.Answer(200, ((b"content-type", b"text/html"),), _HTML)
    words = "queue is full" if fault.kind == "queue-full" else f"fault {fault.kind}"
    if "text" in fault.endings:
        kind, body = b"text/plain", words.encode()
    else:
        key = "message" if "message" in fault.endings else "detail"
        kind, body = b"application/json", json.dumps({key: words}).encode()
    return wire.Answer(fault.status, ((b"content-type", kind), *_retry_after(fault)), body)


def _retry_after(fault: Fault) -> tuple[tuple[bytes, bytes], ...]:
    if "date" in fault.endings:
        return ((b"retry-after", formatdate(time.time() + fault.duration, usegmt=True).encode()),)
    if "seconds" in fault.endings:
        return ((b"retry-after", f"{fault.duration:g}".encode()),)
    return ()


def _tagged(answer: wire.Answer) -> wire.Answer:
    """Return `answer` with its length and an ID of the request."""
    kept = tuple(header for header in answer.headers if header[0] != b"content-length")
    added = (
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-request-id", str(uuid.uuid4()).encode()),
    )
    return wire.Answer(answer.status, (*kept, *added), answer.body)


def _read(scope: Scope, body: bytes | None) -> Call:
    value, malformed = _parsed(body or b"")
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=value,
        malformed=malformed,
        size=len(body or b""),
    )


def _parsed(body: bytes) -> tuple[JsonValue, str]:
    if not body:
        return None, ""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant), ""
    except (ValueError, RecursionError) as error:
        return body.decode("utf-8", "replace"), f"the body is not JSON: {error}"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
