"""Concurrent reads, one per connection of a session, and values that are read once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

CONCURRENCY: Final = 10

RETRY_FOR: Final = 60.0
"""The seconds to wait, all requests together, for a server that stopped answering."""

T = TypeVar("T")
K = TypeVar("K")


class Once(Generic[T]):
    """A value that is read once, by the first thread that needs it; after a failure it is read again."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._values: list[T] = []

    def __call__(self) -> T:
        """Return the value.

        Raises:
            Exception: The exception of `read`.
        """
        with self._lock:
            if not self._values:
                self._values.append(self._read())
            return self._values[0]


def read_all(read: Callable[[K], T], keys: Iterable[K], concurrency: int) -> dict[K, T]:
    """Return the value of `read` for each of `keys`, each read once, `concurrency` at a time.

    Raises:
        Exception: The exception of `read` for the first key that failed; reads not yet started are skipped.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only reads of a tenant need it

    wanted = list(dict.fromkeys(keys))
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        try:
            found = list(pool.map(read, wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return dict(zip(wanted, found, strict=True))
