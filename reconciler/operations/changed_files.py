"""Files that differ from a Git revision (`validate --changed-since`)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

from reconciler.errors import ReconcilerError, UsageError
from reconciler.text import clip, printable

_UNSAFE: Final = re.compile(r"dubious ownership[\s\S]*safe\.directory ([^\n]+)")


def changed_files(revision: str) -> frozenset[Path]:
    """Return the resolved paths of the files in the working tree that differ from `revision`, also new files.

    Raises:
        UsageError: `revision` does not exist, or the working directory is not in a git repository.
        ReconcilerError: git is not installed.
    """
    if revision.startswith("-"):
        raise UsageError(f"{clip(printable(revision), 80)!r} is not a git revision")
    top = Path(_git("rev-parse", "--show-toplevel").rstrip("\n"))
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    changed = _git("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--", cwd=top)
    new = _git("ls-files", "--others", "--exclude-standard", "-z", cwd=top)
    return frozenset((top / name).resolve() for name in (changed + new).split("\0") if name)


def _git(*words: str, cwd: Path | None = None) -> str:
    done = _run(*words, cwd=cwd)
    if done.returncode != 0:
        raise _refused(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "surrogateescape")


def _run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *words], cwd=cwd, capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise ReconcilerError(f"cannot run git: {error.strerror}") from error


def _refused(output: str) -> UsageError:
    """Return the error for what git refused, with what to do about the usual causes in CI."""
    unsafe = _UNSAFE.search(output)
    if unsafe:
        return UsageError(
            "git refuses this repository: another user owns it",
            hint=f"Run: git config --global --add safe.directory {printable(unsafe[1])}",
        )
    if _run("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        return UsageError(
            "this clone is shallow and does not have the git revision",
            hint="Fetch the history: fetch-depth: 0 (GitHub), GIT_DEPTH: 0 (GitLab), git fetch --unshallow.",
        )
    said = clip(printable(output.strip()), 200)
    return UsageError(f"unknown git revision, or not a git repository{f': {said}' if said else ''}")
