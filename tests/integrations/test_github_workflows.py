"""The workflows for GitHub that users copy, run job by job with their artifacts and outputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from github_runner import ROOT
from repository import PEAK_TOKEN, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from code_host import CodeHost
    from github_runner import Runner

    from reconciler.emulator.server import EmulatorServer

WORKFLOWS = sorted((ROOT / "examples" / "ci" / "github").glob("*.yml"))


def test_pull_request(runner: Runner, host: CodeHost) -> None:
    """A pull request is validated, its findings go to code scanning, and its plan into the comment."""
    done = runner.workflow("pull-request.yml")
    assert {name: ran.code for name, ran in done.items()} == {"validate": 0, "plan": 0}
    (sarif,) = runner.scanned
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert len(host.bodies) == 1


def test_pull_request_of_a_fork(runner: Runner, host: CodeHost) -> None:
    """A fork's pull request is validated, and nothing else: no plan, no code scanning, no comment."""
    runner.github["event"] = {"pull_request": {"head": {"repo": {"full_name": "mallory/flows"}}}}
    runner.secrets = {}
    done = runner.workflow("pull-request.yml")
    assert {name: ran.code for name, ran in done.items()} == {"validate": 0}
    assert (runner.scanned, host.asked) == ([], [])


def test_pull_request_with_errors(runner: Runner) -> None:
    """Errors go to code scanning nevertheless, and there is no plan."""
    (runner.workspace / "workflows" / "bad.yaml").write_text("body: {name: bad, stepz: {}}\n")
    done = runner.workflow("pull-request.yml")
    assert {name: ran.code for name, ran in done.items()} == {"validate": 3}
    assert len(runner.scanned) == 1


def test_main_applies_the_plan_that_was_approved(
    runner: Runner, tenant: EmulatorServer, host: CodeHost
) -> None:
    """After a merge the plan file goes to the job that waits for approval, which applies exactly that."""
    runner.env["GITHUB_REF"] = "refs/heads/main"
    done = runner.workflow("main.yml")
    assert {name: ran.code for name, ran in done.items()} == {"plan": 0, "apply": 0}
    assert [record.name for record in tenant.store.records()] == ["flow"]
    report = json.loads((runner.artifacts["peak-apply"] / "report.json").read_text())
    assert report["report"]["summary"]["done"] == 1
    assert host.asked == []  # no pull request, no comment
    assert not [text for ran in done.values() for text in (ran.log, ran.summary) if PEAK_TOKEN in text]


def test_main_without_differences(runner: Runner, tenant: EmulatorServer) -> None:
    """Without changes, no approval is requested; the drift check fails as soon as there is a change."""
    assert runner.action(command="apply", token=PEAK_TOKEN).code == 0
    runner.env["GITHUB_REF"] = "refs/heads/main"
    assert {name: ran.code for name, ran in runner.workflow("main.yml").items()} == {"plan": 0}
    write_manifest(runner.workspace, "flow", command="another")
    assert {name: ran.code for name, ran in runner.workflow("drift.yml").items()} == {"drift": 2}
    assert len([request for request in tenant.requests if request.method == "POST"]) == 1


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_are_safe(file: Path) -> None:
    """None runs with secrets for a fork, has undeclared permissions, or contains shell code."""
    workflow = yaml.safe_load(file.read_text())
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(workflow[True])
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"]
        assert [step for step in job["steps"] if "run" in step] == []
    assert "concurrency" in workflow
