"""Fleet in jobs of others: what is printed is valid, and its jobs together do what the fleet would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml
from fleet_helpers import Fleet, summaries, words_of
from strategies import DEPTH

from reconciler.errors import UsageError
from reconciler.fleet import Unit, github_matrix, gitlab_pipeline
from reconciler.plan import Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_APPLY = ("apply", "--environments", "live-*", "--shards", "2", "--auto-approve")


def _printed(fleet: Fleet, *words: str) -> str:
    ended = fleet.run("fleet", *_APPLY, *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not any(server.requests for server in fleet.servers)
    return ended.stdout


def _is_whole(fleet: Fleet, names: list[str], report: dict[str, Any]) -> None:
    """Check that everything was applied once, and that the report is the sum of the units."""
    assert fleet.names() == [dict.fromkeys(names, 1)] * 2
    assert (report["exit_code"], report["missing"]) == (0, 0)
    assert report["summary"]["done"] == 2 * len(names)
    assert report["summary"] == {
        key: sum(each[key] for each in summaries(report)) for key in report["summary"]
    }


def test_a_github_matrix(fleet: Fleet) -> None:
    """The matrix is one line; the command of each entry writes a result, and `report merge` merges them."""
    names = fleet.write(6)
    printed = _printed(fleet, "--executor", "matrix", "--retries=1")
    assert printed.count("\n") == 1
    jobs = json.loads(printed)["include"]
    assert [job["name"] for job in jobs] == ["live-0 1/2", "live-0 2/2", "live-1 1/2", "live-1 2/2"]
    for job in jobs:
        assert all(isinstance(value, str | int) for value in job.values())
        ended = fleet.run(*words_of(job["command"]))
        assert ended.returncode == 0, ended.stderr
    merged = fleet.run("report", "merge", *[job["result"] for job in jobs], "--format", "json")
    _is_whole(fleet, names, json.loads(merged.stdout))


def test_a_gitlab_pipeline(fleet: Fleet) -> None:
    """Each job of the child pipeline runs its script with the variables of its entry; the last one merges."""
    names = fleet.write(6)
    pipeline = yaml.safe_load(_printed(fleet, "--executor", "matrix", "--ci", "gitlab"))
    unit, merged = pipeline["unit"], pipeline["merged"]
    assert pipeline["stages"] == [unit["stage"], merged["stage"]]
    for entry in unit["parallel"]["matrix"]:
        ended = fleet.shell("\n".join(unit["script"]), **entry)
        assert ended.returncode == 0, ended.stderr
    assert sorted(fleet.folder.glob(unit["artifacts"]["paths"][0])) == sorted(
        fleet.folder / f"unit-{number}.json" for number in range(4)
    )
    ended = fleet.shell("\n".join(merged["script"]))
    assert ended.returncode == 0, ended.stderr
    _is_whole(fleet, names, json.loads((fleet.folder / merged["artifacts"]["paths"][0]).read_text()))


def test_the_workflow_of_the_guide(fleet: Fleet) -> None:
    """The steps of the guide's workflow, run as GitHub does, leave a result for each unit."""
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "fleet.md").read_text(encoding="utf-8")
    jobs = yaml.safe_load(guide.split("```yaml\n")[1].split("```")[0])["jobs"]
    fleet.environments = {name: fleet.environments[name] for name in ("live-0", "live-1")}
    fleet.configure()
    fleet.write(3)
    output = fleet.folder / "output"
    (listed,) = (step for step in jobs["units"]["steps"] if step.get("id") == "list")
    assert fleet.shell(listed["run"], GITHUB_OUTPUT=str(output)).returncode == 0
    matrix = json.loads(output.read_text().removeprefix("matrix="))
    planned = jobs["plan"]["steps"][-1]
    for entry in matrix["include"]:
        assert set(re.findall(r"\$\{\{ matrix\.(\w+)", str(jobs["plan"]))) <= {*entry}
        ended = fleet.shell(planned["run"], UNIT=str(entry["unit"]))
        assert ended.returncode == 0, ended.stderr
    results = [entry["result"] for entry in matrix["include"]]
    merged = json.loads(fleet.run("report", "merge", *results, "--format", "json").stdout)
    assert (merged["missing"], merged["summary"]["create"]) == (0, 6)


@pytest.mark.parametrize("version", ["1.31", "1.33"][-DEPTH:])
def test_a_kubernetes_job(fleet: Fleet, version: str) -> None:
    """The Job is valid; its pods, each with its index, do everything, and their log can be merged."""
    names = fleet.write(6)
    printed = _printed(fleet, "--executor", "kubernetes", "--image", "registry/peak:1", "--secret", "tokens")
    job = yaml.safe_load(printed)
    assert kubernetes_validate.validate(job, version, strict=True) == version
    spec = job["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (spec["completions"], spec["completionMode"], container["image"]) == (
        4,
        "Indexed",
        "registry/peak:1",
    )
    assert container["envFrom"] == [{"secretRef": {"name": "tokens"}}]
    assert not any(token in printed for token in ("token-0", "token-1"))
    log = ""
    for index in range(spec["completions"]):
        ended = fleet.run(*container["args"], JOB_COMPLETION_INDEX=str(index))
        assert ended.returncode == 0, ended.stderr
        log += ended.stderr + ended.stdout
    (fleet.folder / "pods.log").write_text(log)
    merged = fleet.run("report", "merge", "pods.log", "--format", "json")
    _is_whole(fleet, names, json.loads(merged.stdout))


@pytest.mark.parametrize(
    ("write", "most"), [(github_matrix, 256), (gitlab_pipeline, 200)], ids=["github", "gitlab"]
)
def test_more_jobs_than_allowed(write: Callable[[Sequence[Unit], Sequence[str]], str], most: int) -> None:
    """A matrix that the CI system would refuse is refused here, with what to do."""

    def units(count: int) -> list[Unit]:
        shards = (Shard(number=number, of=count) for number in range(1, count + 1))
        return [
            Unit(index=index, of=count, environment="e", shard=shard) for index, shard in enumerate(shards)
        ]

    assert write(units(most), ["fleet", "plan"])
    with pytest.raises(UsageError, match=f"at most {most} jobs, found {most + 1} units"):
        write(units(most + 1), ["fleet", "plan"])
