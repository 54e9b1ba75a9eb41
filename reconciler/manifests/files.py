"""Finds manifest files below the paths a user named, and reads text inside bounds.

Nothing outside the root is ever opened: links that leave it are refused, and so is whatever is not a
regular file (a pipe would hang the reader).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.findings import Finding
from reconciler.manifests.bounds import MAX_FILE_BYTES, MAX_FILES
from reconciler.text import printable

SUFFIXES = (".yaml", ".yml", ".json")
TEMPLATE_SUFFIX = ".j2"
CONFIGURATION_NAMES = frozenset({"reconciler.yaml", "reconciler.yml"})


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file that should hold manifests.

    Args:
        path: The file, as the user named it or as found below what was named.
        root: The directory, resolved, that nothing read through this file may leave.
    """

    path: Path
    root: Path


class UnreadableError(Exception):
    """A file cannot be read; the text says why."""


def find_files(paths: tuple[str, ...]) -> tuple[list[ManifestFile], list[Finding]]:
    """Return the manifest files that `paths` name (directories are walked, sorted), and what is wrong."""
    files: list[ManifestFile] = []
    findings: list[Finding] = []
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found = list(_walk(path, path.resolve(), findings, {path.resolve()}))
            if not found and not findings:
                message = (
                    f"no manifest below this directory: looked for {', '.join('*' + s for s in SUFFIXES)}"
                )
                findings.append(_finding(path, "no-manifests", message))
            files.extend(found)
        elif os.path.lexists(path):
            files.append(ManifestFile(path, path.parent.resolve()))
        else:
            findings.append(_finding(path, "no-such-path", "there is no such file or directory"))
    return _unique(files), findings


def read_text(path: Path, root: Path, limit: int = MAX_FILE_BYTES) -> str:
    """Return the text of the regular file `path` inside `root`.

    Args:
        path: The file.
        root: The resolved directory it must stand in, links followed.
        limit: The most bytes it may have.

    Raises:
        UnreadableError: It cannot be read, is no regular file, stands outside, is too large or no UTF-8.
    """
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_relative_to(root):
            raise UnreadableError("it leads out of the directory that was given")
        status = resolved.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("it is not a regular file")
        if status.st_size > limit:
            raise UnreadableError(f"it has {status.st_size} bytes; at most {limit} are read")
        with resolved.open("rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, RuntimeError) as error:
        # RuntimeError: a loop of links, on Python before 3.13.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError(reason.lower()) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"it is not UTF-8 text (byte {error.start}, line {line})") from None


def _walk(folder: Path, root: Path, findings: list[Finding], visited: set[Path]) -> Iterator[ManifestFile]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        findings.append(_finding(folder, "unreadable", f"cannot be read: {(error.strerror or '').lower()}"))
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith(".") or entry.name in CONFIGURATION_NAMES:
            continue
        if entry.is_dir():
            yield from _walk_folder(path, root, findings, visited)
        elif entry.name.endswith(SUFFIXES):
            if len(visited) > MAX_FILES:
                findings.append(_finding(path, "too-many-files", f"more than {MAX_FILES} files"))
                return
            yield ManifestFile(path, root)
        elif entry.name.endswith(tuple(suffix + TEMPLATE_SUFFIX for suffix in SUFFIXES)):
            message = "templates are not supported by this version; render the file first"
            findings.append(_finding(path, "template", message))


def _walk_folder(
    path: Path, root: Path, findings: list[Finding], visited: set[Path]
) -> Iterator[ManifestFile]:
    resolved = path.resolve()
    if not resolved.is_relative_to(root):
        message = "the link leads out of the directory that was given"
        findings.append(_finding(path, "unreadable", message))
    elif resolved not in visited:
        visited.add(resolved)
        yield from _walk(path, root, findings, visited)


def _unique(files: list[ManifestFile]) -> list[ManifestFile]:
    """Leave out files that two of the paths name alike."""
    unique: dict[Path, ManifestFile] = {}
    for file in files:
        unique.setdefault(Path(os.path.realpath(file.path)), file)
    return list(unique.values())


def _finding(path: Path, rule: str, message: str) -> Finding:
    return Finding(file=printable(str(path)), rule=rule, message=printable(message))
