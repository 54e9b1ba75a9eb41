"""The middleware around the endpoints: faults, authorization, body size, the request log, sending the answer.

It knows nothing of workflows. The endpoints inside never see a fault, and every request is recorded.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from reconciler.emulator import http_server
from reconciler.emulator.http_server import HttpAnswer
from reconciler.emulator.request_log import RecordedRequest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.emulator.faults import Effects, Fault, FaultPlan
    from reconciler.emulator.request_log import RequestLog
    from reconciler.values import JsonValue

PARSED_REQUEST: Final = "emulator.parsed_request"
"""The key in the ASGI scope of the `ParsedRequest`, for the endpoints."""

DOWNLOADS: Final = "/downloads/"
"""Paths that need no token, because their address is signed like the platform's pre-signed ones."""

_JSON: Final = (b"content-type", b"application/json")
_HTML: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """One request with its body parsed.

    `body_error` says why the body is not JSON, and is empty when it is; `size` is the body's size in bytes.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: JsonValue
    body_error: str
    size: int


class EmulatorMiddleware:
    """The outermost ASGI application.

    Args:
        app: The endpoints.
        faults: The faults to inject into requests.
        log: The log that every request is added to.
        sleep: Sleeps for delays.
        token: The only accepted `Authorization`; None accepts any that is not empty.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: FaultPlan,
        log: RequestLog,
        sleep: http_server.InterruptibleSleep,
        token: str | None,
    ) -> None:
        self._app = app
        self._faults = faults
        self._log = log
        self._sleep = sleep
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; ignore one that the client broke off."""
        try:
            body = await http_server.read_body(receive)
        except http_server.ClientGoneError:
            return
        request = _parse(scope, body)
        effects = self._faults.effects(request.method, request.path)
        await self._sleep.sleep(effects.wait)
        answer = await self._answer(scope, request, body, effects.outcome)
        self._record(request, answer, effects)
        if answer is None:
            await http_server.drop_connection(scope, receive)
        elif effects.outcome is not None and effects.outcome.kind == "truncated":
            await http_server.send_truncated(answer, scope, receive, send)
        elif effects.trickle:
            await http_server.send_slowly(answer, send, effects.trickle, self._sleep)
        else:
            await http_server.send_whole(answer, send)

    async def _answer(
        self, scope: Scope, request: ParsedRequest, body: bytes | None, fault: Fault | None
    ) -> HttpAnswer | None:
        """Return the answer, None for a dropped connection; handle the request unless `fault` prevents it."""
        if fault is None:
            return _complete(await self._handle(scope, request, body))
        handled = await self._handle(scope, request, body) if fault.is_after_handling else None
        if fault.kind in {"drop-before", "drop-after"}:
            return None
        return _complete(handled if handled is not None and fault.status is None else _fault_answer(fault))

    async def _handle(self, scope: Scope, request: ParsedRequest, body: bytes | None) -> HttpAnswer:
        token = dict(request.headers).get("authorization", "")
        if not request.path.startswith(DOWNLOADS) and (not token or self._token not in {None, token}):
            return _error_answer(401, "the Authorization header is missing or wrong")
        if body is None:
            return _error_answer(413, "the body is larger than 1 MiB")
        scope[PARSED_REQUEST] = request
        return await http_server.capture_answer(self._app, scope, body)

    def _record(self, request: ParsedRequest, answer: HttpAnswer | None, effects: Effects) -> None:
        headers = tuple(
            (name, "(hidden)" if name == "authorization" else value) for name, value in request.headers
        )
        recorded = RecordedRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=headers,
            body=request.body,
            status="dropped" if answer is None else answer.status,
            fault=effects.outcome.kind if effects.outcome else "",
        )
        self._log.add(recorded, request.size)


def _error_answer(status: int, detail: str) -> HttpAnswer:
    return HttpAnswer(status, (_JSON,), json.dumps({"detail": detail}).encode())


def _fault_answer(fault: Fault) -> HttpAnswer:
    """Return the answer that `fault` sends instead of the API's."""
    if fault.status is None:
        page = fault.kind == "html"
        kind = b"text/html" if page else b"text/plain"
        return HttpAnswer(200, ((b"content-type", kind),), _HTML if page else b"please try later")
    text = "queue is full" if fault.kind == "queue-full" else f"fault {fault.kind}"
    if "text" in fault.endings:
        content_type, body = (b"content-type", b"text/plain"), text.encode()
    else:
        key = "message" if "message" in fault.endings else "detail"
        content_type, body = _JSON, json.dumps({key: text}).encode()
    return HttpAnswer(fault.status, (content_type, *_retry_after(fault)), body)


def _retry_after(fault: Fault) -> tuple[tuple[bytes, bytes], ...]:
    if "date" in fault.endings:
        return ((b"retry-after", formatdate(time.time() + fault.duration, usegmt=True).encode()),)
    if "seconds" in fault.endings:
        return ((b"retry-after", f"{fault.duration:g}".encode()),)
    return ()


def _complete(answer: HttpAnswer) -> HttpAnswer:
    """Return `answer` with its length and a request ID."""
    kept = tuple(header for header in answer.headers if header[0] != b"content-length")
    added = (
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-request-id", str(uuid.uuid4()).encode()),
    )
    return HttpAnswer(answer.status, (*kept, *added), answer.body)


def _parse(scope: Scope, body: bytes | None) -> ParsedRequest:
    value, error = _parse_json(body or b"")
    return ParsedRequest(
        method=scope["method"],
        path=scope["path"],
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=value,
        body_error=error,
        size=len(body or b""),
    )


def _parse_json(body: bytes) -> tuple[JsonValue, str]:
    """Return the JSON value of `body` and an empty text, or its text and the error."""
    if not body:
        return None, ""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant), ""
    except (ValueError, RecursionError) as error:
        return body.decode("utf-8", "replace"), f"the body is not JSON: {error}"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
