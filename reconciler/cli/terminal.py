"""The terminal: results go to stdout, everything else to stderr, colour to terminals only."""

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
"""Takes a message instead of stderr: its level (`warning`, `error` or `info`), its text and a hint."""


class _Stderr:
    """Destination of messages for stderr: stderr itself, or a log with a format of its own."""

    sink: Sink | None = None


def redirect_messages(sink: Sink | None) -> None:
    """Send messages for stderr to `sink` from now on; with `None`, to stderr again."""
    _Stderr.sink = sink


def show(text: str, *, commands: bool = False) -> None:
    """Write a part of the result to stdout.

    Args:
        text: The text, fit to be shown.
        commands: Whether it consists of commands for a CI system, which are otherwise made harmless.
    """
    click.echo(text if commands else without_commands(text), color=_colour())


def warn(text: str) -> None:
    """Write a message to stderr; a reader that went away or a full disk stops nothing."""
    with suppress(OSError):
        if _Stderr.sink is not None:
            level = "warning" if text.startswith("warning: ") else "info"
            _Stderr.sink(level, click.unstyle(text).removeprefix("warning: "), "")
        else:
            click.echo(without_commands(text), err=True, color=_colour())


def print_error(message: str, hint: str = "") -> None:
    """Write an error and its hint to stderr."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", message, hint)
        return
    lines = [printable(line) for line in message.splitlines()]
    text = "error: " + "\n  ".join([*lines, printable(hint)] if hint else lines)
    click.echo(without_commands(text), err=True)


def print_usage_error(error: click.UsageError) -> None:
    """Write a usage error to stderr, with the usage of the command."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", error.format_message(), "Run with --help for usage.")
    else:
        shown = io.StringIO()
        error.show(file=shown)  # it quotes the command line, which may name a hostile file
        click.echo(without_commands("\n".join(map(printable, shown.getvalue().splitlines()))), err=True)


def rendered(renderer: str, value: object) -> str:
    """Return `value` as rendered by a function that is imported only now.

    Args:
        renderer: Name of a function of `reconciler.render`.
        value: Its argument.
    """
    text: str = getattr(importlib.import_module("reconciler.render"), renderer)(value)
    return text


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None
