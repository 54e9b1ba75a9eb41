"""What was asked of the emulator: every request with its outcome, kept within bounds and free of the token.

It records; it never decides anything about an answer.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from typing import TextIO

    from reconciler.values import JsonValue

Outcome: TypeAlias = "int | Literal['dropped']"

_MOST_REQUESTS: Final = 100_000
_MOST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One request and what became of it.

    `body` is the JSON that was sent, None without a body, and the text itself where it was not JSON.
    `status` is the answer's, or `dropped`; `fault` is the kind of fault that decided it, else empty.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: JsonValue
    status: Outcome
    fault: str = ""


class RequestLog:
    """The latest requests, oldest first, and a copy of each as a line of JSON if asked for.

    Args:
        path: The file that the lines are appended to; None keeps requests in memory only.
        most_requests: How many requests are kept.
        most_bytes: How many bytes of bodies are kept in all.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        most_requests: int = _MOST_REQUESTS,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._path = path
        self._stream: TextIO | None = None
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: deque[tuple[RecordedRequest, int]] = deque()
        self._bytes = 0

    def add(self, request: RecordedRequest, size: int) -> None:
        """Record `request`, whose body had `size` bytes; the oldest give way where it gets too much."""
        with self._lock:
            self._kept.append((request, size))
            self._bytes += size
            while len(self._kept) > self._most_requests or self._bytes > self._most_bytes:
                self._bytes -= self._kept.popleft()[1]
            if self._stream is not None:
                self._stream.write(json.dumps(asdict(request)) + "\n")
                self._stream.flush()

    def requests(self) -> list[RecordedRequest]:
        """Return what is recorded, oldest first."""
        with self._lock:
            return [request for request, _ in self._kept]

    def clear(self) -> None:
        """Forget what is recorded; lines already written stay."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def open(self) -> None:
        """Open the file, if there is to be one.

        Raises:
            UsageError: When it cannot be written.
        """
        if self._path is not None:
            try:
                self._stream = Path(self._path).open("a", encoding="utf-8")  # noqa: SIM115 - `close` closes it
            except OSError as error:
                raise UsageError(f"cannot write {self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the file; what is recorded from now on is kept in memory only."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None
