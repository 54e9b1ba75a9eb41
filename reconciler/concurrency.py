"""Several reads at a time, as many as a session keeps connections for, and reads that are made only once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

CONCURRENCY: Final = 10

T = TypeVar("T")
K = TypeVar("K")


class Once(Generic[T]):
    """A question that is asked once, by whichever thread needs its answer first; a failure is not kept."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answers: list[T] = []

    def __call__(self) -> T:
        """Return the answer.

        Raises:
            Exception: What `ask` raised.
        """
        with self._lock:
            if not self._answers:
                self._answers.append(self._ask())
            return self._answers[0]


def read_all(read: Callable[[K], T], keys: Iterable[K], concurrency: int) -> dict[K, T]:
    """Return what `read` returns for each of `keys`, each asked for once, `concurrency` at a time.

    Raises:
        Exception: What `read` raised, for the first key that it did; what has not begun is then left alone.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only what asks a tenant needs it

    wanted = list(dict.fromkeys(keys))
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        try:
            found = list(pool.map(read, wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return dict(zip(wanted, found, strict=True))
