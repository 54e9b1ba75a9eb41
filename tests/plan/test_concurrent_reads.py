"""Reads in several threads: each key once, the first failure, and no thread that a process waits for."""

from __future__ import annotations

import threading

import pytest

from reconciler.concurrency import in_background, read_all


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
