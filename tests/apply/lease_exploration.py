"""Exploration of every interleaving of runs that take, renew and release a lease on one lock file.

Each run is the real `Lease.take`, the loop of `held`'s thread that renews it (`_renew`), and
`Lease.release`. Each call of the system is a step: opening, locking, reading, writing, cutting, removing and
closing the file, and each pause. The file system between the runs is a small model of a POSIX one: files that
are open stay although their name is gone, `flock` belongs to what was opened and ends with it, and a write is
whole or absent. A run may be killed before any call; its locks are free then. Clocks may differ.

A run *works* from when it has taken the lease until its loop ends or it is killed: it may write to the
tenant.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, TypeAlias
from unittest.mock import patch

from state_search import (
    Answer,
    Answers,
    Call,
    Explored,
    Histories,
    Model,
    Step,
    StoppedRun,
    search,
    unanswered,
)

from reconciler.errors import ReconcilerError
from reconciler.job import lease as lease_module
from reconciler.job.lease import Holder, Lease, LeaseHeldError

LEASE: Final = 3.0
"""The seconds of a lease; it is renewed after each second."""

_EPOCH: Final = 1_900_000_000.0
_PATH: Final = Path("job.lock")
_HOSTS: Final = ("a-host-with-a-long-name", "host", "h")
CRASHED: Final[Call] = ("end", "crashed")


class _Played:
    """The system as one run sees it: the answers of a history."""

    def __init__(self, history: list[Answer]) -> None:
        self._answers = Answers(history)

    def ask(self, *call: Any) -> Any:
        """Return the answer of the system to a call."""
        answer = self._answers.next(*call)
        if isinstance(answer[0], OSError):
            raise answer[0]
        return answer[0]


class _Os:
    """The module `os`, as far as a lease uses it."""

    O_RDWR, O_CREAT, O_CLOEXEC, O_NONBLOCK = os.O_RDWR, os.O_CREAT, os.O_CLOEXEC, os.O_NONBLOCK

    def __init__(self, played: _Played) -> None:
        self._ask = played.ask
        self.path = SimpleNamespace(samestat=lambda one, other: one.inode == other.inode)

    def open(self, *_: Any) -> Any:
        return self._ask("open")

    def fstat(self, handle: int) -> Any:
        return SimpleNamespace(st_mode=stat.S_IFREG, inode=handle)

    def pread(self, handle: int, *_: Any) -> Any:
        return self._ask("read", handle)

    def pwrite(self, handle: int, data: bytes, _: int) -> None:
        self._ask("write", handle, data)

    def ftruncate(self, handle: int, size: int) -> None:
        self._ask("cut", handle, size)

    def fsync(self, handle: int) -> None:
        """Do nothing: the model has no power failure."""

    def close(self, handle: int) -> None:
        self._ask("close", handle)

    def getpid(self) -> int:
        return 1

    def __getattr__(self, name: str) -> Any:
        return unanswered(name)


class _Path:
    """The path of the lock file."""

    def __init__(self, played: _Played) -> None:
        self._ask = played.ask

    def stat(self) -> Any:
        """Return which file has the name."""
        return SimpleNamespace(inode=self._ask("stat"))

    def unlink(self) -> None:
        """Remove the name."""
        self._ask("unlink")

    def __str__(self) -> str:
        return str(_PATH)


class Position(NamedTuple):
    """The state of a run.

    Args:
        run: Its number.
        history: Its history as a number.
        due: The time at which its pause ends; zero for none.
        works: Whether it may write to the tenant.
        until: The end of its lease as it wrote it last, by its clock.
    """

    run: int
    history: int = 0
    due: float = 0.0
    works: bool = False
    until: float = 0.0


Files: TypeAlias = "tuple[tuple[int, bytes], ...]"


class State(NamedTuple):
    """The state of the world."""

    runs: tuple[Position, ...]
    now: float = 0.0
    files: Files = ()
    named: int = 0
    """The file that has the name; zero for none."""
    locks: tuple[tuple[int, int], ...] = ()
    """Which file is locked by which run."""
    next_file: int = 1
    crashes: int = 0
    removed: bool = False


@dataclass(kw_only=True)
class World:
    """What may happen.

    Args:
        runs: The number of runs.
        renewals: How often a run renews its lease at most before its work is over.
        crashes: The most runs that are killed.
        seconds: The time after which nothing happens any more.
        punctual: Whether no run is ever suspended: time passes only while all of them pause.
        skews: How far the clock of each run is ahead, in seconds.
        removal: Whether somebody may remove the lock file at any moment.
    """

    runs: int = 2
    renewals: int = 1
    crashes: int = 0
    seconds: float = 6.0
    punctual: bool = True
    skews: tuple[float, ...] = (0.0, 0.0, 0.0)
    removal: bool = False


class _Explorer(Model[State]):
    def __init__(self, world: World) -> None:
        self._world = world
        self._histories = Histories(self._played)
        self._free: dict[tuple[bytes, float], str] = {}

    def start(self) -> State:
        return State(runs=tuple(Position(number) for number in range(self._world.runs)))

    def _played(self, number: int, history: list[Answer]) -> Call:
        played = _Played(history)
        clock = SimpleNamespace(monotonic=lambda: played.ask("now"), sleep=lambda _: played.ask("wait"))
        flock = SimpleNamespace(LOCK_EX=0, LOCK_NB=0, flock=lambda handle, _: played.ask("lock", handle))
        pauses = SimpleNamespace(wait=lambda seconds: played.ask("pause", seconds))
        stopped: list[str] = []
        with ExitStack() as stack:
            for name, value in [
                ("os", _Os(played)),
                ("fcntl", flock),
                ("time", clock),
                ("socket", SimpleNamespace(gethostname=lambda: _HOSTS[number])),
                ("_user", lambda: "user"),
                ("_LOCK_TIMEOUT", float("inf")),
            ]:
                stack.enter_context(patch.object(lease_module, name, value))
            path: Any = _Path(played)
            try:
                lease = Lease(path, LEASE, f"run-{number + 1}", lambda: _EPOCH)
                lease._key = _key(number)
                lease._now = lambda: _EPOCH + self._world.skews[number] + float(played.ask("now"))
                lease.take()
                played.ask("begins")
                lease_module._renew(lease, LEASE, pauses, stopped.append)  # type: ignore[arg-type]
                played.ask("ends")
                with suppress(ReconcilerError):  # as `held` does
                    lease.release()
            except StoppedRun as stop:
                return stop.call
            except LeaseHeldError:
                return ("end", "held")
            except ReconcilerError as error:
                return ("end", error.message)
        return ("end", "lost" if stopped else "done")

    def steps(self, state: State) -> Iterator[Step]:
        waits = False
        running = False
        for index, run in enumerate(state.runs):
            call = self._histories.call(run.run, run.history)
            if call[0] == "end":
                continue
            running = True
            if run.due > state.now:
                if state.crashes < self._world.crashes:
                    yield Step(f"run {run.run + 1} is killed in a pause", self._killed(state, index))
                continue
            begun = run.history > 0
            waits = waits or (begun and (call[0] != "lock" or self._is_free(state, run, call[1])))
            yield from self._of_run(state, index, call)
        if state.named and running and self._world.removal and not state.removed:
            yield Step("somebody removes the file", state._replace(named=0, removed=True))
        if running and state.now < self._world.seconds and not (waits and self._world.punctual):
            yield Step("1 s passes", state._replace(now=state.now + 1))

    def _is_free(self, state: State, run: Position, file: int) -> bool:
        return all(one != file or holder == run.run for one, holder in state.locks)

    def _of_run(self, state: State, index: int, call: Call) -> Iterator[Step]:
        run = state.runs[index]
        who = f"run {run.run + 1}"
        if state.crashes < self._world.crashes:
            yield Step(f"{who} is killed before {call[0]}", self._killed(state, index))
        for text, answer, world, changed in self._answers(state, run, call):
            wrong = self._two_at_work(world, changed) if changed.works and not run.works else ""
            if call[0] in {"write", "unlink"} and not state.removed:
                file = call[1] if call[0] == "write" else state.named
                wrong = self._taken(state, run, dict(state.files)[file])
            yield Step(
                f"{who} {text}", self._placed(world, index, self._later(changed, answer, world)), wrong
            )

    def _taken(self, state: State, run: Position, before: bytes) -> str:
        """Return whose lease a run replaces or removes that has not ended."""
        holder = _holder(before)
        if holder is None or holder.key == _key(run.run):
            return ""
        ended = holder.expires <= _EPOCH + state.now + self._world.skews[run.run]
        return (
            "" if ended else f"run {run.run + 1} replaces the lease of {holder.run_id}, which has not ended"
        )

    def _later(self, run: Position, answer: Answer, state: State) -> Position:
        """Return a run after an answer; reading a clock is no step, and a pause begins at once."""
        later = run._replace(history=self._histories.number(run.history, answer), due=0.0)
        call = self._histories.call(later.run, later.history)
        if call[0] == "now":
            return self._later(later, (state.now,), state)
        if call[0] == "end":
            return Position(run.run, self._histories.ended(run.run, call))
        return later._replace(due=state.now + call[1]) if call[0] == "pause" else later

    def _answers(  # noqa: C901, PLR0912 - a case for each call
        self, state: State, run: Position, call: Call
    ) -> Iterator[tuple[str, Answer, State, Position]]:
        """Yield each answer of the system to a call, with the world and the run after it."""
        match call:
            case ("read" | "write" | "cut" | "close", *_):
                yield self._of_file(state, run, call)
            case ("now",):
                yield "starts", (state.now,), state, run
            case ("open",) if state.named:
                yield "opens the file", (state.named,), state, run
            case ("open",):
                new = state.next_file
                made = state._replace(files=(*state.files, (new, b"")), named=new, next_file=new + 1)
                yield "makes the file", (new,), made, run
            case ("lock", file) if self._is_free(state, run, file):
                yield "locks it", (None,), state._replace(locks=(*state.locks, (file, run.run))), run
            case ("lock", _):
                return  # waits; asking again is the same
            case ("stat",) if state.named:
                yield "looks for it", (state.named,), state, run
            case ("stat",):
                yield "finds it removed", (FileNotFoundError(2, "no such file"),), state, run
            case ("unlink",) if not state.named:
                yield "finds it removed", (FileNotFoundError(2, "no such file"),), state, run
            case ("unlink",):
                yield "removes it", (None,), state._replace(named=0), run
            case ("begins",):
                yield "begins to work", (None,), state, run._replace(works=True)
            case ("ends",):
                yield "ends its work", (None,), state, run._replace(works=False)
            case ("pause", _):
                renewed = sum(answer == (False,) for answer in self._histories.answers(run.history))
                if renewed < self._world.renewals:
                    yield "renews", (False,), state, run
                yield "has finished", (True,), state, run
            case _:
                raise NotImplementedError(call)

    @staticmethod
    def _of_file(state: State, run: Position, call: Call) -> tuple[str, Answer, State, Position]:
        """Return the answer to a call about an open file, as `_answers`."""
        kind, file, *what = call
        content = dict(state.files)[file]
        if kind == "read":
            return "reads it", (content,), state, run
        if kind == "close":
            return "closes it", (None,), _closed(state, run.run, file), run
        if kind == "write":
            (data,) = what
            content = data + content[len(data) :]
            run = run._replace(until=_holders(data).expires)
        else:
            content = content[: what[0]]
        files = tuple(sorted({**dict(state.files), file: content}.items()))
        return "writes it" if kind == "write" else "cuts it", (None,), state._replace(files=files), run

    def _killed(self, state: State, index: int) -> State:
        run = state.runs[index]
        for file, holder in state.locks:
            if holder == run.run:
                state = _closed(state, run.run, file)
        dead = Position(run.run, self._histories.ended(run.run, CRASHED))
        return self._placed(state._replace(crashes=state.crashes + 1), index, dead)

    @staticmethod
    def _placed(state: State, index: int, run: Position) -> State:
        used = {state.named, *(file for file, _ in state.locks)}
        placed = state._replace(runs=(*state.runs[:index], run, *state.runs[index + 1 :]))
        return placed._replace(locks=tuple(sorted(state.locks))) if used else placed

    def _two_at_work(self, state: State, taker: Position) -> str:
        """Return what is wrong when a run begins to work next to another one; empty when nothing is.

        One that was suspended past its lease may work on until its next renewal; and so may one whose file
        was removed.
        """
        now = _EPOCH + state.now + self._world.skews[taker.run]
        holder = _holder(dict(state.files).get(state.named, b""))
        named = holder is not None and holder.key == _key(taker.run)
        if not named and taker.until > now and not state.removed:
            return f"run {taker.run + 1} works with a lease that nobody else finds"
        for run in state.runs:
            if run.run != taker.run and run.works:
                if self._world.punctual and not state.removed:
                    return f"runs {run.run + 1} and {taker.run + 1} work at once"
                if min(run.until, taker.until) > now and not state.removed:
                    return f"runs {run.run + 1} and {taker.run + 1} work at once, and no lease has ended"
        return ""

    def end(self, state: State) -> str:
        ends = (self._histories.call(run.run, run.history) for run in state.runs)
        return ", ".join(sorted(call[1] if call[0] == "end" else "at work" for call in ends))

    def violation(self, state: State) -> str:
        """Return what is wrong at an end: whatever happened, the lock is free once a lease has passed."""
        waiting = [run for run in state.runs if self._histories.call(run.run, run.history)[0] != "end"]
        if waiting and state.now < self._world.seconds:
            return f"run {waiting[0].run + 1} waits for ever"
        for run in state.runs:
            why = self._histories.call(run.run, run.history)[1]
            if not waiting and why not in {"held", "done", "lost", "crashed"}:
                return f"run {run.run + 1} fails: {why}"
        if state.named and not waiting:
            key = (dict(state.files)[state.named], _EPOCH + state.now + LEASE + max(self._world.skews))
            if key not in self._free:
                self._free[key] = _not_free(*key)
            return self._free[key]
        return ""


def _not_free(data: bytes, now: float) -> str:
    """Return why a real run cannot take the lock at a time, with what the file holds; empty when it can."""
    with patch.object(lease_module, "os", SimpleNamespace(pread=lambda *_: data)):
        try:
            holder = Lease(_PATH, LEASE, "next", lambda: now)._read(0)
        except ReconcilerError as error:
            return f"the lock is blocked for ever: {error.message}"
    return "" if holder is None or holder.expires <= now else "the lease does not end"


def _holder(data: bytes) -> Holder | None:
    """Return whom the content of the file names, as far as it is whole."""
    return _holders(data) if data else None


@cache
def _holders(data: bytes) -> Holder:
    return lease_module._holder(json.loads(data.splitlines()[0]))


def _key(run: int) -> str:
    return f"key-{run + 1}"


def _closed(state: State, run: int, file: int) -> State:
    return state._replace(locks=tuple(lock for lock in state.locks if lock != (file, run)))


def explore_leases(world: World) -> Explored:
    """Return what every interleaving in `world` comes to."""
    return search(_Explorer(world))
