"""New files in a directory: each written whole or not at all, none overwritten without `force`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import BlockedError, ReconcilerError, reason_of
from reconciler.files import move_to_new, remove, write_part

_MOST_NAMED = 5


def place_files(
    directory: Path, files: Mapping[str, str], *, force: bool = False, hint: str = ""
) -> list[Path]:
    """Write files into a directory, which is created if needed, and return their paths.

    All are written under temporary names first. A symbolic link in the place of a file is never followed.

    Args:
        directory: The directory.
        files: The texts by path below the directory.
        force: Replace existing files.
        hint: The hint of the error about existing files.

    Raises:
        BlockedError: A file exists; nothing was written.
        ReconcilerError: A file cannot be written.
    """
    paths = {directory / name: text for name, text in files.items()}
    if not force:
        _refuse([path for path in paths if os.path.lexists(path)], hint)
    parts: dict[Path, Path] = {}
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            parts[path] = write_part(path, text)
        for path, part in parts.items():
            if force:
                part.replace(path)
            else:
                move_to_new(part, path)
    except FileExistsError as error:
        _refuse([Path(error.filename2 or error.filename)], hint)
    except OSError as error:
        what = error.filename2 or error.filename or directory
        raise ReconcilerError(f"{what} cannot be written: {reason_of(error)}") from error
    finally:
        for part in parts.values():
            remove(part)
    return list(paths)


def _refuse(existing: list[Path], hint: str) -> None:
    if existing:
        named = ", ".join(map(str, existing[:_MOST_NAMED])) + (", …" if len(existing) > _MOST_NAMED else "")
        raise BlockedError(f"{named} already {'exists' if len(existing) == 1 else 'exist'}", hint=hint)
