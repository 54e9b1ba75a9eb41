"""Finds manifest files below the paths a user named, and reads text inside bounds.

Nothing outside the root is ever opened: links that leave it are refused, and so is whatever is not a
regular file (a pipe would hang the reader).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from reconciler.errors import reason_of
from reconciler.files import UnreadableError, decode_text, read_bounded
from reconciler.findings import Finding
from reconciler.manifests.bounds import MAX_FILE_BYTES, MAX_FILES
from reconciler.text import printable

SUFFIXES = (".yaml", ".yml", ".json")
TEMPLATE_SUFFIX = ".j2"
CONFIGURATION_NAMES = frozenset({"reconciler.yaml", "reconciler.yml"})

STDIN = "-"
"""What stands for standard input in the place of a path."""

_STDIN_NAME = "<stdin>"
_GIT = ".git"
_TEMPLATE = "templates are not supported by this version; render the file first"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file that should hold manifests.

    Args:
        path: The file, as the user named it or as found below what was named.
        root: The directory, resolved, that nothing read through this file may leave.
        text: Its text, where that is known already (standard input).
    """

    path: Path
    root: Path
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something found below a folder: the path by which it was found and, of a folder, the resolved one."""

    path: Path
    folder: Path | None


def find_files(
    paths: tuple[str, ...], excludes: Callable[[Path], bool] = lambda _: False
) -> tuple[list[ManifestFile], list[Finding]]:
    """Return the manifest files that `paths` name (directories are walked, sorted), and what is wrong.

    Args:
        paths: Files, directories, or `-` for standard input.
        excludes: Says of a file below a directory that it is left out.
    """
    files: list[ManifestFile] = []
    findings: list[Finding] = []
    for name in paths:
        path = Path(name)
        if name == STDIN:
            files.extend(_standard_input(findings))
        elif name and os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises what this answers with "no"
            files.extend(file for file in _below(path, findings) if not excludes(file.path))
        elif name.endswith(TEMPLATE_SUFFIX):
            findings.append(_finding(path, "template", _TEMPLATE))
        elif problem := _missing(name):
            findings.append(problem)
        else:
            files.append(ManifestFile(path, path.parent.resolve()))
    return _unique(files), findings


def _standard_input(findings: list[Finding]) -> list[ManifestFile]:
    name = Path(_STDIN_NAME)
    try:
        return [ManifestFile(name, Path.cwd(), _standard_input_text())]
    except (UnreadableError, OSError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        findings.append(_finding(name, "unreadable", f"cannot be read: {reason}"))
        return []


def _standard_input_text() -> str:
    if sys.stdin is None:
        raise UnreadableError("it is closed")
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableError(f"it has more than {MAX_FILE_BYTES} bytes")
    return decode_text(data)


def _below(folder: Path, findings: list[Finding]) -> list[ManifestFile]:
    before = len(findings)
    files = list(islice(_walk(folder, findings), MAX_FILES + 1))
    if len(files) > MAX_FILES:
        findings.append(
            _finding(folder, "too-many-files", f"more than {MAX_FILES} files below this directory")
        )
    elif not files and len(findings) == before:
        message = f"no manifest below this directory: looked for {', '.join('*' + s for s in SUFFIXES)}"
        findings.append(_finding(folder, "no-manifests", message))
    return files[:MAX_FILES]


def _missing(name: str) -> Finding | None:
    """Return why there is nothing to be read at the path `name`, or `None`."""
    try:
        os.lstat(name)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        # ValueError: a path that no file can have.
        message = "there is no such file or directory"
        return Finding(file=printable(name) or "''", rule="no-such-path", message=message)
    except OSError as error:
        return _finding(Path(name), "unreadable", f"cannot be read: {reason_of(error)}")
    return None


def read_text(path: Path, root: Path, limit: int = MAX_FILE_BYTES) -> str:
    """Return the text of the regular file `path` inside `root`.

    Args:
        path: The file.
        root: The resolved directory it must stand in, links followed.
        limit: The most bytes it may have.

    Raises:
        UnreadableError: It cannot be read, is no regular file, stands outside or in `.git`, is too large,
            or no UTF-8.
    """
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_relative_to(root):
            raise UnreadableError("it leads out of the directory that was given")
        if _GIT in resolved.relative_to(root).parts:
            # A checkout in a CI keeps its credential there, and a plan would show it.
            raise UnreadableError("it is git's own")
    except OSError as error:
        raise UnreadableError(reason_of(error)) from None
    except RuntimeError:
        # Python before 3.13 on a loop of links.
        raise UnreadableError(os.strerror(errno.ELOOP).lower()) from None
    return decode_text(read_bounded(resolved, limit))


def _walk(top: Path, findings: list[Finding]) -> Iterator[ManifestFile]:
    """Yield the files below `top`, sorted; no folder is walked twice, none outside `top` at all."""
    root = top.resolve()
    visited: set[Path] = set()
    pending = [_Entry(top, root)]
    while pending:
        entry = pending.pop()
        if entry.folder is not None:
            if not entry.folder.is_relative_to(root):
                message = "the link leads out of the directory that was given"
                findings.append(_finding(entry.path, "unreadable", message))
            elif entry.folder not in visited:
                visited.add(entry.folder)
                pending.extend(reversed(_entries(entry.path, entry.folder, findings)))
        elif entry.path.name.endswith(SUFFIXES):
            yield ManifestFile(entry.path, root)
        elif entry.path.name.endswith(tuple(suffix + TEMPLATE_SUFFIX for suffix in SUFFIXES)):
            findings.append(_finding(entry.path, "template", _TEMPLATE))


def _entries(path: Path, folder: Path, findings: list[Finding]) -> list[_Entry]:
    """Return what stands in the folder `path`, sorted; hidden files are left out.

    Args:
        path: The folder, as found.
        folder: The same, links followed.
        findings: Takes what cannot be looked at.
    """
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        findings.append(_finding(path, "unreadable", f"cannot be read: {reason_of(error)}"))
        return []
    found: list[_Entry] = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name in CONFIGURATION_NAMES:
            continue
        below = path / entry.name
        try:
            is_folder = entry.is_dir()
        except OSError as error:
            # A loop of links, or a link into a directory that may not be looked into.
            findings.append(_finding(below, "unreadable", f"cannot be read: {reason_of(error)}"))
        else:
            resolved = below.resolve() if entry.is_symlink() else folder / entry.name
            found.append(_Entry(below, resolved if is_folder else None))
    return found


def _unique(files: list[ManifestFile]) -> list[ManifestFile]:
    """Leave out files that two of the paths name alike."""
    unique: dict[Path, ManifestFile] = {}
    for file in files:
        unique.setdefault(Path(os.path.realpath(file.path)), file)
    return list(unique.values())


def _finding(path: Path, rule: str, message: str) -> Finding:
    return Finding(file=printable(str(path)), rule=rule, message=printable(message))
