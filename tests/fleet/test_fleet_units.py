"""Units of a fleet, each as a process: what they cover, what stays with them, and the limits over all."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from fleet_helpers import live_body
from processes import COMMAND
from strategies import DEPTH

from reconciler.fleet import FleetWork, Unit, list_units, run_unit
from reconciler.fleet.units import read_list
from reconciler.operations import RawOptions, ScopeOptions, SharedTenant
from reconciler.plan import Shard

if TYPE_CHECKING:
    from fleet_helpers import Fleet

_LIVE = ("--environments", "live-*")


def _unit(fleet: Fleet, *words: str) -> dict[str, Any]:
    ended = fleet.run("fleet", *words)
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["exit_code"] == ended.returncode, ended.stderr
    return found


def test_the_shards_of_an_environment_are_the_whole(fleet: Fleet) -> None:
    """Each workflow is in exactly one unit; together they apply everything, each tenant by itself."""
    names = fleet.write(9)
    found = [
        _unit(fleet, "apply", *_LIVE, "--shards", "2", "--auto-approve", "--unit", str(number))
        for number in range(4)
    ]
    parts = [[result["name"] for result in unit["report"]["results"]] for unit in found]
    assert all(parts)
    assert sorted(parts[0] + parts[1]) == sorted(parts[2] + parts[3]) == names
    assert [(unit["environment"], unit["shard"]) for unit in found] == [
        ("live-0", "1/2"),
        ("live-0", "2/2"),
        ("live-1", "1/2"),
        ("live-1", "2/2"),
    ]
    assert fleet.names() == [dict.fromkeys(names, 1)] * 2
    again = _unit(fleet, "apply", *_LIVE, "--shards", "2", "--auto-approve", "--unit", "1")
    assert again["report"]["results"] == []


@pytest.mark.parametrize(
    ("unit", "environment", "message"), [("2", "dead", "no connection"), ("3", "refused", "401")]
)
def test_an_error_is_the_result_of_its_unit(fleet: Fleet, unit: str, environment: str, message: str) -> None:
    """A host that is gone and a token that is refused give a result with the error, as any other."""
    fleet.write(1)
    found = _unit(fleet, "plan", "--unit", unit)
    assert (found["environment"], found["exit_code"], found["plan"]) == (environment, 1, None)
    assert message in found["error"]
    assert "wrong" not in json.dumps(found)


def test_invalid_manifests_are_named_in_the_result(fleet: Fleet) -> None:
    """The findings of a unit are a part of its result, so that a merged report says what to fix."""
    (fleet.folder / "flows" / "a.yaml").write_text("name: a\nsteps: {one: {command: [x]}}\n")
    found = _unit(fleet, "status", "--unit", "0")
    assert found["exit_code"] == 3
    assert any("a.yaml:2" in message for message in found["messages"])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("apply",), 64, "does not ask for approval"),
        (("plan", "--environments", "life-0"), 64, "matches no environment"),
        (("plan", "--unit", "4"), 64, "there is no unit 4"),
        (("plan", "--executor", "dusk"), 64, "is unknown"),
        (("plan", "--shards", "0"), 64, "from 1 to 1000"),
        (("apply", "--auto-approve", "--environments", "l*", "--executor", "matrix"), 64, "is protected"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    fleet: Fleet, words: tuple[str, ...], code: int, message: str
) -> None:
    """A wrong option, an unknown environment, and a write to a protected one by a glob end at once."""
    fleet.write(1)
    fleet.environments["live-1"]["protected"] = True
    fleet.configure()
    ended = fleet.run("fleet", *words)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert message in ended.stderr
    assert not any(server.requests for server in fleet.servers)


def test_without_dask(fleet: Fleet) -> None:
    """Where Dask is not installed, the message names it and the extra."""
    fleet.write(1)
    (fleet.folder / "sitecustomize.py").write_text("import sys\nsys.modules['dask'] = None\n")
    ended = subprocess.run(
        [*COMMAND, "fleet", "plan"],
        cwd=fleet.folder,
        env={**fleet.env, "PYTHONPATH": f"{fleet.folder}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (64, "")
    assert "needs dask" in ended.stderr
    assert "peak-reconciler[fleet]" in ended.stderr


def test_a_protected_environment_by_its_name(fleet: Fleet) -> None:
    """The exact name of a protected environment is enough."""
    fleet.write(1)
    fleet.environments["live-1"]["protected"] = True
    fleet.configure()
    found = _unit(fleet, "apply", "--environments", "live-1", "--auto-approve", "--unit", "0")
    assert found["report"]["summary"]["done"] == 1


@pytest.mark.parametrize(("limit", "deleted"), [(3, 0), (4, 4)])
def test_the_limits_of_pruning_hold_over_all_shards(fleet: Fleet, limit: int, deleted: int) -> None:
    """Where the orphans of all shards are more than the limit, no shard deletes any."""
    fleet.write(2)
    safety = {"max_deletes": limit, "max_delete_ratio": 1, "max_change_ratio": 1}
    fleet.configure(ownership={"tag": "team"}, safety=safety)
    _unit(fleet, "apply", *_LIVE, "--auto-approve", "--unit", "0")
    for number in range(4):
        fleet.servers[0].store.create(live_body(f"old-{number}", owner="team"))
    found = [
        _unit(fleet, "apply", *_LIVE, "--shards", "2", "--auto-approve", "--prune", "--unit", number)
        for number in "01"
    ]
    left = [name for name in fleet.names()[0] if name.startswith("old")]
    assert len(left) == 4 - deleted
    blocked = sum(unit["report"]["summary"]["blocked"] for unit in found)
    assert blocked == 4 - deleted
    assert {unit["exit_code"] for unit in found} <= ({0} if deleted else {0, 4})


def test_shards_prune_at_the_same_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard whose list still shows what another one deleted deletes its own part, and does not fail."""
    fleet.write(2)
    safety = {"max_deletes": 6, "max_delete_ratio": 1, "max_change_ratio": 1}
    fleet.configure(ownership={"tag": "team"}, safety=safety)
    _unit(fleet, "apply", *_LIVE, "--auto-approve", "--unit", "0")
    for number in range(6):
        fleet.servers[0].store.create(live_body(f"old-{number}", owner="team"))
    monkeypatch.chdir(fleet.folder)
    work = FleetWork(command="apply", scope=ScopeOptions(prune=True))
    shared = SharedTenant(listed=read_list(work, "live-0", fleet.env))
    deleted = []
    for number in (1, 2):
        unit = Unit(index=number, of=2, environment="live-0", shard=Shard(number=number, of=2))
        document: Any = run_unit(work, unit, shared, env=fleet.env).document
        assert (document["exit_code"], document["error"]) == (0, None)
        deleted.append(document["report"]["summary"]["done"])
    assert all(deleted)
    assert sum(deleted) == 6
    assert fleet.names()[0] == {"w00": 1, "w01": 1}


