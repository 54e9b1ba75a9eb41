"""Where a command's words go: the result to stdout, everything else to stderr, colour to terminals only."""

from __future__ import annotations

import os

import click


def show(text: str) -> None:
    """Write a part of the result to stdout."""
    click.echo(text, color=_colour())


def warn(text: str) -> None:
    """Write anything else to stderr."""
    click.echo(text, err=True, color=_colour())


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None
