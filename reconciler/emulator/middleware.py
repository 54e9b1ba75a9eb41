"""The middleware around the endpoints: faults, authorization, body size, sending the answer, the request log.

It knows nothing of workflows. The endpoints inside never see a fault. Every request is recorded with its
outcome, without the token; the log is bounded in size, and decides nothing about an answer.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from reconciler.emulator import http_server
from reconciler.emulator.http_server import HttpAnswer
from reconciler.emulator.request_reading import parse_request
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.emulator.faults import Effects, Fault, FaultPlan
    from reconciler.emulator.request_reading import ParsedRequest
    from reconciler.values import JsonValue

DOWNLOADS: Final = "/downloads/"
"""Paths that need no token, because their address is signed like the platform's pre-signed ones."""

_MAX_REQUESTS: Final = 100_000
_MAX_BYTES: Final = 64 * 1024 * 1024
_JSON: Final = (b"content-type", b"application/json")
_HTML: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One request and its outcome.

    `body` is the JSON sent, None without a body, and the text itself where it was not JSON. `status` is the
    answer's, or `dropped`; `fault` is the kind of fault that decided the outcome, else empty.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: JsonValue
    status: int | Literal["dropped"]
    fault: str = ""


class RequestLog:
    """The latest requests, oldest first, and a copy of each as a line of JSON in a file if wanted.

    Args:
        path: The file that the lines are appended to; None keeps requests in memory only.
        max_requests: The number of requests kept in memory.
        max_bytes: The total size of bodies kept in memory.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        max_requests: int = _MAX_REQUESTS,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self._path = path
        self._stream: TextIO | None = None
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: deque[tuple[RecordedRequest, int]] = deque()
        self._bytes = 0

    def add(self, request: RecordedRequest, size: int) -> None:
        """Record `request`, whose body had `size` bytes; drop the oldest requests beyond the limits."""
        with self._lock:
            self._kept.append((request, size))
            self._bytes += size
            while len(self._kept) > self._max_requests or self._bytes > self._max_bytes:
                self._bytes -= self._kept.popleft()[1]
            if self._stream is not None:
                self._stream.write(json.dumps(asdict(request)) + "\n")
                self._stream.flush()

    def requests(self) -> list[RecordedRequest]:
        """Return the recorded requests, oldest first."""
        with self._lock:
            return [request for request, _ in self._kept]

    def clear(self) -> None:
        """Forget the recorded requests; lines in the file stay."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def open(self) -> None:
        """Open the file, if the log has one.

        Raises:
            UsageError: When it cannot be written.
        """
        if self._path is not None:
            try:
                self._stream = Path(self._path).open("a", encoding="utf-8")  # noqa: SIM115 - `close` closes it
            except OSError as error:
                raise UsageError(f"cannot write {self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the file; later requests are kept in memory only."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None


class EmulatorMiddleware:
    """The outermost ASGI application.

    Args:
        app: The endpoints.
        faults: The faults to inject into requests.
        log: The log that every request is added to.
        sleep: Sleeps for delays.
        token: The only accepted `Authorization`; None accepts any that is not empty.
        clock: Returns the time that answers state in `Date`, in epoch seconds.
        breaks_off: Called with the method of a request before it is handled (False) and after (True); returns
            whether its connection breaks there.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        app: ASGIApp,
        *,
        faults: FaultPlan,
        log: RequestLog,
        sleep: http_server.InterruptibleSleep,
        token: str | None,
        clock: Callable[[], float],
        breaks_off: Callable[[str, bool], bool],
    ) -> None:
        self._app = app
        self._faults = faults
        self._log = log
        self._sleep = sleep
        self._token = token
        self._clock = clock
        self._breaks_off = breaks_off

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; ignore one that the client broke off."""
        try:
            body = await http_server.read_body(receive)
        except http_server.ClientGoneError:
            return
        request = parse_request(scope, body)
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
            answer = await self._handle(scope, request, body)
            return None if answer is None else self._complete(answer)
        handled = await self._handle(scope, request, body) if fault.is_after_handling else None
        if fault.kind in {"drop-before", "drop-after"} or (handled is None and fault.is_after_handling):
            return None
        return self._complete(
            handled if handled is not None and fault.status is None else _fault_answer(fault)
        )

    async def _handle(self, scope: Scope, request: ParsedRequest, body: bytes | None) -> HttpAnswer | None:
        """Return the answer of the endpoints, None where the connection breaks off before or after it."""
        if self._breaks_off(request.method, False):
            return None
        answer = await self._of_endpoint(scope, request, body)
        return None if self._breaks_off(request.method, True) else answer

    async def _of_endpoint(self, scope: Scope, request: ParsedRequest, body: bytes | None) -> HttpAnswer:
        token = dict(request.headers).get("authorization", "")
        if not request.path.startswith(DOWNLOADS) and (not token or self._token not in {None, token}):
            return _error_answer(401, "the Authorization header is missing or wrong")
        if body is None:
            return _error_answer(413, "the body is larger than 1 MiB")
        return await http_server.capture_answer(self._app, scope, body)

    def _complete(self, answer: HttpAnswer) -> HttpAnswer:
        """Return `answer` with its length, its time and a request ID."""
        kept = tuple(header for header in answer.headers if header[0] != b"content-length")
        added = (
            (b"content-length", str(len(answer.body)).encode()),
            (b"date", formatdate(self._clock(), usegmt=True).encode()),
            (b"x-request-id", str(uuid.uuid4()).encode()),
        )
        return HttpAnswer(answer.status, (*kept, *added), answer.body)

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
