"""Facts of git and of the CI system: who started a run, from which commit, and which files changed."""

from __future__ import annotations

import getpass
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.errors import ReconcilerError, UsageError
from reconciler.secrecy import mask_credentials
from reconciler.text import clip, printable
from reconciler.values import JsonObject

_UNSAFE: Final = re.compile(r"dubious ownership[\s\S]*safe\.directory ([^\n]+)")
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
        "commit": _git_fact(folder, "rev-parse", "HEAD"),
        "ref": _git_fact(folder, "symbolic-ref", "--quiet", "HEAD"),
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


def _git_fact(folder: Path, *words: str) -> str | None:
    try:
        done = _git(*words, cwd=folder, timeout=_GIT_SECONDS)
        return clip(done.stdout.decode().strip()) or None if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def changed_files(revision: str) -> frozenset[Path]:
    """Return the resolved paths of the files in the working tree that differ from `revision`, also new files.

    Raises:
        UsageError: `revision` does not exist, or the working directory is not in a git repository.
        ReconcilerError: git is not installed.
    """
    if revision.startswith("-"):
        raise UsageError(f"{clip(printable(revision), 80)!r} is not a git revision")
    top = Path(_git_output("rev-parse", "--show-toplevel").rstrip("\n"))
    commit = _git_output(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    ).strip()
    changed = _git_output("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--", cwd=top)
    new = _git_output("ls-files", "--others", "--exclude-standard", "-z", cwd=top)
    return frozenset((top / name).resolve() for name in (changed + new).split("\0") if name)


def _git_output(*words: str, cwd: Path | None = None) -> str:
    try:
        done = _git(*words, cwd=cwd)
    except OSError as error:
        raise ReconcilerError(f"cannot run git: {error.strerror}") from error
    if done.returncode != 0:
        raise _refused(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "surrogateescape")


def _refused(output: str) -> UsageError:
    """Return the error for what git refused, with what to do about the usual causes in CI."""
    unsafe = _UNSAFE.search(output)
    if unsafe:
        return UsageError(
            "git refuses this repository: another user owns it",
            hint=f"Run: git config --global --add safe.directory {printable(unsafe[1])}",
        )
    if _git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        return UsageError(
            "this clone is shallow and does not have the git revision",
            hint="Fetch the history: fetch-depth: 0 (GitHub), GIT_DEPTH: 0 (GitLab), git fetch --unshallow.",
        )
    said = clip(printable(output.strip()), 200)
    return UsageError(f"unknown git revision, or not a git repository{f': {said}' if said else ''}")


def _git(
    *words: str, cwd: Path | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = ["git", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=timeout, check=False)  # noqa: S603
