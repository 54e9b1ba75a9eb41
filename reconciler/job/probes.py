"""Probes of a looping job: its health, and the HTTP server for `/healthz`, `/readyz` and `/metrics`.

The server answers GET and HEAD, reads no body, logs nothing, and serves at most 16 connections at a time for
at most five seconds each. Its answers hold no workflow name and no secret.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from reconciler.errors import ReconcilerError, UsageError
from reconciler.text import clip, printable

STUCK_AFTER: Final = 600.0
"""The seconds without an event or a request after which a run counts as stuck."""

_LATE: Final = 60.0
"""The seconds by which the next run may be late."""

_MOST_CONNECTIONS: Final = 16
_SECONDS: Final = 5.0
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_TEXT_TYPE: Final = "text/plain; charset=utf-8"
_LOOPBACK: Final = "127.0.0.1"
_LAST_PORT: Final = 65535


class Health:
    """The state behind the probes, safe to use from many threads.

    The job is alive while something happens in its run, or while it waits for the next one. It is ready once
    its last run succeeded. A run that was skipped, because another process holds the lock, changes neither.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.RLock()  # a signal handler may log an event, and call `beat`, inside a method
        self._due = now() + STUCK_AFTER
        self._running = True
        self._last: bool | None = None

    def beat(self) -> None:
        """Record that something happened in the current run."""
        with self._lock:
            if self._running:
                self._due = self._now() + STUCK_AFTER

    def run_started(self) -> None:
        """Record the start of a run."""
        with self._lock:
            self._running = True
            self._due = self._now() + STUCK_AFTER

    def run_ended(self, *, succeeded: bool | None, next_in: float) -> None:
        """Record the end of a run.

        Args:
            succeeded: Whether it succeeded; `None` if it was skipped.
            next_in: The seconds until the next one.
        """
        with self._lock:
            self._running = False
            self._due = self._now() + next_in + _LATE
            if succeeded is not None:
                self._last = succeeded

    def liveness_problem(self) -> str:
        """Return why the process should be restarted; empty if it should not."""
        with self._lock:
            if self._now() <= self._due:
                return ""
            return "nothing happens in this run" if self._running else "the next run is overdue"

    def readiness_problem(self) -> str:
        """Return why the job is not ready; empty if it is."""
        with self._lock:
            if self._last is None:
                return "the first run has not ended"
            return "" if self._last else "the last run failed"


def read_address(text: str) -> tuple[str, int]:
    """Return the host and the port of `HOST:PORT`, with loopback for an empty host.

    Raises:
        UsageError: The text has another form.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    plain = host[1:-1] if bracketed else host
    if not colon or not port.isascii() or not port.isdecimal() or int(port[:6]) > _LAST_PORT:
        raise _no_address(text)
    if ":" in plain and not bracketed:
        raise _no_address(text)
    return plain or _LOOPBACK, int(port)


def _no_address(text: str) -> UsageError:
    return UsageError(
        f"invalid --listen '{clip(printable(text), 60)}': use HOST:PORT",
        hint="Examples: 127.0.0.1:9100, 0.0.0.0:9100 (all interfaces), [::1]:9100.",
    )


@contextmanager
def serve_probes(address: tuple[str, int], health: Health, metrics: Callable[[], str]) -> Iterator[str]:
    """Serve inside the `with` block, and yield the URL.

    Args:
        address: Host and port; for port 0 a free port is chosen.
        health: The state behind the probes.
        metrics: Returns the metrics as text; called from any thread.

    Raises:
        ReconcilerError: The address cannot be listened on.
    """
    server = _listening(address, health, metrics)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="probes", daemon=True)
    thread.start()
    try:
        host, port = server.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        yield f"http://{shown}:{port}"
    finally:
        server.shutdown()
        server.server_close()


def _listening(address: tuple[str, int], health: Health, metrics: Callable[[], str]) -> _Server:
    try:
        family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        return _Server(address, family, health, metrics)
    except OSError as error:
        where = f"{printable(address[0])}:{address[1]}"
        reason = (error.strerror or "unknown error").lower()
        raise ReconcilerError(f"cannot listen on {where}: {reason}") from error


class _Server(ThreadingHTTPServer):
    request_queue_size = _MOST_CONNECTIONS
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: tuple[str, int],
        family: socket.AddressFamily,
        health: Health,
        metrics: Callable[[], str],
    ) -> None:
        self.address_family = family
        self.health = health
        self.metrics = metrics
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own method looks up the host name, which may take long.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        hang_up = threading.Timer(_SECONDS, _hang_up, args=(request,))
        hang_up.daemon = True
        hang_up.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            hang_up.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Ignore a client that goes away."""


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # already closed
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    server: _Server

    def do_GET(self) -> None:
        self._answer(*self._found())

    def do_HEAD(self) -> None:
        self._answer(*self._found())

    def version_string(self) -> str:
        return "peak-reconciler"

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - http.server's
        """Log nothing: requests are untrusted, and probes come every few seconds."""

    def _found(self) -> tuple[HTTPStatus, str, str]:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            return HTTPStatus.OK, _METRICS_TYPE, self.server.metrics()
        if path in {"/healthz", "/readyz"}:
            health = self.server.health
            problem = health.liveness_problem() if path == "/healthz" else health.readiness_problem()
            status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
            return status, _TEXT_TYPE, f"{problem or 'ok'}\n"
        return HTTPStatus.NOT_FOUND, _TEXT_TYPE, "not found; paths are /healthz, /readyz and /metrics\n"

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        data = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)
