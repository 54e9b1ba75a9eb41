"""`probe` as a user types it: a profile of the tenant, nothing left behind, and no other workflow touched."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest
from flow_helpers import TOKEN, Ended
from processes import forked_command, inherited_environment
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer
from reconciler.tenant_profile import DELAYS, read_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.tenant_profile import TenantProfile

OTHERS: Final = ("Daily", "zz-probes-of ours", "zz")
PROFILE: Final = frozenset({"token-masked", "list-lag=500", "text-trimmed", "tag-length-refused=30"})


@pytest.fixture
def tenant() -> Iterator[EmulatorServer]:
    """Yield a tenant with behaviours, and with workflows of others."""
    with EmulatorServer(profile=PROFILE) as server:
        for name in OTHERS:
            server.store.create({"name": name, "steps": {"a": {"command": "x"}}})
        yield server


@pytest.fixture
def line(
    tenant: EmulatorServer,
    typed: Callable[..., Ended],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Ended]:
    """Return a function that runs the command line against the tenant, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: typed(*words, PEAK_API_URL=tenant.url)


def _without_delays(profile: TenantProfile) -> set[str]:
    """Return what a profile names without what it measured, which depends on how busy the machine is."""
    return {word for word in profile.switches if not word.startswith(DELAYS)}


def _settle(server: EmulatorServer) -> None:
    """Wait until no request of a killed probe is being answered any more, and show all that it wrote."""
    seen = -1
    while seen != len(server.requests):
        seen = len(server.requests)
        time.sleep(0.2)
    server.profile -= {"list-lag=500"}


def _names(server: EmulatorServer) -> list[str]:
    return [str(body["name"]) for body in server.store.workflows().values()]


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
def test_a_profile(tenant: EmulatorServer, line: Callable[..., Ended], tmp_path: Path) -> None:
    """A probe writes what it found; it makes at most three workflows, which have no triggers and never start.

    All others are only listed.
    """
    ended = line("probe", "--write", "--yes")
    assert ended.code == 0, ended.err
    assert "Wrote tenant-profile.yaml." in ended.out
    assert _without_delays(read_profile(tmp_path / "tenant-profile.yaml")) == PROFILE - {"list-lag=500"}
    assert "texts lose outer white space" in ended.out
    assert _names(tenant) == [*OTHERS]

    writes = [request for request in tenant.requests if request.method != "GET"]
    made = [request for request in writes if request.method == "POST" and request.path.endswith("workflows/")]
    assert 1 <= len(made) <= 3
    assert not [request for request in writes if request.path.endswith("/execute")]
    bodies = [request.body for request in writes if isinstance(request.body, dict)]
    assert len(bodies) > 40
    assert not [body for body in bodies if body.get("triggers")]
    others = {f"/workflows/{number}" for number in range(1, len(OTHERS) + 1)}
    assert not [request for request in tenant.requests if request.path.endswith(tuple(others))]


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
def test_a_changed_platform(tenant: EmulatorServer, line: Callable[..., Ended], tmp_path: Path) -> None:
    """A probe agrees with the profile of its tenant, and of one emulated by it; a change exits with 2."""
    file = tmp_path / "tenant-profile.yaml"
    assert line("probe", "--write", "--yes").code == 0
    profile = read_profile(file)
    tenant.profile = frozenset(profile.switches)
    assert line("probe", "again.yaml", "--write", "--yes").code == 0
    assert not [*read_profile(tmp_path / "again.yaml").differences(profile)]

    tenant.profile = frozenset({*PROFILE, "names-lower"} - {"token-masked"})
    changed = line("probe", "--write", "--yes", "--format", "sarif")
    assert changed.code == 2
    (run,) = json.loads(changed.out)["runs"]
    assert [result["message"]["text"] for result in run["results"]] == [
        "names-lower: the platform does this now, and did not",
        "token-masked: the platform does this no more",
    ]
    assert read_profile(file) == profile
    assert line("probe", "--write", "--yes", "--update").code == 0
    assert "names-lower" in read_profile(file).found


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("probe",), 64, "a probe writes to the tenant: pass --write"),
        (("probe", "--write", "--prefix", "Zz"), 64, "invalid prefix"),
        (("probe", "--write", "--prefix", "zz-probes", "--yes"), 4, "zz-probes-of ours"),
        (("probe", "--write"), 4, "not approved; nothing was written"),
    ],
)
def test_refusals(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    tenant: EmulatorServer,
    line: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    """Without --write, with a prefix that is taken or unsuitable, and without approval nothing is written."""
    tenant.profile = frozenset()
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    ended = line(*words)
    assert (ended.code, message in ended.err) == (code, True), ended.err
    assert not [request for request in tenant.requests if request.method != "GET"]


def test_a_protected_environment(line: Callable[..., Ended], tmp_path: Path) -> None:
    """A protected environment must be named on the command line."""
    (tmp_path / "reconciler.yaml").write_text(
        "manifests: [.]\nenvironments:\n  prod: {stage: prod, protected: true}\n"
    )
    ended = line("probe", "--write", "--yes")
    assert ended.code == 64
    assert "environment" in ended.err


@pytest.mark.parametrize("text", ["", "found: []", "format_version: 2\nfound: {}", "{", "- a"])
def test_a_file_that_is_no_profile(
    tenant: EmulatorServer, line: Callable[..., Ended], tmp_path: Path, text: str
) -> None:
    """A file that is not a profile is refused, with its place, before anything is sent."""
    (tmp_path / "tenant-profile.yaml").write_text(text)
    ended = line("probe", "--write", "--yes")
    assert ended.code == 3, ended.err
    assert "tenant-profile.yaml" in ended.err
    assert not tenant.requests


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
@pytest.mark.parametrize("seed", range(3 * DEPTH))
def test_killed(tenant: EmulatorServer, line: Callable[..., Ended], tmp_path: Path, seed: int) -> None:
    """What a killed probe leaves is deleted by --clean, whenever it was killed, and nothing else is."""
    chance = random.Random(seed)  # noqa: S311 - when to kill
    env = {**inherited_environment(), "PEAK_API_URL": tenant.url, "PEAK_AUTH_TOKEN": TOKEN}
    words = [*forked_command(), "probe", "--write", "--yes"]
    with subprocess.Popen(words, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        before, number = len(tenant.requests), chance.randint(1, 90)
        while process.poll() is None and len(tenant.requests) - before < number:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    _settle(tenant)
    ended = line("probe", "--clean")
    assert ended.code == 0, ended.err
    assert _names(tenant) == [*OTHERS]


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
def test_faults(tenant: EmulatorServer, line: Callable[..., Ended]) -> None:
    """Where answers are lost a probe ends with an error or with what is so, and leaves nothing behind."""
    for fault in ("drop-after:x1@POST", "503:+20:x1@PUT", "drop-after:+3:x1@DELETE"):
        tenant.faults = [fault]
        ended = line("probe", "--write", "--yes")
        tenant.faults = []
        if ended.code:
            assert "error:" in ended.err
        assert _names(tenant) == [*OTHERS], fault
