"""The read cache of plans that write nothing: what is read again, and when nothing of it is believed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import LIST, body

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flow_helpers import Ended, Git

_COUNT = 12
_SERVER_TIME = "reconciler.client.session.Session.server_time"


class _Clock:
    """The clock of a tenant."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read only one of the known workflows again, however few there are."""
    monkeypatch.setattr("reconciler.plan.read_cache._ALWAYS_READ", 1)


@pytest.fixture(name="clock")
def _clock() -> _Clock:
    return _Clock()


@pytest.fixture
def server(clock: _Clock) -> Iterator[EmulatorServer]:
    """Return a running emulator with the time of `clock`."""
    with EmulatorServer(token=None, clock=clock) as running:
        yield running


@pytest.fixture(name="tenant")
def _tenant(git: Git, clock: _Clock) -> Git:
    """A tenant where every manifest is in sync, and was for a minute."""
    for number in range(_COUNT):
        git.write(body(f"w{number:02}"), f"{number:02}.yaml")
        git.server.store.create(body(f"w{number:02}"))
    clock.now += 60
    return git


def _described(git: Git) -> list[int]:
    """Return the workflows that were described since the last call."""
    paths = [request.path for request in git.server.requests if request.method == "GET"]
    git.server.clear_requests()
    return sorted(int(path.removeprefix(LIST)) for path in paths if path.removeprefix(LIST).isdecimal())


def _described_by(git: Git, typed: Callable[..., Ended]) -> list[int]:
    """Return the workflows that a plan describes."""
    git.server.clear_requests()
    typed("plan", git.folder)
    return _described(git)


def _drift(git: Git, identity: int, command: str = "by hand") -> None:
    changed: dict[str, Any] = body(f"w{identity - 1:02}", command=command)
    git.server.store.replace(identity, changed)


@pytest.mark.parametrize("command", [("plan",), ("status", "--no-history"), ("reconcile", "--dry-run")])
def test_a_second_plan_reads_what_changed(
    tenant: Git, typed: Callable[..., Ended], command: tuple[str, ...]
) -> None:
    """What is known to be in sync is not read again, but for one; the result is the same."""
    first = typed(*command, tenant.folder)
    assert _described(tenant) == list(range(1, _COUNT + 1))
    second = typed(*command, tenant.folder)
    assert (second.code, second.out) == (first.code, first.out)
    assert len(_described(tenant)) == 1
    _drift(tenant, 5)
    tenant.write(body("w07", command="in Git"), "07.yaml")
    third = typed(*command, tenant.folder)
    described = _described(tenant)
    assert {5, 8} <= set(described)
    assert len(described) <= 3
    assert third.out == typed(*command, tenant.folder, "--refresh").out
    assert _described(tenant) == list(range(1, _COUNT + 1))


def test_all_are_read_again_in_turn(tenant: Git, typed: Callable[..., Ended]) -> None:
    """Each plan reads those that were not read for longest, so none is believed for ever."""
    typed("plan", tenant.folder)
    _described(tenant)
    seen = []
    for _ in range(_COUNT):
        typed("plan", tenant.folder)
        seen += _described(tenant)
    assert sorted(seen) == list(range(1, _COUNT + 1))


def test_nothing_of_it_counts_before_a_write(tenant: Git, typed: Callable[..., Ended]) -> None:
    """An apply reads everything for its plan, and again before and after the write."""
    typed("plan", tenant.folder)
    tenant.write(body("w07", command="in Git"), "07.yaml")
    _described(tenant)
    assert typed("apply", tenant.folder, "--auto-approve", "--max-change-ratio", "1").code == 0
    assert _described(tenant) == sorted([*range(1, _COUNT + 1), 8, 8])


def test_two_writes_in_one_timestamp(tenant: Git, typed: Callable[..., Ended]) -> None:
    """What changed just before it was read may change again without another time: it is not kept."""
    _drift(tenant, 5)
    tenant.server.store.replace(5, body("w04"))
    typed("plan", tenant.folder)
    _described(tenant)
    _drift(tenant, 5)
    assert "w04" in typed("plan", tenant.folder).out
    assert 5 in _described(tenant)


def test_a_platform_that_does_not_state_changes(
    tenant: Git, typed: Callable[..., Ended], clock: _Clock
) -> None:
    """Where a workflow changes and its time does not, all are read: in that plan and in all later ones."""
    typed("plan", tenant.folder)
    clock.now -= 60
    _drift(tenant, 1)
    _drift(tenant, 2)
    clock.now += 60
    _described(tenant)
    plans = [typed("plan", tenant.folder) for _ in range(_COUNT)]
    assert "w01" in plans[-1].out
    assert "w00" in plans[-1].out
    _described(tenant)
    typed("plan", tenant.folder)
    assert _described(tenant) == list(range(1, _COUNT + 1))


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_jumps(
    tenant: Git,
    typed: Callable[..., Ended],
    clock: _Clock,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
) -> None:
    """When the clock of the answers jumps, changes are seen all the same."""
    typed("plan", tenant.folder)
    monkeypatch.setattr(_SERVER_TIME, lambda _session: clock.now + seconds)
    clock.now += 60
    _drift(tenant, 5)
    assert "by hand" in typed("plan", tenant.folder).out
    clock.now += 60
    _drift(tenant, 5, "again")
    assert "again" in typed("plan", tenant.folder).out
    assert "again" in typed("plan", tenant.folder).out


