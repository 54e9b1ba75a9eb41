"""How an answer goes onto the wire: whole, bit by bit, cut off, or not at all.

Knows ASGI and nothing of workflows. Only the ways that break a connection need its transport.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT: Final = "emulator.transport"
"""The key of the ASGI scope under which the connection's `asyncio.Transport` stands."""

_LARGEST_BODY: Final = 1024 * 1024
_LARGEST_READ: Final = 32 * _LARGEST_BODY
_PIECES: Final = 20


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before it is sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Pauses:
    """Sleeping that ends early when the server stops."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    def end(self) -> None:
        """Wake every sleeper, now and from now on; to be called in the event loop."""
        self._over.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`, or until the server stops."""
        if seconds > 0 and not self._over.is_set():
            waiter = asyncio.ensure_future(self._over.wait())
            await asyncio.wait({waiter}, timeout=seconds)
            waiter.cancel()


async def read_body(receive: Receive) -> bytes | None:
    """Return the request's body; None when it is larger than the API takes.

    A body that is too large is read on for a while, so that the client gets to hear so.

    Raises:
        ClientGoneError: When the client hangs up before the body's end.
    """
    body, size, more = bytearray(), 0, True
    while more and size <= _LARGEST_READ:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= _LARGEST_BODY:
            body += chunk
        more = message.get("more_body", False)
    return bytes(body) if size <= _LARGEST_BODY else None


async def capture(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Return what `app` answers to the request in `scope`, without sending it."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    content = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(start["status"], tuple(start["headers"]), content)


async def send_whole(answer: Answer, send: Send) -> None:
    """Send `answer` as it should be."""
    await _start(answer, send)
    await send({"type": "http.response.body", "body": answer.body})


async def send_slowly(answer: Answer, send: Send, seconds: float, pauses: Pauses) -> None:
    """Send `answer` in pieces, spread over `seconds`."""
    await _start(answer, send)
    step = max(1, -(-len(answer.body) // _PIECES))
    pieces = [answer.body[at : at + step] for at in range(0, len(answer.body), step)]
    for piece in pieces:
        await pauses.sleep(seconds / len(pieces))
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_truncated(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the first half of the body that the answer's `Content-Length` announces, and hang up."""
    await _start(answer, send)
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    scope[TRANSPORT].close()
    await _until_gone(receive)


async def drop(scope: Scope, receive: Receive) -> None:
    """Hang up without an answer."""
    scope[TRANSPORT].abort()
    await _until_gone(receive)


async def _start(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})


async def _until_gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is closed, so that it misses no answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
