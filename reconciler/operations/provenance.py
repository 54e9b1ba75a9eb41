"""Provenance of a run: who started it and from which commit, from CI variables or git."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.secrecy import mask_credentials
from reconciler.text import clip
from reconciler.values import JsonObject

_SYSTEMS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "github": {
        "detected": ("GITHUB_ACTIONS",),
        "actor": ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        "commit": ("GITHUB_SHA",),
        "ref": ("GITHUB_REF",),
        "repository": ("GITHUB_REPOSITORY",),
        "run": ("GITHUB_RUN_ID",),
    },
    "gitlab": {
        "detected": ("GITLAB_CI",),
        "actor": ("GITLAB_USER_LOGIN",),
        "commit": ("CI_COMMIT_SHA",),
        "ref": ("CI_COMMIT_REF_NAME",),
        "repository": ("CI_PROJECT_PATH",),
        "run": ("CI_PIPELINE_ID",),
    },
    "azure": {
        "detected": ("TF_BUILD",),
        "actor": ("BUILD_REQUESTEDFOR",),
        "commit": ("BUILD_SOURCEVERSION",),
        "ref": ("BUILD_SOURCEBRANCH",),
        "repository": ("BUILD_REPOSITORY_NAME",),
        "run": ("BUILD_BUILDID",),
    },
    "bitbucket": {
        "detected": ("BITBUCKET_BUILD_NUMBER",),
        "actor": ("BITBUCKET_STEP_TRIGGERER_UUID",),
        "commit": ("BITBUCKET_COMMIT",),
        "ref": ("BITBUCKET_BRANCH", "BITBUCKET_TAG"),
        "repository": ("BITBUCKET_REPO_FULL_NAME",),
        "run": ("BITBUCKET_BUILD_NUMBER",),
    },
    "circleci": {
        "detected": ("CIRCLECI",),
        "actor": ("CIRCLE_USERNAME",),
        "commit": ("CIRCLE_SHA1",),
        "ref": ("CIRCLE_BRANCH", "CIRCLE_TAG"),
        "repository": ("CIRCLE_PROJECT_REPONAME",),
        "run": ("CIRCLE_BUILD_NUM",),
    },
    "jenkins": {
        "detected": ("JENKINS_URL",),
        "actor": ("BUILD_USER_ID", "CHANGE_AUTHOR"),
        "commit": ("GIT_COMMIT",),
        "ref": ("GIT_BRANCH",),
        "repository": ("GIT_URL",),
        "run": ("BUILD_TAG",),
    },
}
"""The variables of each system, as its documentation names them."""

_FACTS: Final = ("actor", "commit", "ref", "repository", "run")
_GIT_SECONDS: Final = 5


def provenance(env: Mapping[str, str], folder: Path) -> JsonObject:
    """Return `system`, `actor`, `commit`, `ref`, `repository` and `run`; `None` for what is not known.

    Args:
        env: The variables of the process.
        folder: A directory of the repository, for a run outside of any CI.
    """
    for system, variables in _SYSTEMS.items():
        if any(env.get(name) for name in variables["detected"]):
            facts = {fact: _first(env, variables[fact]) for fact in _FACTS}
            return {"system": system, **facts}
    return {
        "system": None,
        "actor": _login(),
        "commit": _git(folder, "rev-parse", "HEAD"),
        "ref": _git(folder, "symbolic-ref", "--quiet", "HEAD"),
        "repository": None,
        "run": None,
    }


def _first(env: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    found = next((env[name] for name in names if env.get(name)), None)
    return None if found is None else mask_credentials(clip(found))


def _login() -> str | None:
    try:
        return clip(getpass.getuser())
    except (OSError, KeyError, ImportError):  # a container's user need not have a name
        return None


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", "-C", str(folder), "--no-pager", *words],  # noqa: S607 - git is found by the PATH
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return clip(done.stdout.strip()) or None if done.returncode == 0 else None
