"""Reads in several threads: each key once, the first failure, and no thread that a process waits for."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from comparing_helpers import KEY, manifest_of

from reconciler.client import ForbiddenException
from reconciler.concurrency import in_background, read_all, result_of
from reconciler.plan import CompareOptions, Expectations, TenantReads

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_each_key_is_read_once() -> None:
    """The values come by key, in the order of the keys, however often one is named."""
    read: list[int] = []

    def square(key: int) -> int:
        read.append(key)
        return key * key

    found = read_all(square, [3, 1, 3, 2, 1], 4)
    assert list(found.items()) == [(3, 9), (1, 1), (2, 4)]
    assert sorted(read) == [1, 2, 3]
    assert read_all(square, [], 4) == {}


def test_the_failure_of_the_first_key_is_raised() -> None:
    """Of two reads that fail together, that of the earlier key counts; later keys are not read."""
    together = threading.Barrier(2, timeout=10)
    read: list[int] = []

    def fail(key: int) -> int:
        read.append(key)
        together.wait()
        raise ValueError(key)

    with pytest.raises(ValueError, match="0"):
        read_all(fail, range(50), 2)
    assert sorted(read) == [0, 1]


class _SignalledError(Exception):
    """What a signal handler raises."""


@pytest.fixture
def noticed() -> Iterator[threading.Event]:
    """Return an event that SIGUSR1 sets, which then interrupts this thread."""
    noticed = threading.Event()

    def interrupt(*_: object) -> None:
        noticed.set()
        raise _SignalledError

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield noticed
    signal.signal(signal.SIGUSR1, before)


def _signalled(noticed: threading.Event, found: SimpleQueue[bool]) -> None:
    """Take a signal in this thread, which wakes no other; find out whether it is handled meanwhile."""
    time.sleep(0.1)  # until the other thread waits; if it does not yet, it handles the signal in any case
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    found.put(noticed.wait(20))


def test_a_signal_is_not_missed_while_a_read_is_waited_for(noticed: threading.Event) -> None:
    """A signal that does not wake the waiting thread is handled all the same, long before the read ends."""
    found: SimpleQueue[bool] = SimpleQueue()
    with pytest.raises(_SignalledError):
        in_background(partial(_signalled, noticed, found))()
    assert found.get(timeout=30)


def test_a_signal_is_not_missed_while_writes_are_waited_for(noticed: threading.Event) -> None:
    """So it is where the results of an apply are waited for."""
    with ThreadPoolExecutor(1) as pool:
        assert result_of(pool.submit(int, "7")) == 7
        found: SimpleQueue[bool] = SimpleQueue()
        with pytest.raises(_SignalledError):
            result_of(pool.submit(_signalled, noticed, found))
        assert found.get(timeout=30)


def test_a_read_in_the_background() -> None:
    """Its value or its exception comes where it is asked for, and its thread keeps no process alive."""
    daemons: list[bool] = []

    def read() -> int:
        daemons.append(threading.current_thread().daemon)
        return 7

    def fail() -> int:
        raise ValueError("no")

    assert (in_background(read)(), daemons) == (7, [True])
    failing = in_background(fail)
    with pytest.raises(ValueError, match="no"):
        failing()


class _Refusing:
    """A tenant that refuses the first request for each workflow."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def list_workflows(self, **_: Any) -> Any:
        return {"pageCount": 1, "workflows": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}

    def get_default_resource(self) -> Any:
        return {}

    def describe_workflow(self, identity: int) -> Any:
        self.asked.append(identity)
        if self.asked.count(identity) == 1:
            raise ForbiddenException("quotes a secret", status=403)
        return {"name": "a"}


def test_a_read_that_began_early_and_was_refused() -> None:
    """It is made again when its turn comes: its error could quote a secret that is known only then."""
    api: Any = _Refusing()
    reads = TenantReads(api, 2)
    options, expected = CompareOptions(key=KEY), Expectations()
    reads.begin(options, expected)
    manifest = manifest_of({"name": "a", "steps": {}})
    reads.expect(manifest)
    assert [item.name for item in reads.listing().by_id.values()] == ["a", "b"]
    while not api.asked:
        time.sleep(0.001)
    read, _ = reads.described({1: manifest}, options, expected)
    reads.end()
    assert (list(read), api.asked) == ([1], [1, 1])
