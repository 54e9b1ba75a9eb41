"""Two runs that write to one tenant at once: no twin, no lost edit, and the one that loses says so."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from campaign_helpers import NEW, OLD, Campaign, command
from flow_helpers import LIST, TENANTS, FakeTime, Git, body, errors, process_env, statuses, step
from processes import forked_command
from strategies import DEPTH

from reconciler.client import RetryPolicy
from reconciler.emulator.server import EmulatorServer
from reconciler.workflow import is_digest_tag, owner_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.apply import Report
    from reconciler.emulator.middleware import RecordedRequest
    from reconciler.emulator.state import Record
    from reconciler.operations.engine import Engine
    from reconciler.plan import Plan

NAMES = [f"n{number:02}" for number in range(10)]
_ROUNDS = 1 + DEPTH
_REPOSITORY = {"url": "https://github.com/example/x", "branch": "main"}


class _Named(Git):
    """A Git whose requests can be distinguished from another's."""

    name = ""

    @contextmanager
    def engine(self, purpose: str = "") -> Iterator[Engine]:
        """Yield an engine that signs its requests."""
        with super().engine(purpose) as engine:
            engine.session._transport._http._headers["User-Agent"] = self.name
            yield engine


def _two(git: Git, folders: tuple[Path, Path]) -> tuple[_Named, _Named]:
    """Return two independent runs against the tenant of `git`."""
    runs = _Named(git.server, folders[0], FakeTime()), _Named(git.server, folders[1], FakeTime())
    for run, name in zip(runs, ("left", "right"), strict=True):
        run.name = name
    return runs


