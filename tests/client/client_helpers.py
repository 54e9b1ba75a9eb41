"""Helpers of the client's tests: fake time, raw answers over loopback, and sessions for both."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.client import RetryPolicy, Session, Workflow, get_client

if TYPE_CHECKING:
    from types import TracebackType

TOKEN = "made-up-token-0123456789"

BODY: dict[str, Any] = {
    "name": "alpha",
    "triggers": [{"cron": "0 1 * * *"}, {"webhook": True}],
    "watchers": [{"user": "someone", "events": {"success": True}}],
    "tags": [{"name": "red"}],
    "steps": {
        "load": {
            "imageId": 1,
            "imageVersionId": 2,
            "command": "echo load",
            "resources": {"instanceTypeId": 21, "storage": "10GB"},
            "repository": {"url": "https://example.com/r.git", "branch": "main", "token": "credential"},
            "parameters": {"env": {"A": "1", "B": "2"}, "secrets": ["s"]},
        },
        "train": {"imageId": 1, "imageVersionId": 2, "command": "echo train", "parents": ["load"]},
    },
}


class FakeTime:
    """A clock that only sleeping moves, with a list of the sleeps."""

    def __init__(self, chance: float = 1.0) -> None:
        self.now = 1_600_000_000.0
        self.sleeps: list[float] = []
        self.chance = chance
        self.policy = self.timed(RetryPolicy())

    def timed(self, policy: RetryPolicy) -> RetryPolicy:
        """Return `policy` with this clock."""
        return policy._replace(
            monotonic=lambda: self.now,
            wall=lambda: self.now,
            sleep=self.sleep,
            random=lambda: self.chance,
        )

    def sleep(self, seconds: float) -> None:
        """Advance by `seconds` at once."""
        self.sleeps.append(seconds)
        self.now += seconds


def client(url: str, *, time_: FakeTime | None = None, **options: Any) -> Workflow:
    """Return a client of what listens at `url`, that never really sleeps; its session is to be closed."""
    fake = time_ or FakeTime()
    options.setdefault("timeout", (5.0, 5.0))
    options["retry"] = fake.timed(options.get("retry", fake.policy))
    return get_client(Session(TOKEN, base_url=url, env={}, **options))


def one_try() -> RetryPolicy:
    """Return a policy without repetition."""
    return RetryPolicy(tries=1)


@dataclass(frozen=True)
class RawRequest:
    """One request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What a `RawServer` does with a request: sends the bytes, in pieces, and keeps or closes the line."""

    data: bytes = b""
    keep: bool = True
    pause: float = 0.0
    piece: int = 1_000_000


def http(status: int, body: object = b"", **headers: str) -> Reply:
    """Return a whole answer; a body that is not bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Reply("\r\n".join([*lines, "", ""]).encode() + data)


class RawServer:
    """A server that answers the n-th request with the n-th reply, and the last one ever after."""

    def __init__(self, *replies: Reply) -> None:
        self.requests: list[RawRequest] = []
        self.connections = 0
        self._replies = replies
        self._lock = threading.Lock()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def methods(self) -> list[str]:
        """The methods of the requests so far."""
        return [request.method for request in self.requests]

    def __enter__(self) -> RawServer:  # noqa: PYI034 - `Self` needs Python 3.11
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, request: RawRequest) -> Reply:
        """Record `request` and return its reply."""
        with self._lock:
            self.requests.append(request)
            return self._replies[min(len(self.requests), len(self._replies)) - 1]

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with outer._lock:
                    outer.connections += 1
                while request := self._request():
                    reply = outer.take(request)
                    try:
                        self._send(reply)
                    except OSError:  # the client gave up
                        return
                    if not reply.keep:
                        return

            def _request(self) -> RawRequest | None:
                line = self.rfile.readline().decode("latin-1").split()
                if not line:
                    return None
                headers = {}
                while header := self.rfile.readline().decode("latin-1").strip():
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", "0")))
                return RawRequest(line[0], line[1], headers, body)

            def _send(self, reply: Reply) -> None:
                for at in range(0, len(reply.data), reply.piece):
                    time.sleep(reply.pause)
                    self.wfile.write(reply.data[at : at + reply.piece])
                    self.wfile.flush()

        return Handler
