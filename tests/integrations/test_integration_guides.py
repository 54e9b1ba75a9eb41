"""The guides for GitHub and GitLab name all inputs, outputs, jobs and files, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from github_runner import ACTION, ROOT

GITHUB = (ROOT / "docs" / "how-to" / "github-actions.md").read_text()
GITLAB = (ROOT / "docs" / "how-to" / "gitlab-ci.md").read_text()
FILES = ROOT / "examples" / "ci" / "github"
TEMPLATE = ROOT / "examples" / "ci" / "gitlab" / "peak-reconciler.gitlab-ci.yml"


def _first_column(page: str, heading: str) -> list[str]:
    table = page.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def test_inputs_and_outputs() -> None:
    """The tables have every input and output of the action, and no other."""
    assert _first_column(GITHUB, "input") == list(ACTION["inputs"])
    assert sorted(_first_column(GITHUB, "output")) == sorted(ACTION["outputs"])


def test_what_is_shown() -> None:
    """The step uses inputs of the action; the call grants and passes what the workflow needs."""
    step, call = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GITHUB, re.DOTALL))
    assert set(step[0]["with"]) <= set(ACTION["inputs"])
    job = call["jobs"]["peak"]
    called = yaml.safe_load((FILES / Path(job["uses"].partition("@")[0]).name).read_text())
    takes = called[True]["workflow_call"]
    assert set(job["with"]) <= set(takes["inputs"])
    assert set(job["secrets"]) <= set(takes["secrets"])
    needed = {name for one in called["jobs"].values() for name in one["permissions"].items()}
    assert set(job["permissions"].items()) == needed


def test_files_and_jobs_that_are_named() -> None:
    """Files, jobs and secrets in the guides exist, and no file is missing in the guides."""
    assert sorted(_first_column(GITHUB, "file")) == sorted(file.name for file in FILES.iterdir())
    whole = "".join(file.read_text() for file in FILES.iterdir())
    for secret in re.findall(r"secrets\.(\w+)", whole):
        assert f"`{secret}`" in GITHUB
    jobs = yaml.safe_load(TEMPLATE.read_text())
    assert set(re.findall(r"`(peak-(?:drift|plan[\w-]*|apply))`", GITLAB)) <= set(jobs)
    for path in re.findall(r"`(examples/[\w./-]+)`", GITHUB + GITLAB):
        assert (ROOT / Path(path)).exists(), path
