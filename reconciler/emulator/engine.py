"""uvicorn, arranged for the emulator: quick to start and stop, silent, and able to break a connection.

Knows sockets and threads, nothing of the API. It never takes over the process's signals.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.emulator.wire import TRANSPORT
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from reconciler.emulator.wire import Pauses

_BACKLOG: Final = 1024
_KEEP_ALIVE: Final = 120
_LAST_ANSWERS: Final = 1.0
_START: Final = 10.0
_TURNS_TO_ACCEPT: Final = 5


class _TransportProtocol(H11Protocol):
    """HTTP/1.1 that shows each request's transport to the application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed through to uvicorn
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - uvicorn's ASGI types
            scope[TRANSPORT] = self.transport
            await inner(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """uvicorn's server without its tenth of a second of polling at each end."""

    def __init__(self, config: uvicorn.Config, pauses: Pauses) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._pauses = pauses
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._end.wait()

    def end(self) -> None:
        """Ask the running server, from another thread, to finish what it is answering and stop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        self._pauses.end()
        for listener in self.servers:
            listener.close()
        for _ in range(_TURNS_TO_ACCEPT):
            await asyncio.sleep(0)  # a connection that is being accepted joins the others
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := set(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=_LAST_ANSWERS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


class Engine:
    """One running server, in a thread of its own.

    Args:
        app: What answers.
        host: The address to listen on.
        port: The port; 0 takes any free one.
        pauses: The sleepers to wake when it stops.

    Raises:
        UsageError: When the address cannot be listened on.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, pauses: Pauses) -> None:
        self._socket = _listener(host, port)
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
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._server = _Server(config, pauses)
        self._thread = threading.Thread(target=self._run, name=f"emulator-{self.port}", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(_START):
            raise UsageError(f"the server on {host} port {self.port} does not come up")

    def stop(self) -> None:
        """Stop listening, let running answers finish for a moment, and wait until it is over."""
        self._server.end()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _listener(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    It names its protocol, because asyncio sends small packets at once (TCP_NODELAY) only on sockets that do.
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
