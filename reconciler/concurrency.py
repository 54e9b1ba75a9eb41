"""Concurrent reads, one per connection of a session, and values that are read once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

CONCURRENCY: Final = 10

RETRY_FOR: Final = 60.0
"""The seconds to wait, all requests together, for a server that stopped answering."""

_COMPUTING: Final = 0.5
"""The threads that compute while others wait for answers, as a fraction of the latter."""

_LOOK: Final = 0.25
"""The seconds after which a wait looks for signals: one that came just before the wait does not end it."""

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Takes how far a long step is: what it does, the number of parts that are done, and that of all."""

T = TypeVar("T")
K = TypeVar("K")


def _ignore(*_: object) -> None:
    pass


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Take how far a step is, for nobody."""


def threads_for(concurrency: int) -> int:
    """Return the number of threads that keep `concurrency` requests in flight.

    While some compute with what they read, others send requests; the session limits the requests in flight.
    """
    return concurrency if concurrency == 1 else concurrency + ceil(concurrency * _COMPUTING)


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


def read_all(
    read: Callable[[K], T],
    keys: Iterable[K],
    concurrency: int,
    on_read: Callable[[int, int], None] = _ignore,
) -> dict[K, T]:
    """Return the value of `read` for each of `keys`, each read once, `concurrency` at a time.

    Args:
        read: Returns the value for a key.
        keys: The keys.
        concurrency: The number of threads.
        on_read: Called from any of them with the number of values that are read, and that of all.

    Raises:
        Exception: The exception of `read` for the first key that failed; reads not yet started are skipped.
        KeyboardInterrupt: At once, whatever the reads wait for.
    """
    wanted = list(dict.fromkeys(keys))
    turns = iter(enumerate(wanted))
    found: dict[int, T] = {}
    failed: dict[int, Exception] = {}
    lock = threading.Lock()

    def work() -> None:
        while not failed:
            with lock:
                turn = next(turns, None)
            if turn is None:
                return
            number, key = turn
            try:
                found[number] = read(key)
                on_read(len(found), len(wanted))
            except Exception as error:  # noqa: BLE001 - raised to the caller
                failed[number] = error

    for end in [in_background(work) for _ in range(min(concurrency, len(wanted)))]:
        end()
    if failed:
        raise failed[min(failed)]
    return {key: found[number] for number, key in enumerate(wanted)}


def read_ahead(read: Callable[[K], T], keys: Sequence[K], concurrency: int) -> Iterator[T]:
    """Yield the value of `read` for each of `keys`, in their order, while the next ones are being read.

    Whoever stops early leaves at most `concurrency` values unused.

    Args:
        read: Returns the value for a key.
        keys: The keys; there may be very many.
        concurrency: The number of values that are read at a time.

    Raises:
        Exception: The exception of `read`, when its turn comes.
    """
    if len(keys) == 1:
        yield read(keys[0])
        return
    turns = iter(keys)
    reading = deque(in_background(partial(read, key)) for key in islice(turns, concurrency))
    while reading:
        value = reading.popleft()()
        reading.extend(in_background(partial(read, key)) for key in islice(turns, 1))
        yield value


def in_background(read: Callable[[], T]) -> Callable[[], T]:
    """Start a read in a thread of its own, and return what waits for its value, or raises its exception.

    An interrupted process does not wait for the thread.
    """
    values: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            values.append(read())
        except BaseException as error:  # noqa: BLE001 - raised to the caller
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def value() -> T:
        wait_for_end(thread)
        if errors:
            raise errors[0]
        return values[0]

    return value


def wait_for_end(thread: threading.Thread) -> None:
    """Wait until a thread has ended; a signal is handled meanwhile, whichever thread got it and when."""
    while thread.is_alive():
        thread.join(_LOOK)


def result_of(future: Future[T]) -> T:
    """Return the result of `future` once there is one; signals are handled as by `wait_for_end`.

    Raises:
        Exception: The exception of what it runs.
    """
    ended = threading.Event()
    future.add_done_callback(lambda _: ended.set())
    while not ended.wait(_LOOK):
        pass
    return future.result()
