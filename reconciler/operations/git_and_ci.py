"""Git and the CI system: who started a run, from which commit, which files changed, and files of a commit."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.errors import ReconcilerError, UsageError
from reconciler.files import UnreadableError, read_bounded
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
_LARGEST_EVENT: Final = 10 * 1024 * 1024
_EVENT_VARIABLES: Final = (
    "CI_MERGE_REQUEST_DIFF_BASE_SHA",
    "CI_COMMIT_BEFORE_SHA",
    "GIT_PREVIOUS_SUCCESSFUL_COMMIT",
)


class CommittedFile(NamedTuple):
    """A file of a commit: its name from the top of the repository, and its size in bytes."""

    name: str
    size: int


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
    found = _first_set(env, names)
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
    top, commit = repository_top(), commit_of(revision)
    changed = _git_output("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--", cwd=top)
    new = _git_output("ls-files", "--others", "--exclude-standard", "-z", cwd=top)
    return frozenset((top / name).resolve() for name in (changed + new).split("\0") if name)


def repository_top() -> Path:
    """Return the top directory of the repository of the working directory.

    Raises:
        UsageError: The working directory is not in a git repository.
        ReconcilerError: git is not installed.
    """
    return Path(_git_output("rev-parse", "--show-toplevel").rstrip("\n"))


def commit_of(revision: str) -> str:
    """Return the id of the commit that `revision` names.

    Raises:
        UsageError: `revision` does not exist, or the working directory is not in a git repository.
        ReconcilerError: git is not installed.
    """
    if revision.startswith("-"):
        raise UsageError(f"{clip(printable(revision), 80)!r} is not a git revision")
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return _git_output(*words, revision=revision).strip()


def merge_base(commit: str) -> str:
    """Return the last common commit of `commit` and `HEAD`; `commit` itself if they have none.

    Raises:
        UsageError: The clone is shallow and does not reach that far.
    """
    done = _git("merge-base", commit, "HEAD")
    if done.returncode == 0:
        return done.stdout.decode().split()[0]
    if _is_shallow():
        raise _refused("")
    return commit


def is_behind(commit: str) -> bool:
    """Return whether `HEAD` lacks `commit`."""
    return _git("merge-base", "--is-ancestor", commit, "HEAD").returncode != 0


def event_commit(env: Mapping[str, str]) -> str | None:
    """Return the commit before the event that started a CI run: the target of a merge, or before a push.

    From the event of GitHub Actions, or the variables of GitLab, Bitbucket and Jenkins; `None` without any.
    """
    try:
        event = json.loads(read_bounded(Path(env["GITHUB_EVENT_PATH"]), _LARGEST_EVENT))
        found = event.get("pull_request", {}).get("base", {}).get("sha") or event.get("before")
    except (KeyError, ValueError, AttributeError, UnreadableError):
        found = _first_set(env, _EVENT_VARIABLES)
    return found if isinstance(found, str) and found.strip("0") else None


def files_of(commit: str, folders: Iterable[Path]) -> Iterator[CommittedFile]:
    """Yield the files and links below `folders`, relative to the top, as they are at `commit`."""
    names = [str(folder) for folder in folders]
    listed = _git_output("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *names)
    for line in filter(None, listed.split("\0")):
        facts, name = line.split("\t", 1)
        _mode, kind, _id, size = facts.split()
        if kind == "blob":
            yield CommittedFile(name, int(size))


def write_files(top: Path, commit: str, names: Iterable[str], folder: Path) -> None:
    """Write files of `commit` below `folder`, with the filters and line ends of a checkout.

    Args:
        top: The top directory of the repository.
        commit: The commit.
        names: The names of the files, from the top.
        folder: The directory.

    Raises:
        UsageError: git cannot read them.
    """
    env = {**os.environ, "GIT_INDEX_FILE": str(folder / ".index")}
    for words, given in (
        (("read-tree", commit), ""),
        (("checkout-index", "-z", "--stdin", f"--prefix={folder}/"), "".join(f"{name}\0" for name in names)),
    ):
        done = _git(*words, cwd=top, env=env, given=given.encode("utf-8", "surrogateescape"))
        if done.returncode != 0:
            raise _refused(done.stderr.decode("utf-8", "replace"))


def _first_set(env: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((env[name] for name in names if env.get(name)), None)


def _git_output(*words: str, cwd: Path | None = None, revision: str = "") -> str:
    try:
        done = _git(*words, cwd=cwd)
    except OSError as error:
        raise ReconcilerError(f"cannot run git: {error.strerror}") from error
    if done.returncode != 0:
        raise _refused(done.stderr.decode("utf-8", "replace"), revision)
    return done.stdout.decode("utf-8", "surrogateescape")


def _refused(output: str, revision: str = "") -> UsageError:
    """Return the error for what git refused, with what to do about the usual causes in CI.

    Args:
        output: What git said.
        revision: The revision that it was asked for, if any.
    """
    unsafe = _UNSAFE.search(output)
    if unsafe:
        return UsageError(
            "git refuses this repository: another user owns it",
            hint=f"Run: git config --global --add safe.directory {printable(unsafe[1])}",
        )
    if _is_shallow():
        return UsageError(
            "this clone is shallow and does not have the git revision",
            hint="Fetch the history: fetch-depth: 0 (GitHub), GIT_DEPTH: 0 (GitLab), git fetch --unshallow.",
        )
    said = clip(printable(output.strip()), 200)
    if revision and not said:
        return UsageError(
            f"unknown git revision {clip(printable(revision), 80)!r}",
            hint="Name a commit, branch or tag of this clone, such as origin/main; git fetch gets new ones.",
        )
    return UsageError(f"unknown git revision, or not a git repository{f': {said}' if said else ''}")


def _is_shallow() -> bool:
    return _git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def _git(
    *words: str,
    cwd: Path | None = None,
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
    given: bytes | None = None,
) -> subprocess.CompletedProcess[bytes]:
    command = ["git", *words]
    return subprocess.run(  # noqa: S603 - no shell
        command, cwd=cwd, capture_output=True, timeout=timeout, env=env, input=given, check=False
    )
