"""Where a command's words go: the result to stdout, everything else to stderr, colour to terminals only."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import click

from reconciler.text import printable, without_commands

Sink: TypeAlias = Callable[[str, str, str], None]
"""Takes what would be said on stderr: `warning`, `error` or `info`, the text, and what to do about it."""


class _Stderr:
    """Where the words for stderr go: there, or to a log that has a form of its own."""

    sink: Sink | None = None


def say_through(sink: Sink | None) -> None:
    """From now on hand whatever would be said on stderr to `sink`; with `None` it is said there again."""
    _Stderr.sink = sink


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
        if _Stderr.sink is not None:
            level = "warning" if text.startswith("warning: ") else "info"
            _Stderr.sink(level, click.unstyle(text).removeprefix("warning: "), "")
        else:
            click.echo(without_commands(text), err=True, color=_colour())


def complain(message: str, hint: str = "") -> None:
    """Say on stderr what went wrong, and what to do about it."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", message, hint)
        return
    lines = [printable(line) for line in message.splitlines()]
    text = "error: " + "\n  ".join([*lines, printable(hint)] if hint else lines)
    click.echo(without_commands(text), err=True)


def complain_of_usage(error: click.UsageError) -> None:
    """Say on stderr how the command line is wrong, and how it is used."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", error.format_message(), "--help tells how it is used.")
    else:
        words = io.StringIO()
        error.show(file=words)  # it quotes the command line, which may name a hostile file
        click.echo(without_commands("\n".join(map(printable, words.getvalue().splitlines()))), err=True)


def rendered(renderer: str, value: object) -> str:
    """Return `value` as a renderer writes it, which is loaded only now.

    Args:
        renderer: The name of a function of `reconciler.render`.
        value: What it takes.
    """
    text: str = getattr(importlib.import_module("reconciler.render"), renderer)(value)
    return text


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None
