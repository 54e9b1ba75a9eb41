"""Discovery of manifest files below the paths that a user names, with bounded reads.

No file outside the root is opened: links that leave it are refused, and so is everything that is not a
regular file (a pipe would block the reader).
"""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from reconciler.errors import reason_of
from reconciler.files import UnreadableError, decode_text, read_bounded, read_regular
from reconciler.findings import Finding, Severity
from reconciler.templates import TEMPLATE_SUFFIX
from reconciler.text import printable

MAX_FILES = 100_000
"""Manifest files below the paths of one check."""

MAX_FILE_BYTES = 10 * 1024 * 1024
"""Bytes of one manifest file."""

_LITERAL = (".yaml", ".yml", ".json")
SUFFIXES = (*_LITERAL, *(suffix + TEMPLATE_SUFFIX for suffix in _LITERAL))
"""How the names of manifests end, in any case: as they are, or as templates."""

LEFT_OUT = "left-out-file"
"""The rule of a file that looks like a manifest and is not read."""

_LIKE_A_MANIFEST = r"(?i)\.(?:ya?ml|json)(?![a-z])"
_KEY_OF_A_MANIFEST = r"""["']?\b(?:steps|body|patch)["']?[ \t]*:"""
_NAME = r"""["']?\bname["']?[ \t]*:[ \t]*["']?([^"'\n,}#]+)"""
CONFIGURATION_NAMES = frozenset({"reconciler.yaml", "reconciler.yml"})

STDIN = "-"
"""The path that means standard input."""

_STDIN_NAME = "<stdin>"
_GIT = ".git"


@dataclass(frozen=True, slots=True, eq=False)
class ManifestFile:
    """A file to read manifests from.

    Args:
        path: The file, as the user named it or as found below a directory.
        root: The resolved directory that contains every file that may be read through this one.
        text: The text, where it is known already (standard input).
        resolved: The same file with links followed, where it was found below a directory and is no link.
    """

    path: Path
    root: Path
    text: str | None = field(default=None, repr=False)
    resolved: Path | None = field(default=None, repr=False)


class _Entry(NamedTuple):
    """An entry of a directory.

    Args:
        path: The path that led to it.
        folder: For a directory, the resolved path.
        file: For a regular file that is no link, the resolved path.
    """

    path: Path
    folder: Path | None = None
    file: Path | None = None


def find_files(
    paths: tuple[str, ...], excludes: Callable[[Path], bool] = lambda _: False
) -> tuple[list[ManifestFile], list[Finding]]:
    """Return the manifest files that `paths` name, and findings for what cannot be read.

    Directories are walked in sorted order.

    Args:
        paths: Files, directories, or `-` for standard input.
        excludes: Returns whether to leave out a file found below a directory.
    """
    files: list[ManifestFile] = []
    findings: list[Finding] = []
    for name in paths:
        path = Path(name)
        if name == STDIN:
            files.extend(_standard_input(findings))
        elif name and os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises for paths that this rejects
            for file in _below(path, findings):
                if excludes(file.path):
                    continue
                if _is_read(file.path.name):
                    files.append(file)
                elif left_out_names(file):
                    findings.append(_left_out(file.path))
        elif problem := _missing(name):
            findings.append(problem)
        else:
            files.append(ManifestFile(path, path.parent.resolve()))
    return _unique(files), findings


def walk_files(paths: Sequence[str], excludes: Callable[[Path], bool]) -> Iterator[ManifestFile]:
    """Yield the files that `find_files` returns, one after the other and without standard input."""
    for name in paths:
        path = Path(name)
        if not name or not os.path.isdir(name):  # noqa: PTH112 - as in `find_files`
            yield ManifestFile(path, path.parent.resolve())
            continue
        for file in islice(_walk(path, []), MAX_FILES):
            if _is_read(file.path.name) and not excludes(file.path):
                yield file


def left_out_names(file: ManifestFile) -> frozenset[str]:
    """Return every name in a file that is not read but looks like a manifest; none if it does not."""
    try:
        text = read_text(file.path, file.root)
    except UnreadableError:
        return frozenset()
    if not re.search(_KEY_OF_A_MANIFEST, text):
        return frozenset()
    return frozenset(match.strip() for match in re.findall(_NAME, text))


