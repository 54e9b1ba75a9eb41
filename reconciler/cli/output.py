"""Where a command's words go: the result to stdout, everything else to stderr, colour to terminals only."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from reconciler.errors import ReconcilerError
from reconciler.text import without_commands


def show(text: str, *, commands: bool = False) -> None:
    """Write a part of the result to stdout.

    Args:
        text: The words.
        commands: Whether it is made of commands for a CI, with all else in it escaped.
    """
    click.echo(text if commands else without_commands(text), color=_colour())


def warn(text: str) -> None:
    """Write anything else to stderr; that nobody reads it, or that the disk is full, stops nothing."""
    with suppress(OSError):
        click.echo(without_commands(text), err=True, color=_colour())


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a part of the result into a file, without colour, whole or not at all.

    Args:
        path: The file.
        text: What it is to say.
        private: Whether only its owner may read it.

    Raises:
        ReconcilerError: It cannot be written.
    """
    text = click.unstyle(text)
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a pipe or a device: never to be replaced
        else:
            _replace(Path(os.path.realpath(path)), text, 0o600 if private else 0o666)
    except OSError as error:
        raise ReconcilerError(
            f"{path} cannot be written: {(error.strerror or str(error)).lower()}"
        ) from error


def _replace(path: Path, text: str, mode: int) -> None:
    # Made anew under a name that nobody guesses: where others may write, no link of theirs is followed.
    part = path.with_name(f".peak-reconciler-{secrets.token_hex(8)}.part")
    try:
        with open(part, "x", encoding="utf-8", opener=partial(os.open, mode=mode)) as file:
            file.write(text)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None