def _at_once(runs: tuple[Git, Git], plans: tuple[Plan, Plan]) -> list[Report]:
    """Let both apply at the same time; return their reports."""
    together = threading.Barrier(len(runs))
    reports: dict[int, Report] = {}

    def work(number: int) -> None:
        together.wait()
        reports[number] = runs[number].apply(plans[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [reports[number] for number in range(len(runs))]


def _no_twin(git: Git) -> None:
    names = Counter(record.name for record in git.server.store.records())
    assert names == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("profile", [frozenset(), frozenset({"unique-names", "token-omitted"})])
@pytest.mark.parametrize(
    "faults",
    [
        (),
        ("drop-after:0.3@POST",),
        ("drop-after:0.2@POST", "drop-before:0.1@POST"),
        ("429-seconds-after:1:0.3@POST",),
    ],
    ids=["calm", "lost answers", "lost requests", "false refusals"],
)
def test_the_same_creates_at_once(git: Git, profile: frozenset[str], faults: tuple[str, ...]) -> None:
    """Two runs that planned the same creates make each workflow once; the one that loses says so."""
    git.server.profile = profile
    for name in NAMES:
        git.write(body(name), f"{name}.yaml")
    for _ in range(_ROUNDS):
        runs = _two(git, (git.folder, git.folder))
        plans = (runs[0].plan(), runs[1].plan())
        git.server.faults = faults
        reports = _at_once(runs, plans)
        git.server.faults = ()
        _no_twin(git)
        for report in reports:
            assert set(statuses(report).values()) <= {"done", "blocked"}, errors(report)
            assert all("appeared" in error for error in errors(report).values() if error)
        for run in runs:
            run.is_clean()
        for record in git.server.store.records():
            git.server.store.delete(record.id)


class _RealTime(FakeTime):
    """Time that passes, with a settle time that is short."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = RetryPolicy(backoff=0.01, settle=(0.01, 0.04, 0.1))
        self.retry = self.policy._replace(retry_for=0.0)


@pytest.mark.parametrize("fault", ["drop-after:0.5@POST", "drop-before:0.2@POST"])
def test_the_same_creates_at_once_with_a_list_that_lags(tmp_path: Path, fault: str) -> None:
    """A run whose answer was lost waits for what the list does not show yet: there is no twin."""
    with EmulatorServer(profile=frozenset({"list-lag=120"})) as server:
        git = Git(server, tmp_path, FakeTime())
        for name in NAMES:
            git.write(body(name), f"{name}.yaml")
        runs = _Named(server, tmp_path, _RealTime()), _Named(server, tmp_path, _RealTime())
        plans = (runs[0].plan(), runs[1].plan())
        server.faults = (fault,)
        reports = _at_once(runs, plans)
        _no_twin(git)
        for report in reports:
            assert set(statuses(report).values()) <= {"done", "blocked"}, errors(report)


def test_the_same_creates_by_two_processes(git: Git) -> None:
    """Two processes that were approved at the same moment make each workflow once."""
    for name in NAMES:
        git.write(body(name), f"{name}.yaml")
    words = [*forked_command(), "apply", str(git.folder), "--format", "json"]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=process_env(git)) for _ in range(2)
    ]
    for process in processes:
        assert process.stderr is not None
        while b"Apply this plan" not in process.stderr.read1():
            pass
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"yes\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode in {0, 4}
    _no_twin(git)
    git.is_clean()


def _touching(git: Git, identity: int) -> list[RecordedRequest]:
    return [request for request in git.server.requests if request.path == f"{LIST}{identity}"]


def _by(request: RecordedRequest) -> str:
    return dict(request.headers)["user-agent"]


def _overtook(requests: list[RecordedRequest], loser: str) -> bool:
    """Whether the loser's last write fell between a write of the winner and the winner's own look before.

    The winner may write once more then, to keep digests: what it looked at in between is its own write.
    """
    writes = [place for place, request in enumerate(requests) if request.method == "PUT"]
    winner = _by(requests[writes[-1]])
    lost = next(place for place in reversed(writes) if _by(requests[place]) == loser)
    own = [place for place, request in enumerate(requests) if _by(request) == winner]
    return winner != loser and any(
        requests[look].method == "GET" and requests[write].method == "PUT" and look < lost < write
        for look, write in pairwise(own)
    )


@pytest.mark.parametrize("profile", ["documented", "token-omitted"])
def test_different_updates_at_once(git: Git, tmp_path: Path, profile: str) -> None:
    """Of two runs that write different values one wins; the other says so, except where it cannot know.

    The API has no compare-and-swap: a write that falls between the other's last look and its write is lost
    without a word. The request log proves that no other is.
    """
    git.server.profile = TENANTS[profile]
    other = tmp_path / "other"
    other.mkdir()
    runs = _two(git, (git.folder, other))
    names = [f"n{number:02}" for number in range(20)]
    losses = 0
    for turn in range(_ROUNDS):
        for name in names:
            for run in runs:
                credential = {"repository": {**_REPOSITORY, "token": f"{run.name}-{turn}"}}
                one = step(f"echo {run.name} {turn}", **credential)
                run.write(body(name, steps={"one": one}), f"{name}.yaml")
            if not turn:
                git.server.store.create(body(name))
        plans = (runs[0].plan(), runs[1].plan())
        git.server.clear_requests()
        reports = dict(zip(("left", "right"), map(statuses, _at_once(runs, plans)), strict=True))
        for record in git.server.store.records():
            winner = command(record).split()[1]
            loser = "left" if winner == "right" else "right"
            assert reports[winner][record.name] == "done"
            if reports[loser][record.name] == "done":
                losses += 1
                assert _overtook(_touching(git, record.id), loser)
    assert losses < _ROUNDS * len(names)


def _changed(record: Record, **fields: Any) -> dict[str, Any]:
    return {**record.body, **fields}


def _tagged(record: Record, *names: str) -> dict[str, Any]:
    tags: Any = record.body["tags"]
    return _changed(record, tags=[*tags, *({"name": name} for name in names)])


_EDITS: dict[str, Callable[[Record], dict[str, Any]]] = {
    "field": lambda record: _changed(record, steps=body(command="echo theirs")["steps"]),
    "tag": lambda record: _tagged(record, "theirs"),
    "owner": lambda record: _changed(record, tags=[{"name": owner_tag("team-b")}]),
    "protection": lambda record: _tagged(record, "reconciler-protected"),
    "name": lambda record: _changed(record, name=f"theirs-{record.id}"),
    "webhook": lambda record: _changed(record, triggers=[{"webhook": True}]),
    "trigger": lambda record: _changed(record, triggers=[]),
}


@pytest.mark.parametrize(
    "operations", [("patch", "replace", "rename", "pause", "resume"), ("create", "delete")]
)
@pytest.mark.parametrize("edit", [*_EDITS, "paused", "deleted"])
def test_an_edit_after_the_plan_survives(git: Git, operations: tuple[str, ...], edit: str) -> None:
    """Whatever somebody did to a workflow since the plan stays, and the run says that it is blocked."""
    campaign = Campaign(git, each=2, operations=operations)
    plan = git.plan()
    store = git.server.store
    touched = {*campaign.going, *(e.id for e in campaign.expected.values() if e.id is not None)}
    for identity in touched:
        record = store.get(identity)
        if edit == "paused":
            store.set_paused(identity, paused=not record.paused)
        elif edit == "deleted":
            store.delete(identity)
        else:
            store.replace(identity, _EDITS[edit](record))
    before = {record.id: record for record in store.records()}
    report = git.apply(plan)
    after = {record.id: record for record in store.records()}
    assert {number: after[number] for number in before} == before
    found = statuses(report)
    gone = edit == "deleted"
    assert found == {
        name: "done" if name.startswith("create") or (gone and name.startswith("delete")) else "blocked"
        for name in found
    }
    assert len(found) == 2 * len(operations)
    assert all("after the plan was made" in error for error in errors(report).values() if error)


def test_a_name_that_was_taken_after_the_plan(git: Git) -> None:
    """A create and a rename whose name somebody took since the plan are blocked, and theirs stays."""
    campaign = Campaign(git, each=2, operations=("create", "rename"))
    plan = git.plan()
    for name in campaign.expected:
        git.server.store.create(body(name, "echo theirs"))
    before = git.server.store.records()
    report = git.apply(plan)
    assert set(statuses(report).values()) == {"blocked"}
    assert all("appeared after the plan was made" in error for error in errors(report).values())
    assert git.server.store.records() == before


def test_a_name_that_is_taken_while_it_is_given(git: Git) -> None:
    """A rename whose new name somebody takes at the same moment is reported; it cannot be undone."""
    Campaign(git, each=1, operations=("rename",))
    plan = git.plan()
    tenant = git.server._tenant
    replace = tenant.replace

    def overtaken(*args: Any) -> Any:
        git.server.store.create(body("rename-00", "echo theirs"))
        return replace(*args)

    tenant.replace = overtaken  # type: ignore[method-assign]
    report = git.apply(plan)
    assert statuses(report) == {"rename-00": "failed"}
    assert "another live workflow" in errors(report)["rename-00"]


def test_the_window_that_no_guard_closes(git: Git) -> None:
    """An edit between the last look and the write is lost: the API has nothing to prevent it."""
    git.server.store.create(body(command=OLD))
    git.write(body(command=NEW))
    tenant = git.server._tenant
    replace = tenant.replace

    def overtaken(number: int, sent: Any) -> Any:
        git.server.store.replace(number, body(command="echo theirs"))
        return replace(number, sent)

    tenant.replace = overtaken  # type: ignore[method-assign]
    assert statuses(git.apply()) == {"flow": "done"}
    assert git.stored()["steps"] == body(command=NEW)["steps"]
    assert [request.method for request in _touching(git, git.live())][-3:] == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("owner", ["team-b", None], ids=["another owner", "no owner"])
def test_a_twin_of_another_owner_is_never_deleted(git: Git, owner: str | None) -> None:
    """After a create with a lost answer, only what carries our owner's tag counts as another try of ours."""
    store = git.server.store
    create = store.create
    ours = {"name": owner_tag("team-a")}

    def with_twin(sent: dict[str, Any], **options: Any) -> int:
        identity = create(sent, **options)
        if ours in sent.get("tags", []):
            theirs = [{"name": owner_tag(owner)}] if owner else []
            create({**sent, "tags": [tag for tag in sent["tags"] if tag != ours] + theirs})
        return identity

    store.create = with_twin  # type: ignore[method-assign]
    git.owned_by("team-a")
    git.write(body())
    plan = git.plan()
    git.server.faults = ("drop-after:1@POST",)
    git.apply(plan)
    owners = [
        [name for tag in record.body.get("tags", []) if not is_digest_tag(name := tag["name"])]  # type: ignore[union-attr,index,call-overload]
        for record in store.records()
    ]
    assert sorted(owners) == sorted([[owner_tag("team-a")], [owner_tag(owner)] if owner else []])
    assert [request.method for request in git.writes()] == ["POST"]