def _is_read(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _left_out(path: Path) -> Finding:
    message = (
        f"this looks like a manifest and is not read: rename it to end in {', '.join(_LITERAL)} without a "
        "leading dot, or list it under exclude in reconciler.yaml"
    )
    found = _finding(path, LEFT_OUT, message)
    return dataclasses.replace(found, severity=Severity.WARNING)


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
        raise UnreadableError(f"it has more than {MAX_FILE_BYTES} bytes, the limit")
    return decode_text(data)


def _below(folder: Path, findings: list[Finding]) -> list[ManifestFile]:
    before = len(findings)
    files = list(islice(_walk(folder, findings), MAX_FILES + 1))
    if len(files) > MAX_FILES:
        findings.append(
            _finding(folder, "too-many-files", f"more than {MAX_FILES} manifest files below this directory")
        )
    elif not any(_is_read(file.path.name) for file in files) and len(findings) == before:
        message = f"no manifests below this directory: searched for {', '.join('*' + s for s in _LITERAL)}"
        findings.append(_finding(folder, "no-manifests", message))
    return files[:MAX_FILES]


def _missing(name: str) -> Finding | None:
    """Return a finding if nothing exists at the path `name`, else `None`."""
    try:
        os.lstat(name)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        # ValueError: a path that no file can have.
        message = "no such file or directory"
        return Finding(file=printable(name) or "''", rule="no-such-path", message=message)
    except OSError as error:
        return _finding(Path(name), "unreadable", f"cannot be read: {reason_of(error)}")
    return None


def text_of(file: ManifestFile) -> str:
    """Return the text of a manifest file, as `read_text` does.

    Where a file that was found below a directory leads is known, so that it is read with fewer system calls.

    Raises:
        UnreadableError: As `read_text`.
    """
    if file.text is not None:
        return file.text
    known = file.resolved
    inside = known is not None and known.is_relative_to(file.root)
    if known is None or not inside or _GIT in known.relative_to(file.root).parts:
        return read_text(file.path, file.root)
    data = read_regular(known, MAX_FILE_BYTES)
    return read_text(file.path, file.root) if data is None else decode_text(data)


def read_text(path: Path, root: Path, limit: int = MAX_FILE_BYTES) -> str:
    """Return the text of the regular file `path`, without a byte order mark.

    Args:
        path: The file.
        root: The resolved directory that must contain it after links are followed.
        limit: The maximum size in bytes.

    Raises:
        UnreadableError: The file cannot be read, is not a regular file, lies outside `root` or in `.git`, is
            too large, or is not UTF-8.
    """
    try:
        resolved = path.resolve(strict=True)
        if not resolved.is_relative_to(root):
            raise UnreadableError("it is outside the directory of the manifests")
        if _GIT in resolved.relative_to(root).parts:
            # A checkout in CI keeps its credential there, and a plan would show it.
            raise UnreadableError("files in .git are not read")
    except OSError as error:
        raise UnreadableError(reason_of(error)) from None
    except RuntimeError:
        # Python before 3.13, for a loop of links.
        raise UnreadableError(os.strerror(errno.ELOOP).lower()) from None
    return decode_text(read_bounded(resolved, limit))


def _walk(top: Path, findings: list[Finding]) -> Iterator[ManifestFile]:
    """Yield the files below `top`, sorted; a directory is walked once, and only inside `top`."""
    root = top.resolve()
    visited: set[Path] = set()
    pending = [_Entry(top, root)]
    while pending:
        entry = pending.pop()
        if entry.folder is not None:
            if not entry.folder.is_relative_to(root):
                message = "the link leads outside the directory of the manifests"
                findings.append(_finding(entry.path, "unreadable", message))
            elif entry.folder not in visited:
                visited.add(entry.folder)
                pending.extend(reversed(_entries(entry.path, entry.folder, findings)))
        elif re.search(_LIKE_A_MANIFEST, entry.path.name):
            yield ManifestFile(entry.path, root, resolved=entry.file)


def _entries(path: Path, folder: Path, findings: list[Finding]) -> list[_Entry]:
    """Return the entries of a directory, sorted, without hidden files.

    Args:
        path: The directory, as found.
        folder: The same directory, links followed.
        findings: The list to which findings about unreadable entries are added.
    """
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        findings.append(_finding(path, "unreadable", f"cannot be read: {reason_of(error)}"))
        return []
    found: list[_Entry] = []
    for entry in entries:
        hidden = entry.name.startswith(".")
        if (hidden and not re.search(_LIKE_A_MANIFEST, entry.name)) or entry.name in CONFIGURATION_NAMES:
            continue
        below = path / entry.name
        try:
            is_folder = entry.is_dir()
        except OSError as error:
            # A loop of links, or a link into a directory that may not be listed.
            findings.append(_finding(below, "unreadable", f"cannot be read: {reason_of(error)}"))
        else:
            if hidden and is_folder:
                continue
            if is_folder:
                found.append(_Entry(below, below.resolve() if entry.is_symlink() else folder / entry.name))
            else:
                regular = entry.is_file(follow_symlinks=False)
                found.append(_Entry(below, file=folder / entry.name if regular else None))
    return found


def _unique(files: list[ManifestFile]) -> list[ManifestFile]:
    """Return `files` without those that are named more than once."""
    unique: dict[Path, ManifestFile] = {}
    for file in files:
        unique.setdefault(file.resolved or Path(os.path.realpath(file.path)), file)
    return list(unique.values())


def _finding(path: Path, rule: str, message: str) -> Finding:
    return Finding(file=printable(str(path)), rule=rule, message=printable(message))
