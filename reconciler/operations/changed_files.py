"""Files that differ from a Git revision (`validate --changed-since`)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from reconciler.errors import ReconcilerError, UsageError
from reconciler.text import clip, printable


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
    command = ["git", *words]
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)  # noqa: S603 - no shell
    except OSError as error:
        raise ReconcilerError(f"cannot run git: {error.strerror}") from error
    if done.returncode != 0:
        output = clip(printable(done.stderr.decode("utf-8", "replace").strip()), 200)
        raise UsageError(f"unknown git revision, or not a git repository{f': {output}' if output else ''}")
    return done.stdout.decode("utf-8", "surrogateescape")
