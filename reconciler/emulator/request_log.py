"""The log of requests: every request with its outcome, bounded in size and without the token.

It records and decides nothing about an answer.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from typing import TextIO

    from reconciler.values import JsonValue

_MAX_REQUESTS: Final = 100_000
_MAX_BYTES: Final = 64 * 1024 * 1024


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
