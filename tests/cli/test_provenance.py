"""Who ran an apply, from which commit: the variables that each CI documents, else git and the login name."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.operations.git_and_ci import provenance

if TYPE_CHECKING:
    from pathlib import Path

_CASES = {
    "github": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "ann",
        "GITHUB_SHA": "abc",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REPOSITORY": "acme/flows",
        "GITHUB_RUN_ID": "7",
    },
    "gitlab": {
        "GITLAB_CI": "true",
        "GITLAB_USER_LOGIN": "ann",
        "CI_COMMIT_SHA": "abc",
        "CI_COMMIT_REF_NAME": "refs/heads/main",
        "CI_PROJECT_PATH": "acme/flows",
        "CI_PIPELINE_ID": "7",
    },
    "azure": {
        "TF_BUILD": "True",
        "BUILD_REQUESTEDFOR": "ann",
        "BUILD_SOURCEVERSION": "abc",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_REPOSITORY_NAME": "acme/flows",
        "BUILD_BUILDID": "7",
    },
    "bitbucket": {
        "BITBUCKET_BUILD_NUMBER": "7",
        "BITBUCKET_STEP_TRIGGERER_UUID": "ann",
        "BITBUCKET_COMMIT": "abc",
        "BITBUCKET_BRANCH": "refs/heads/main",
        "BITBUCKET_REPO_FULL_NAME": "acme/flows",
    },
    "circleci": {
        "CIRCLECI": "true",
        "CIRCLE_USERNAME": "ann",
        "CIRCLE_SHA1": "abc",
        "CIRCLE_BRANCH": "refs/heads/main",
        "CIRCLE_PROJECT_REPONAME": "acme/flows",
        "CIRCLE_BUILD_NUM": "7",
    },
    "jenkins": {
        "JENKINS_URL": "https://ci.example.com",
        "BUILD_USER_ID": "ann",
        "GIT_COMMIT": "abc",
        "GIT_BRANCH": "refs/heads/main",
        "GIT_URL": "acme/flows",
        "BUILD_TAG": "7",
    },
}


@pytest.mark.parametrize("system", _CASES)
def test_each_ci(system: str, tmp_path: Path) -> None:
    """Each system's own variables say who, which commit, and which run."""
    assert provenance(_CASES[system], tmp_path) == {
        "system": system,
        "actor": "ann",
        "commit": "abc",
        "ref": "refs/heads/main",
        "repository": "acme/flows",
        "run": "7",
    }


def test_a_password_in_an_address(tmp_path: Path) -> None:
    """A password in the address of the repository is not recorded."""
    env = {**_CASES["jenkins"], "GIT_URL": "https://robot:hunter2@git.example.com/flows"}
    assert "hunter2" not in str(provenance(env, tmp_path))


def test_at_a_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a CI it is the login name and what git says; without a repository nothing is made up."""
    monkeypatch.setenv("LOGNAME", "ann")
    found = provenance({}, tmp_path)
    assert (found["system"], found["actor"], found["commit"]) == (None, "ann", None)
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        name = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
        subprocess.run(["git", *name, *words], cwd=tmp_path, check=True)
    found = provenance({}, tmp_path)
    assert found["ref"] == "refs/heads/main"
    assert len(str(found["commit"])) == 40
