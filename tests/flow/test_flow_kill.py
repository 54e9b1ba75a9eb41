"""An apply that is killed or interrupted at any moment: the next one finishes, and nothing is lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time as real_time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from campaign_helpers import NEW, OWNER, Campaign, command, is_done
from flow_helpers import TENANTS, FakeTime, Git, process_env
from forms import canonical_of
from processes import forked_command
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_EACH = 4
_WRITES = 34
"""The approximate number of writes of a campaign."""

_PACES = [(), ("latency:4ms",), ("slow-body:10ms@PUT", "slow-body:10ms@POST", "slow-body:10ms@DELETE")]
"""How the server answers: at once, late, or long after it has done what was asked."""


@contextmanager
def _campaign(folder: Path, chance: random.Random) -> Iterator[Campaign]:
    """Yield a tenant that waits for thirty-two changes, and answers at some pace."""
    manifests = folder / "workflows"
    manifests.mkdir(parents=True)
    profile = TENANTS[chance.choice(["documented", "all+token-omitted"])]
    with EmulatorServer(step_seconds=1.0, profile=profile, faults=chance.choice(_PACES)) as server:
        yield Campaign(Git(server, manifests, FakeTime()), each=_EACH)


@contextmanager
def _applying(campaign: Campaign) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that applies."""
    git = campaign.git
    prune = ["--prune", "--ownership-tag", OWNER, "--allow-deletes", str(len(campaign.going))]
    words = [*forked_command(), "apply", str(git.folder), "--auto-approve", "--format", "json", *prune]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, stdout=pipe, stderr=pipe, text=True, env=process_env(git), cwd=git.folder.parent
    ) as process:
        yield process


def _moment(git: Git, chance: random.Random, writes: int) -> Callable[[], bool]:
    """Return what says that the moment has come: the n-th write, or some time after the first request."""
    if chance.random() < 0.5:
        number = chance.randint(1, writes)
        return lambda: len(git.writes()) >= number
    seconds = chance.uniform(0.0, 0.6)
    begun: list[float] = []

    def come() -> bool:
        if git.server.requests and not begun:
            begun.append(real_time.monotonic())
        return bool(begun) and real_time.monotonic() - begun[0] >= seconds

    return come


def _send(
    process: subprocess.Popen[str], number: signal.Signals, moment: Callable[[], bool]
) -> tuple[str, str]:
    """Send a signal when the moment has come, and return what the process wrote until its end."""
    while process.poll() is None and not moment():
        real_time.sleep(0.0005)
    process.send_signal(number)
    return process.communicate(timeout=60)


def _shown(campaign: Campaign) -> dict[int, Any]:
    """Return the canonical form of our workflows as the tenant returns them."""
    describe = campaign.git.server._tenant.describe
    return {identity: canonical_of(describe(identity)) for identity in campaign.before}


def _backed_up(campaign: Campaign, shown: dict[int, Any]) -> None:
    """Check that whatever was overwritten or deleted has a backup of what was shown; each backup is whole."""
    backups: dict[int, list[Any]] = {}
    for file in (campaign.git.folder.parent / ".reconciler" / "backups").glob("*/*.json"):
        backup = json.loads(file.read_text(encoding="utf-8"))
        backups.setdefault(backup["id"], []).append((backup["name"], canonical_of(backup["body"])))
    stored = campaign.git.server.store.workflows()
    for identity, record in campaign.before.items():
        if stored.get(identity) != record.body:
            assert (record.name, shown[identity]) in backups.get(identity, [])


@pytest.mark.parametrize("part", range(2 * DEPTH))
def test_killed(tmp_path: Path, part: int) -> None:
    """Killed at any moment, an apply leaves no twin and loses nothing; the next one finishes, with 0."""
    for kill in range(3):
        chance = random.Random(f"kill {part} {kill}")  # noqa: S311 - chance, not secrecy
        with _campaign(tmp_path / str(kill), chance) as campaign:
            shown = _shown(campaign)
            with _applying(campaign) as process:
                _send(process, signal.SIGKILL, _moment(campaign.git, chance, _WRITES))
            campaign.holds()
            _backed_up(campaign, shown)
            campaign.git.server.faults = ()
            with _applying(campaign) as process:
                stdout, stderr = process.communicate(timeout=60)
            assert process.returncode == 0, stdout + stderr
            campaign.is_finished()
            _backed_up(campaign, shown)


def _is_true(campaign: Campaign, report: dict[str, Any]) -> None:
    """Check that a report has every change, that what is done is so, and that the rest was not touched."""
    records = {record.name: record for record in campaign.git.server.store.records()}
    names = {result["name"] for result in report["results"]}
    going = {f"delete-{number:02}" for number in range(_EACH)}
    assert names == going | set(campaign.expected)
    for result in report["results"]:
        name = result["name"]
        done = result["status"] == "done"
        assert done or (result["status"] == "not_tried" and result["error"])
        if name in going:
            assert (name in records) is not done
        elif done:
            record = records[name]
            assert (record.id, record.paused) == (result["id"], campaign.expected[name].paused)
            assert command(record) == NEW
        elif name.startswith(("create", "rename")):
            assert name not in records


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("part", range(2 * DEPTH))
def test_interrupted(tmp_path: Path, part: int, number: signal.Signals) -> None:
    """Interrupted at any moment, an apply finishes the writes in flight, and its JSON is whole and true."""
    chance = random.Random(f"stop {part} {number.name}")  # noqa: S311 - chance, not secrecy
    with _campaign(tmp_path, chance) as campaign:
        git = campaign.git
        with _applying(campaign) as process:
            stdout, stderr = _send(process, number, _moment(git, chance, _WRITES // 2))
        assert "Traceback" not in stderr
        campaign.holds()
        if process.returncode == 130:
            assert (stdout, git.writes()) == ("", [])
        else:
            report = json.loads(stdout)
            _is_true(campaign, report)
            assert process.returncode == (1 if report["summary"]["not_tried"] else 0)
        git.server.faults = ()
        assert is_done(git.apply())
        campaign.is_finished()
