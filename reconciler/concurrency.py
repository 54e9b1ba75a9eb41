"""Several reads at a time, as many as a session keeps connections for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

CONCURRENCY: Final = 10

T = TypeVar("T")
K = TypeVar("K")


def read_all(read: Callable[[K], T], keys: Iterable[K]) -> dict[K, T]:
    """Return what `read` returns for each of `keys`, each asked for once, ten at a time.

    Raises:
        Exception: What `read` raised, for the first key that it did; what has not begun is then left alone.
    """
    wanted = list(dict.fromkeys(keys))
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        try:
            found = list(pool.map(read, wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return dict(zip(wanted, found, strict=True))
