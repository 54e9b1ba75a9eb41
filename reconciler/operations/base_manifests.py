"""Manifests at an earlier commit, by which a plan attributes its differences to Git or to the tenant."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.errors import BlockedError, InvalidInputError, UsageError
from reconciler.files import UnreadableError
from reconciler.findings import Severity
from reconciler.json_documents import read_object
from reconciler.manifests import MAX_FILE_BYTES, STDIN, Manifest, load_manifests
from reconciler.operations.git_and_ci import (
    commit_of,
    event_commit,
    files_of,
    is_behind,
    merge_base,
    repository_top,
    write_files,
)
from reconciler.operations.settings import Settings, resolve_settings
from reconciler.text import printable
from reconciler.values import as_object

AUTO: Final = "auto"
"""The revision that stands for the commit before the event of a CI run."""

_SHOWN: Final = 12
_LARGEST: Final = 500 * 1024 * 1024
"""Bytes of all files that are read of an earlier commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The manifests of an earlier commit.

    Args:
        commit: The commit, shortened as it is shown.
        manifests: Its valid manifests.
        errors: The number of errors in the others.
    """

    commit: str
    manifests: tuple[Manifest, ...]
    errors: int


def read_base(
    settings: Settings, revision: str, env: Mapping[str, str] = os.environ, *, not_behind: bool = False
) -> Base:
    """Return the manifests that `settings` name as they were at the merge base of `revision` and `HEAD`.

    Args:
        settings: The settings of the run; the configuration of that commit is used where it has one.
        revision: A git revision, a run record, or `auto` for the commit before the event of a CI run.
        env: Variables for `!env` and of the CI system.
        not_behind: Whether `HEAD` must have the commit of `revision`, so that an apply does not undo it.

    Raises:
        BlockedError: `HEAD` lacks a commit that it must have.
        UsageError: git does not know the revision, or the manifests are not in its repository.
    """
    named = _commit(revision, env)
    if not_behind and is_behind(named):
        raise BlockedError(
            f"this commit does not contain {printable(revision)} ({named[:_SHOWN]}): to apply it would undo "
            "what was merged since",
            hint="Update this checkout, or pass --allow-older.",
        )
    commit = merge_base(named)
    with _checked_out(settings, commit) as earlier:
        options = earlier.reading._replace(require_env=False)
        loaded = load_manifests(earlier.paths, env, options)
    errors = loaded.checked.count(Severity.ERROR)
    return Base(commit=commit[:_SHOWN], manifests=loaded.manifests, errors=errors)


def _commit(revision: str, env: Mapping[str, str]) -> str:
    if revision != AUTO:
        return commit_of(_recorded(revision) or revision)
    found = event_commit(env)
    if found is None:
        raise UsageError(
            "--base auto needs the event of a CI run: GitHub Actions and GitLab CI are known",
            hint="Name a git revision, such as --base origin/main.",
        )
    return commit_of(found)


def _recorded(revision: str) -> str | None:
    """Return the commit in the run record that `revision` names; `None` if it names no file."""
    file = Path(revision)
    if not revision.endswith(".json") or not file.is_file():
        return None
    try:
        record = read_object(file, MAX_FILE_BYTES)
    except UnreadableError:
        record = {}
    commit = as_object(record.get("who")).get("commit")
    if not isinstance(commit, str):
        raise UsageError(f"{printable(revision)} is not a run record with a commit")
    return commit


@contextmanager
def _checked_out(settings: Settings, commit: str) -> Iterator[Settings]:
    """Write what the manifests need of `commit` to a directory of its own; yield the settings for it."""
    top = repository_top().resolve()
    given = settings.given
    config = None if given is None or given.config is None else _inside(top, given.config)
    named = settings.paths if given is None else given.paths
    paths = [_inside(top, Path(path)) for path in named or settings.paths]
    folders = [config.parent] if config is not None else [_folder(top / path, path) for path in paths]
    with tempfile.TemporaryDirectory(prefix="peak-reconciler-") as name:
        folder = Path(name).resolve()
        files = [file for file in files_of(commit, dict.fromkeys(folders)) if file.size <= MAX_FILE_BYTES]
        if sum(file.size for file in files) > _LARGEST:
            raise UsageError(f"the files at {commit[:_SHOWN]} have more than {_LARGEST} bytes, the limit")
        write_files(top, commit, (file.name for file in files), folder)
        moved = settings._replace(
            paths=tuple(str(folder / path) for path in paths if (folder / path).exists())
        )
        if given is not None and config is not None and (folder / config).is_file():
            try:
                shown = tuple(str(folder / path) for path in paths) if named else ()
                moved = resolve_settings(dataclasses.replace(given, config=folder / config, paths=shown))
            except (UsageError, InvalidInputError):  # that commit has no such environment, or is broken
                pass
        yield moved._replace(paths=tuple(path for path in moved.paths if Path(path).exists()))


def _inside(top: Path, path: Path) -> Path:
    """Return `path` relative to the top of the repository."""
    real = path.resolve()
    if str(path) == STDIN or not real.is_relative_to(top):
        raise UsageError(
            f"--base needs manifests in the git repository: {printable(str(path))} is outside it"
        )
    return real.relative_to(top)


def _folder(real: Path, path: Path) -> Path:
    return path if real.is_dir() else path.parent
