"""Output files: a result in a file of its own, whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path

from reconciler.errors import ReconcilerError, reason_of


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a result into a file, whole or not at all; a pipe or a device is written, never replaced.

    Args:
        path: The file.
        text: Its content.
        private: Whether only its owner may read it.

    Raises:
        ReconcilerError: It cannot be written.
    """
    if str(path) == "-":
        raise ReconcilerError("- is not a file to write into", hint="For standard output, use /dev/stdout.")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(Path(os.path.realpath(path)), text, 0o600 if private else 0o666)
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be written: {reason_of(error)}") from error


def _replace(path: Path, text: str, mode: int) -> None:
    # A new file under a name that nobody guesses: where others may write, no link of theirs is followed.
    part = path.with_name(f".peak-reconciler-{secrets.token_hex(8)}.part")
    try:
        with open(part, "x", encoding="utf-8", opener=partial(os.open, mode=mode)) as file:
            file.write(text)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