def test_the_shards_share_a_walk_of_the_list(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that is given the list plans the same without reading it; a list that cannot be read is none."""
    fleet.write(4)
    for number in range(2):
        fleet.servers[0].store.create(live_body(f"w{number:02}"))
    monkeypatch.chdir(fleet.folder)
    work = FleetWork(command="plan")
    listed = read_list(work, "live-0", fleet.env)
    fleet.servers[0].clear_requests()
    plans = []
    for shared in (SharedTenant(listed=listed), SharedTenant()):
        for number in (1, 2):
            unit = Unit(index=number, of=2, environment="live-0", shard=Shard(number=number, of=2))
            plans.append(run_unit(work, unit, shared, env=fleet.env).document["plan"])
        walks = [request for request in fleet.servers[0].requests if request.path.endswith("/workflows/")]
        assert len(walks) == (0 if shared.listed else 2)
    assert plans[:2] == plans[2:]
    assert read_list(work, "refused", fleet.env) is None


@pytest.mark.skipif(DEPTH < 2, reason="reads some hundred workflows; runs with TEST_DEPTH=2")
def test_refresh_reads_everything_again(fleet: Fleet) -> None:
    """A second plan of a unit reads only what may have changed; with --refresh it reads each workflow."""
    fleet.servers[0].store._clock = lambda: time.time() - 3600  # type: ignore[method-assign]
    for name in fleet.write(130):
        fleet.servers[0].store.create(live_body(name))
    described = []
    for words in ((), (), ("--refresh",)):
        fleet.servers[0].clear_requests()
        _unit(fleet, "plan", *_LIVE, "--unit", "0", *words)
        paths = (request.path.rpartition("/")[2] for request in fleet.servers[0].requests)
        described.append(sum(path.isdigit() for path in paths))
    assert described[0] == described[2] == 130
    assert described[1] < 130


def test_units_that_share_no_budget_take_a_part_of_the_rate(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit that runs alone sends at most the tenant's rate divided by the number of shards."""
    fleet.environments["live-0"]["max_requests_per_second"] = 12
    fleet.configure()
    monkeypatch.chdir(fleet.folder)
    work = FleetWork(command="plan")
    unit = Unit(index=0, of=3, environment="live-0", shard=Shard(number=1, of=3))
    assert work.alone(unit).settings("live-0").max_requests_per_second == 4
    assert work.alone(unit).settings("live-1").max_requests_per_second == 4
    assert work.settings("live-0").shared == SharedTenant()


def test_the_list_of_units_is_the_same_everywhere(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units come in the order of the configuration, whatever the order of the globs."""
    fleet.write(1)
    monkeypatch.chdir(fleet.folder)
    work = FleetWork(command="status", raw=RawOptions())
    units = list_units(work, ("refused", "live-*"), 2)
    assert [unit.label for unit in units] == [
        "live-0 1/2",
        "live-0 2/2",
        "live-1 1/2",
        "live-1 2/2",
        "refused 1/2",
        "refused 2/2",
    ]
    assert [(unit.index, unit.of) for unit in units] == [(number, 6) for number in range(6)]
    assert list_units(work, ("live-*", "refused"), 2) == units
