"""Working directory of a job and its manifests, looked up again for each run.

A sidecar such as git-sync publishes a new checkout by replacing a symbolic link. So that a run never sees two
checkouts, links are resolved once, at its start; and so that the next run sees the new one, the working
directory is entered again, by the name under which the job was started.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from reconciler.errors import ReconcilerError, reason_of
from reconciler.operations import RawOptions


def starting_place() -> Path:
    """Return the working directory under the name it was entered by, with its symbolic links."""
    here = Path.cwd()
    named = os.environ.get("PWD", "")
    try:
        if os.path.isabs(named) and os.path.samefile(named, here):  # noqa: PTH117, PTH121 - may be anything
            return Path(named)
    except (OSError, ValueError):
        pass
    return here


def enter(place: Path) -> None:
    """Make `place` the working directory, wherever its links lead now.

    Raises:
        ReconcilerError: It cannot be entered.
    """
    try:
        os.chdir(place)
    except OSError as error:
        raise ReconcilerError(
            f"the working directory {place} cannot be entered: {reason_of(error)}"
        ) from None


def with_links_resolved(raw: RawOptions) -> RawOptions:
    """Return `raw` with the symbolic links in its paths resolved now."""
    paths = tuple(_resolved(path) for path in raw.paths)
    config = None if raw.config is None else Path(_resolved(str(raw.config)))
    return dataclasses.replace(raw, paths=paths, config=config)


def _resolved(path: str) -> str:
    """Return `path` without symbolic links; a path that has none stays as it was written."""
    if path in {"", "-"} or "\0" in path:
        return path
    resolved = os.path.realpath(path)
    return path if resolved == os.path.normpath(Path.cwd() / path) else resolved
