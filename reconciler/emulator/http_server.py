"""The HTTP server: uvicorn in a thread, and ways to send an answer: whole, slowly, cut off, or not at all.

Knows sockets, threads and ASGI, nothing of the API. Quick to start and stop, silent, able to break a
connection; never takes over the process's signals.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TRANSPORT: Final = "emulator.transport"
"""The key in the ASGI scope of the connection's `asyncio.Transport`."""

_MAX_BODY: Final = 1024 * 1024
_MAX_READ: Final = 32 * _MAX_BODY
_PIECES: Final = 20

_BACKLOG: Final = 1024
_KEEP_ALIVE_SECONDS: Final = 120
_LAST_ANSWERS_SECONDS: Final = 1.0
_START_SECONDS: Final = 10.0
_LOOP_TURNS_TO_ACCEPT: Final = 5


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer before it is sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class InterruptibleSleep:
    """Sleeping that ends early when the server stops."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    def end(self) -> None:
        """Wake every sleeper, now and from now on; call it in the event loop."""
        self._over.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`, or until the server stops."""
        if seconds > 0 and not self._over.is_set():
            waiter = asyncio.ensure_future(self._over.wait())
            await asyncio.wait({waiter}, timeout=seconds)
            waiter.cancel()


async def read_body(receive: Receive) -> bytes | None:
    """Return the request's body; None when it is larger than 1 MiB.

    A larger body is still read, up to a limit, so that the client receives the answer.

    Raises:
        ClientGoneError: When the client closes the connection before the body's end.
    """
    body, size, more = bytearray(), 0, True
    while more and size <= _MAX_READ:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= _MAX_BODY:
            body += chunk
        more = message.get("more_body", False)
    return bytes(body) if size <= _MAX_BODY else None


async def capture_answer(app: ASGIApp, scope: Scope, body: bytes) -> HttpAnswer:
    """Return the answer of `app` to the request in `scope`, without sending it."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    content = b"".join(message.get("body", b"") for message in messages[1:])
    return HttpAnswer(start["status"], tuple(start["headers"]), content)


async def send_whole(answer: HttpAnswer, send: Send) -> None:
    """Send `answer` as usual."""
    await _send_head(answer, send)
    await send({"type": "http.response.body", "body": answer.body})


async def send_slowly(answer: HttpAnswer, send: Send, seconds: float, sleep: InterruptibleSleep) -> None:
    """Send `answer` in pieces, spread over `seconds`."""
    await _send_head(answer, send)
    step = max(1, -(-len(answer.body) // _PIECES))
    pieces = [answer.body[at : at + step] for at in range(0, len(answer.body), step)]
    for piece in pieces:
        await sleep.sleep(seconds / len(pieces))
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_truncated(answer: HttpAnswer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the head and half of the body, and close the connection."""
    await _send_head(answer, send)
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    scope[_TRANSPORT].close()
    await _until_disconnected(receive)


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer."""
    scope[_TRANSPORT].abort()
    await _until_disconnected(receive)


async def _send_head(answer: HttpAnswer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})


async def _until_disconnected(receive: Receive) -> None:
    """Wait until uvicorn knows that the connection is closed, so that it does not report a missing answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


class HttpServer:
    """A running server in a thread of its own.

    Args:
        app: The ASGI application.
        host: The address to listen on.
        port: The port; 0 takes any free one.
        sleep: The sleepers to wake when the server stops.

    Raises:
        UsageError: When the address cannot be listened on.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, sleep: InterruptibleSleep) -> None:
        self._socket = _listening_socket(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=_TransportProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _UvicornServer(config, sleep)
        self._thread = threading.Thread(target=self._run, name=f"emulator-{self.port}", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            raise UsageError(f"the server on {host} port {self.port} did not start")

    def stop(self) -> None:
        """Stop listening, let requests in progress finish for a moment, and wait for the thread to end."""
        self._server.end()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


class _TransportProtocol(H11Protocol):
    """HTTP/1.1 that shows each request's transport to the application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed through to uvicorn
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - uvicorn's ASGI types
            scope[_TRANSPORT] = self.transport
            await inner(scope, receive, send)

        self.app = app


class _UvicornServer(uvicorn.Server):
    """uvicorn's server without its polling interval of 0.1 s at start and stop."""

    def __init__(self, config: uvicorn.Config, sleep: InterruptibleSleep) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._sleep = sleep
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._end.wait()

    def end(self) -> None:
        """Ask the running server, from another thread, to finish its answers and stop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        self._sleep.end()
        loop = asyncio.get_running_loop()
        for listener in self.servers:
            for listening in listener.sockets:
                loop.remove_reader(listening.fileno())
        for _ in range(_LOOP_TURNS_TO_ACCEPT):
            await asyncio.sleep(0)  # a connection that was accepted needs the listener to join the others
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := set(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=_LAST_ANSWERS_SECONDS)
        for _ in range(_LOOP_TURNS_TO_ACCEPT):  # one that was accepted late is closed as well
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)


def _listening_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    It names its protocol, because asyncio sets TCP_NODELAY only on sockets that do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listener
