"""The lock file: one run at a time, also when a holder was killed, and with processes that race for it."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import ReconcilerError
from reconciler.job import lease as lease_module
from reconciler.job.lease import Lease, LeaseHeldError, held

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

RACERS = 3
ROUNDS = 20


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_900_000_000.0

    def __call__(self) -> float:
        """Return its time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the clock that all holders share."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the lock file is."""
    return tmp_path / "job.lock"


def test_the_file_says_who_holds_it(path: Path, clock: Clock) -> None:
    """User, machine, process, run, since when and until when: enough to find who is at work."""
    assert Lease(path, 300, "run-1", clock).take() is None
    said = json.loads(path.read_text(encoding="ascii"))
    assert said["pid"] == os.getpid()
    assert said["run_id"] == "run-1"
    assert said["who"]
    assert said["host"]
    assert (said["since"], said["expires"]) == ("2030-03-17T17:46:40.000Z", "2030-03-17T17:51:40.000Z")


def test_a_second_run_names_the_holder(path: Path, clock: Clock) -> None:
    """As long as the lease lasts nobody else gets the lock, and the message names the holder."""
    Lease(path, 300, "run-1", clock).take()
    clock.now += 299
    with pytest.raises(LeaseHeldError, match=r"run run-1 of .* since 2030-03-17.*; its lease ends in 1 s"):
        Lease(path, 300, "run-2", clock).take()


def test_a_released_lock_is_free_and_the_file_is_gone(path: Path, clock: Clock) -> None:
    """At its end a run leaves nothing behind."""
    first = Lease(path, 300, "run-1", clock)
    first.take()
    first.release()
    assert not path.exists()
    assert Lease(path, 300, "run-2", clock).take() is None


def test_an_expired_lease_is_taken_over_and_its_holder_knows(path: Path, clock: Clock) -> None:
    """A killed run is waited for no longer than its lease; should it live after all, it lost the lock."""
    first, second = Lease(path, 300, "run-1", clock), Lease(path, 300, "run-2", clock)
    first.take()
    clock.now += 301
    before = second.take()
    assert before is not None
    assert before.run_id == "run-1"
    assert first.renew() is False
    first.release()  # not its own any more: nothing happens
    assert second.renew() is True


def test_a_renewed_lease_lasts_longer(path: Path, clock: Clock) -> None:
    """A long run keeps its lock by renewing it."""
    first = Lease(path, 300, "run-1", clock)
    first.take()
    clock.now += 200
    assert first.renew()
    clock.now += 200
    with pytest.raises(LeaseHeldError):
        Lease(path, 300, "run-2", clock).take()


def test_the_holder_renews_by_itself_and_learns_of_the_loss(path: Path) -> None:
    """While the block lasts the lease is renewed; when the file is removed, the run is notified once."""
    lease = Lease(path, 0.3, "run-1")
    lease.take()
    first = json.loads(path.read_text(encoding="ascii"))["expires"]
    lost: list[str] = []
    notified = threading.Event()
    with held(lease, 0.3, lambda why: (lost.append(why), notified.set())):  # type: ignore[func-returns-value]
        while json.loads(path.read_text(encoding="ascii") or "{}").get("expires", first) == first:
            pass
        path.unlink()
        assert notified.wait(10)
    assert lost == ["another run took it, or it was removed"]


def test_an_empty_file_is_free(path: Path, clock: Clock) -> None:
    """A machine that went down between making and filling it left an empty one; nobody holds that."""
    path.touch()
    assert Lease(path, 300, "run-1", clock).take() is None


@pytest.mark.parametrize(
    "content", ["root:x:0:0\n", "[1]", '{"who": "ann"}', "\0" * 10, '{"a":' * 2000, "null", "x" * 100_000]
)
def test_a_file_of_others_is_left_as_it_is(path: Path, content: str) -> None:
    """Whoever names the wrong file as the lock does not lose it."""
    path.write_text(content, encoding="ascii")
    with pytest.raises(ReconcilerError, match="is not a lock file of this command and is left unchanged"):
        Lease(path, 300, "run-1").take()
    assert path.read_text(encoding="ascii") == content


def test_a_lock_that_cannot_be_is_an_error_in_words(tmp_path: Path) -> None:
    """No such directory, a directory, a pipe: each is an error, and a pipe hangs nobody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in [
        (tmp_path / "none" / "x", "no such file"),
        (tmp_path, "is a directory"),
        (pipe, "regular"),
    ]:
        with pytest.raises(ReconcilerError, match=rf"the lock file .* cannot be used: .*{why}"):
            Lease(path, 300, "run-1").take()


def test_a_holder_that_hangs_hangs_nobody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is stopped while it writes the file is not waited for without end."""
    monkeypatch.setattr(lease_module, "_LOCK_TIMEOUT", 0.05)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ReconcilerError, match="cannot be used: another process has locked it"):
            Lease(path, 300, "run-1").take()
    assert Lease(path, 300, "run-1").take() is None


def test_hostile_words_in_the_file_stay_words(path: Path, clock: Clock) -> None:
    """The content of a lock file is shown escaped and bounded."""
    Lease(path, 300, "run-1", clock).take()
    said = json.loads(path.read_text(encoding="ascii"))
    path.write_text(json.dumps({**said, "host": "\x1b[2J" + "h" * 3000}), encoding="ascii")
    with pytest.raises(LeaseHeldError) as caught:
        Lease(path, 300, "run-2", clock).take()
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 1000


def _race(folder: Path, barrier: Barrier, results: Any, number: int) -> None:
    won = []
    for turn in range(ROUNDS):
        lease = Lease(folder / f"{turn}.lock", 300, f"racer-{number}")
        barrier.wait(60)
        try:
            lease.take()
            won.append(turn)
        except LeaseHeldError:
            pass
    results.put(won)


def test_of_processes_that_race_exactly_one_wins(tmp_path: Path, clock: Clock) -> None:
    """For a free lock, for a stale one, and for one that its holder removes at that moment."""
    for turn in range(ROUNDS):
        if turn % 2:
            clock.now = 1.0
            Lease(tmp_path / f"{turn}.lock", 1, "killed", clock).take()
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(RACERS), context.Queue()
    racers = [
        context.Process(target=_race, args=(tmp_path, barrier, results, number)) for number in range(RACERS)
    ]
    for racer in racers:
        racer.start()
    won = sorted(turn for _ in racers for turn in results.get(timeout=60))
    for racer in racers:
        racer.join(60)
    assert won == list(range(ROUNDS))


def test_a_file_that_is_removed_while_it_is_waited_for_is_no_trap(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for a file that its holder removed looks again, and finds who has taken the lock since."""
    waits, real = threading.Event(), lease_module._wait_for

    def wait_for(handle: int) -> None:
        waits.set()
        real(handle)

    monkeypatch.setattr(lease_module, "_wait_for", wait_for)
    with path.open("w") as file, ThreadPoolExecutor(1) as pool:
        fcntl.flock(file, fcntl.LOCK_EX)
        second = pool.submit(Lease(path, 300, "run-2").take)
        assert waits.wait(10)
        path.unlink()
        Lease(path, 300, "run-1").take()
        file.close()
        with pytest.raises(LeaseHeldError, match="run run-1 of"):
            second.result(10)
