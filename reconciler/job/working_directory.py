"""Where a job finds its manifests, looked up anew for each run.

A sidecar such as git-sync puts a new checkout in place by turning a symbolic link. So that one run never sees
two checkouts, links are followed once, at its beginning; and so that the next run sees the new one, the
working directory is entered anew, by the name under which the job was started.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from reconciler.errors import ReconcilerError, reason_of
from reconciler.operations.settings import Typed


def starting_place() -> Path:
    """Return the working directory by the name that it was entered by, symbolic links kept."""
    here = Path.cwd()
    named = os.environ.get("PWD", "")
    try:
        if os.path.isabs(named) and os.path.samefile(named, here):  # noqa: PTH117, PTH121 - may be anything
            return Path(named)
    except (OSError, ValueError):
        pass
    return here


def enter(place: Path) -> None:
    """Make `place` the working directory, wherever its links lead by now.

    Raises:
        ReconcilerError: It is not there.
    """
    try:
        os.chdir(place)
    except OSError as error:
        raise ReconcilerError(
            f"the working directory {place} cannot be entered: {reason_of(error)}"
        ) from None


def as_of_now(typed: Typed) -> Typed:
    """Return `typed` with the places that it names as they are now, symbolic links followed."""
    paths = tuple(_followed(path) for path in typed.paths)
    config = None if typed.config is None else Path(_followed(str(typed.config)))
    return dataclasses.replace(typed, paths=paths, config=config)


def _followed(path: str) -> str:
    """Return where `path` leads; a path without links stays as it was written."""
    if path in {"", "-"} or "\0" in path:
        return path
    followed = os.path.realpath(path)
    return path if followed == os.path.normpath(Path.cwd() / path) else followed