def test_a_change_in_the_future(
    tenant: Git, typed: Callable[..., Ended], clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow whose time is later than that of the server is read each time."""
    monkeypatch.setattr(_SERVER_TIME, lambda _session: clock.now - 3600)
    for _ in range(2):
        assert _described_by(tenant, typed) == list(range(1, _COUNT + 1))


def test_a_server_without_a_time(
    tenant: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the time of the server nothing is kept."""
    monkeypatch.setattr(_SERVER_TIME, lambda _session: None)
    for _ in range(2):
        assert _described_by(tenant, typed) == list(range(1, _COUNT + 1))


@pytest.mark.parametrize(
    "other", [{"PEAK_AUTH_TOKEN": "of-another-tenant-0123456789"}, {"RECONCILER_REMEMBER_KEY": "another"}]
)
def test_another_tenant_or_key(tenant: Git, typed: Callable[..., Ended], other: dict[str, str]) -> None:
    """Another token may be of another tenant at the same address; another key of digests compares anew."""
    typed("plan", tenant.folder)
    _described(tenant)
    typed("plan", tenant.folder, **other)
    assert _described(tenant) == list(range(1, _COUNT + 1))


def test_a_default_resource_that_changes(tenant: Git, typed: Callable[..., Ended]) -> None:
    """The default resource is part of every comparison: another one makes all to be read again."""
    typed("plan", tenant.folder)
    _described(tenant)
    tenant.server.faults = ("403@GET/workflows/api/v1/resources/defaults",)
    typed("plan", tenant.folder)
    assert _described(tenant) == list(range(1, _COUNT + 1))


@pytest.fixture(name="file")
def _file(tenant: Git, typed: Callable[..., Ended]) -> Path:
    """The file of the cache after a plan."""
    typed("plan", tenant.folder)
    _described(tenant)
    (found,) = _files()
    return found


def _files() -> list[Path]:
    return [*(Path(os.environ["HOME"]) / ".cache/peak-reconciler").glob("*")]


def test_the_file_is_for_its_owner_and_has_digests_only(tenant: Git, file: Path) -> None:
    """Nobody else may read it, and it holds neither names nor content."""
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    text = file.read_text()
    for word in ("w05", "echo", "steps", tenant.server.url, tenant.env["PEAK_AUTH_TOKEN"]):
        assert word not in text


def _flip(file: Path) -> None:
    text = file.read_text()
    file.write_text(text.replace('"plans"', '"plans"')[:-3] + ("8]]" if text[-3] != "8" else "7]]") + "}")


_SPOILED: dict[str, Callable[[Path], object]] = {
    "changed": _flip,
    "cut": lambda file: os.truncate(file, 500),
    "empty": lambda file: file.write_text(""),
    "binary": lambda file: file.write_bytes(b"\xff\x00" * 300),
    "deep": lambda file: file.write_text("[" * 100_000),
    "readable by others": lambda file: file.chmod(0o644),
    "a directory": lambda file: (file.unlink(), file.mkdir()),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "a link": lambda file: (
        file.rename(file.with_suffix(".moved")).with_name(file.name)
        and file.symlink_to(file.with_suffix(".moved"))
    ),
}


@pytest.mark.parametrize("spoil", _SPOILED.values(), ids=_SPOILED)
def test_a_file_that_is_not_believed(
    tenant: Git, typed: Callable[..., Ended], file: Path, spoil: Callable[[Path], object]
) -> None:
    """Whatever the file holds, a plan reads everything, says nothing, and goes on."""
    spoil(file)
    ended = typed("plan", tenant.folder)
    assert (ended.code, ended.err) == (0, "")
    assert _described(tenant) == list(range(1, _COUNT + 1))


def test_a_file_of_another_user(
    tenant: Git, typed: Callable[..., Ended], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that belongs to somebody else is neither read nor replaced."""
    before = file.read_bytes()
    monkeypatch.setattr("os.geteuid", lambda: file.stat().st_uid + 1)
    assert _described_by(tenant, typed) == list(range(1, _COUNT + 1))
    assert file.read_bytes() == before


def test_nowhere_to_write(tenant: Git, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """Where the cache cannot be written there is none, and nothing is said about it."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    for directory in (str(blocked), "relative"):
        ended = typed("plan", tenant.folder, XDG_CACHE_HOME=directory)
        assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({"_MOST_FILES": 2}, 2),
        ({"_MOST_FILES": 1}, 1),
        ({"_MOST_BYTES_OF_ALL": 0}, 1),
        ({"_LONGEST_UNUSED": 1000.0}, 2),
        ({}, 4),
    ],
)
def test_the_files_that_were_not_used_for_longest_go(
    tenant: Git,
    typed: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, float],
    kept: int,
) -> None:
    """Tokens that change, and tenants that are gone, leave a bounded number of bytes and files behind.

    The file of the tenant that was just planned stays, whatever its size.
    """
    for number in range(3):
        typed("plan", tenant.folder, PEAK_AUTH_TOKEN=f"token-number-{number}")
        for file in _files():  # each file is two hours older than the next one
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 7200))
    before = {file: file.stat().st_mtime for file in _files()}
    newest = max(before, key=before.__getitem__)
    os.utime(newest)
    for name, value in limits.items():
        monkeypatch.setattr(f"reconciler.operations.read_cache_file.{name}", value)
    typed("plan", tenant.folder, PEAK_AUTH_TOKEN="token-number-3")
    last = [file for file in _files() if file not in before]
    assert len(last) == 1
    assert len(_files()) == kept
    assert kept == 1 or newest in _files()
