"""The guides for GitHub and GitLab name what there is: inputs, outputs, jobs, files."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from github_runner import ACTION, ROOT

GITHUB = (ROOT / "docs" / "how-to" / "github-actions.md").read_text()
GITLAB = (ROOT / "docs" / "how-to" / "gitlab-ci.md").read_text()
TEMPLATE = ROOT / "examples" / "ci" / "gitlab" / "peak-reconciler.gitlab-ci.yml"


def _first_column(page: str, heading: str) -> list[str]:
    table = page.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def test_inputs_and_outputs() -> None:
    """The tables have every input and output of the action, and no other."""
    assert _first_column(GITHUB, "input") == list(ACTION["inputs"])
    assert sorted(_first_column(GITHUB, "output")) == sorted(ACTION["outputs"])


def test_steps_that_are_shown() -> None:
    """Each step that is shown uses inputs that there are."""
    shown = [
        step
        for block in re.findall(r"```yaml\n(.*?)```", GITHUB, re.DOTALL)
        for step in yaml.safe_load(block)
    ]
    assert shown
    for step in shown:
        assert set(step["with"]) <= set(ACTION["inputs"])


def test_files_and_jobs_that_are_named() -> None:
    """Files, jobs and secrets that the guides name are there, and none of the files is left out."""
    files = ROOT / "examples" / "ci" / "github"
    assert sorted(_first_column(GITHUB, "file")) == sorted(file.name for file in files.iterdir())
    whole = "".join(file.read_text() for file in files.iterdir())
    for secret in re.findall(r"secrets\.(\w+)", whole):
        assert f"`{secret}`" in GITHUB
    jobs = yaml.safe_load(TEMPLATE.read_text())
    assert set(re.findall(r"`(peak-(?:drift|plan[\w-]*|apply))`", GITLAB)) <= set(jobs)
    for path in re.findall(r"`(examples/[\w./-]+)`", GITHUB + GITLAB):
        assert (ROOT / Path(path)).exists(), path
