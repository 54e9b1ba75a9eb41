"""The template for GitLab CI: the `script` of each job, against the emulator and a fake GitLab."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from code_host import TOKEN
from markdown_reader import read_markdown
from processes import forked_command
from repository import HOSTILE, PEAK_TOKEN, write_manifest

if TYPE_CHECKING:
    from code_host import CodeHost

    from reconciler.emulator.server import EmulatorServer

FILE = Path(__file__).parents[2] / "examples" / "ci" / "gitlab" / "peak-reconciler.gitlab-ci.yml"
TEMPLATE: dict[str, Any] = yaml.safe_load(FILE.read_text())

MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "12",
    "CI_MERGE_REQUEST_PROJECT_ID": "12",
    "CI_DEFAULT_BRANCH": "main",
}
FORK = {**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "666"}
MAIN = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}
SCHEDULE = {**MAIN, "CI_PIPELINE_SOURCE": "schedule"}


class Pipeline:
    """Runner for jobs of the template, in the same directory.

    Args:
        workspace: The repository.
        env: The variables of GitLab.
    """

    def __init__(self, workspace: Path, env: dict[str, str]) -> None:
        self.workspace = workspace
        self.env = env
        command = workspace.parent / "bin" / "peak-reconciler"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {shlex.join(forked_command())} "$@"\n')
        command.chmod(0o755)
        self._path = f"{command.parent}:{os.environ['PATH']}"

    def job(self, name: str, **env: str) -> tuple[int, str]:
        """Run the script of a job as the runner does, and check that its artifacts exist."""
        job = TEMPLATE[name]
        ended = subprocess.run(
            ["sh", "-c", "set -e\n" + "\n".join(job["script"])],
            cwd=self.workspace,
            env={"PATH": self._path, "HOME": str(self.workspace.parent), **self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=100,
        )
        assert TOKEN not in ended.stdout
        assert PEAK_TOKEN not in ended.stdout
        return ended.returncode, ended.stdout

    def report(self, name: str, kind: str) -> Any:
        """Return a report of a job, as JSON."""
        return json.loads((self.workspace / TEMPLATE[name]["artifacts"]["reports"][kind]).read_text())


@pytest.fixture
def pipeline(workspace: Path, host: CodeHost, tenant: EmulatorServer) -> Pipeline:
    """Return a pipeline for a merge request."""
    env = host.gitlab(PEAK_API_URL=tenant.url, PEAK_AUTH_TOKEN=PEAK_TOKEN)
    return Pipeline(workspace, env)


def test_validate(pipeline: Pipeline) -> None:
    """Errors fail the job with 3, and are in the Code Quality and JUnit reports."""
    (pipeline.workspace / "workflows" / "bad.yaml").write_text("body: {name: bad, stepz: {}}\n")
    code, _ = pipeline.job("peak-validate")
    assert code == 3
    assert pipeline.report("peak-validate", "codequality")[0]["location"]["path"] == "workflows/bad.yaml"
    reports = TEMPLATE["peak-validate"]["artifacts"]["reports"]
    assert "unknown key" in (pipeline.workspace / reports["junit"]).read_text()


def test_plan_keeps_one_note(pipeline: Pipeline, host: CodeHost) -> None:
    """The merge request gets counts and one note, which the second run replaces; hostile names stay text."""
    for number, name in enumerate(HOSTILE):
        write_manifest(pipeline.workspace, name, f"{number}.yaml", command=f"\n{name}\n")
    assert pipeline.job("peak-plan")[0] == 0
    assert pipeline.report("peak-plan", "terraform") == {"create": len(HOSTILE) + 1, "update": 0, "delete": 0}
    assert pipeline.job("peak-plan")[0] == 0
    assert host.writes == ["POST", "PUT"]
    (body,) = host.bodies
    assert [line for line in body.splitlines() if line.startswith("/")] == []
    read_markdown(body.partition("\n\n[Written by this job](")[0]).assert_plan_markup()


def test_plan_without_a_token_or_permission(pipeline: Pipeline, host: CodeHost) -> None:
    """Without a token or permission there is no note, and the job continues."""
    code, log = pipeline.job("peak-plan", GITLAB_TOKEN="")
    assert (code, host.asked) == (0, [])
    assert "Plan: 1 to create." in log
    host.refuses = 403
    code, log = pipeline.job("peak-plan")
    assert (code, host.bodies) == (0, [])
    assert "The plan could not be posted; the log above has it." in log


def test_plan_passes_its_exit_code_on(pipeline: Pipeline, host: CodeHost) -> None:
    """A failed plan fails the job with the tool's exit code, and posts nothing."""
    assert pipeline.job("peak-plan", PEAK_AUTH_TOKEN="")[0] == 3
    assert host.asked == []


def test_apply_applies_the_plan_file(pipeline: Pipeline, tenant: EmulatorServer) -> None:
    """On the default branch the plan file is applied and the run record kept; then there is no drift."""
    config = pipeline.workspace / "reconciler.yaml"
    config.write_text(config.read_text() + "environments:\n  live: {protected: true}\n")
    pipeline.env["RECONCILER_ENVIRONMENT"] = "live"
    assert pipeline.job("peak-plan-to-apply")[0] == 0
    assert pipeline.job("peak-drift")[0] == 2
    code, log = pipeline.job("peak-apply")
    assert (code, "Applied: 1 done" in log) == (0, True)
    assert [record.name for record in tenant.store.records()] == ["flow"]
    kept = TEMPLATE["peak-apply"]["artifacts"]["paths"][0]
    assert json.loads((pipeline.workspace / kept).read_text())["report"]["summary"]["done"] == 1
    write_manifest(pipeline.workspace, "flow", command="another")
    assert pipeline.job("peak-apply")[0] == 4


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        (MERGE_REQUEST, {"peak-validate", "peak-plan"}),
        (FORK, {"peak-validate"}),
        (MAIN, {"peak-validate", "peak-plan-to-apply", "peak-apply"}),
        ({**MAIN, "CI_COMMIT_BRANCH": "other"}, set()),
        (SCHEDULE, {"peak-drift"}),
    ],
)
def test_rules(variables: dict[str, str], jobs: set[str]) -> None:
    """Each pipeline has the jobs that it should; a fork's merge request has no plan."""

    def holds(condition: str) -> bool:
        for part in condition.split(" && "):
            left, right = part.split(" == ")
            values = [
                variables.get(side[1:], "") if side.startswith("$") else side.strip('"')
                for side in (left, right)
            ]
            if values[0] != values[1]:
                return False
        return True

    found = {
        name
        for name, job in TEMPLATE.items()
        if isinstance(job, dict) and any(holds(rule["if"]) for rule in job.get("rules", []))
    }
    assert found == jobs


def test_apply_waits_for_a_person() -> None:
    """The apply is started manually, in an environment, one at a time, and only with the plan file."""
    job = TEMPLATE["peak-apply"]
    assert job["rules"][0]["when"] == "manual"
    assert job["environment"] == "production"
    assert job["resource_group"]
    assert job["needs"] == ["peak-plan-to-apply"]
    assert re.search(r"apply --plan peak-plan\.json ", job["script"][0])
