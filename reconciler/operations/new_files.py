"""New files in a directory: each whole or not at all, and nothing of what is there is overwritten unasked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.errors import BlockedError, ReconcilerError, reason_of

_MOST_NAMED = 5


def place_files(
    directory: Path, files: Mapping[str, str], *, force: bool = False, hint: str = ""
) -> list[Path]:
    """Write files into a directory, which is made where it is not there, and return their paths.

    All are written beside their places first. A link in the place of a file is never followed.

    Args:
        directory: The directory.
        files: The texts by the files' paths inside it.
        force: Whether what is there is replaced.
        hint: What to do about files that are there.

    Raises:
        BlockedError: A file is there already; nothing was written.
        ReconcilerError: Something cannot be written.
    """
    paths = {directory / name: text for name, text in files.items()}
    if not force:
        _refuse([path for path in paths if os.path.lexists(path)], hint)
    parts: dict[Path, Path] = {}
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            parts[path] = path.with_name(f".peak-reconciler-{secrets.token_hex(6)}.part")
            with parts[path].open("x", encoding="utf-8") as file:
                file.write(text)
        for path, part in parts.items():
            _name(part, path, force=force, hint=hint)
    except OSError as error:
        what = error.filename2 or error.filename or directory
        raise ReconcilerError(f"{what} cannot be written: {reason_of(error)}") from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
    return list(paths)


def _name(part: Path, path: Path, *, force: bool, hint: str) -> None:
    if force:
        part.replace(path)
        return
    try:
        # Unlike a renaming, this fails when somebody was faster.
        os.link(part, path)
    except FileExistsError:
        _refuse([path], hint)
    except OSError:  # a file system without links
        _refuse([path] if os.path.lexists(path) else [], hint)
        part.rename(path)


def _refuse(there: list[Path], hint: str) -> None:
    if there:
        named = ", ".join(map(str, there[:_MOST_NAMED])) + (", …" if len(there) > _MOST_NAMED else "")
        raise BlockedError(f"{named} {'is' if len(there) == 1 else 'are'} there already", hint=hint)
