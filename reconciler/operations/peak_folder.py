"""Folder of files for the public client: what is found in it, and a configuration that reads it unchanged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from reconciler.errors import UsageError
from reconciler.files import UnreadableError
from reconciler.manifests import ManifestFile, find_files, read_text
from reconciler.text import printable

_STEPS: Final = re.compile(r"^[ \t]*steps[ \t]*:[ \t]*(?:\{|#.*$|$)", re.MULTILINE)
_OTHER_KINDS: Final = re.compile(r"^ {0,4}(?:buildDetails|imageDetails|config|kind)[ \t]*:", re.MULTILINE)
_INCLUDE: Final = re.compile(r"""\{%[-+]?\s*include\s+['"]([^'"]+)['"]""")
_PARAMETERS: Final = re.compile(r"param|values|vars", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakFolder:
    """A folder of files for the public client.

    Args:
        path: The folder, relative to the directory of the configuration.
        workflows: The number of files that look like workflows.
        other: The other files in it that would be read as manifests, relative to that directory.
        parameters: Those of them that seem to hold parameters.
    """

    path: str
    workflows: int
    other: tuple[str, ...]
    parameters: tuple[str, ...]


def find_peak_folder(directory: Path, folder: str = "") -> PeakFolder:
    """Return the folder below `directory` with workflows for the public client.

    Args:
        directory: The directory of the configuration.
        folder: The folder, relative to that directory; empty to search for it.

    Raises:
        UsageError: There is no such folder in the directory, or it holds no workflow.
    """
    top = directory / folder
    if not Path(os.path.realpath(top)).is_relative_to(os.path.realpath(directory)):
        raise UsageError(f"{printable(folder)} is not inside the directory of reconciler.yaml")
    texts = dict(_texts(top, directory))
    workflows = [name for name, text in texts.items() if _is_workflow(text)]
    if not workflows:
        raise UsageError(
            f"no workflows for the public client in {printable(str(top))}",
            hint="Name the folder: peak-reconciler init --from-peak FOLDER.",
        )
    path = folder or _common_folder(workflows)
    parts = {PurePosixPath(part).name for text in texts.values() for part in _INCLUDE.findall(text)}
    other = tuple(
        name
        for name in texts
        if name not in workflows
        and PurePosixPath(name).name not in parts
        and (path == "." or PurePosixPath(name).is_relative_to(path))
    )
    parameters = tuple(
        name
        for name, text in texts.items()
        if name not in workflows and _PARAMETERS.search(PurePosixPath(name).name) and "body:" not in text
    )
    return PeakFolder(path=path, workflows=len(workflows), other=other, parameters=parameters)


def _texts(top: Path, directory: Path) -> Iterator[tuple[str, str]]:
    files, _ = find_files((str(top),))
    for file in files:
        text = _text(file)
        if text is not None:
            yield Path(os.path.relpath(file.path, directory)).as_posix(), text


def _text(file: ManifestFile) -> str | None:
    try:
        return read_text(file.path, file.root)
    except UnreadableError:
        return None


def _is_workflow(text: str) -> bool:
    return _STEPS.search(text) is not None and _OTHER_KINDS.search(text) is None


def _common_folder(names: list[str]) -> str:
    folders = [str(PurePosixPath(name).parent) for name in names]
    return os.path.commonpath(folders) or "."
