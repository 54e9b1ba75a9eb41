"""Outputs of a result: several formats at once, to stdout or to files (`--output [FORMAT=]FILE`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.help import option
from reconciler.cli.terminal import show
from reconciler.errors import UsageError
from reconciler.files import write_text
from reconciler.text import printable

output_option = option(
    "--output",
    "outputs",
    metavar="[FORMAT=]FILE",
    multiple=True,
    help="Write the result into FILE, in FORMAT or that of --format; repeatable.",
    section="Output",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Destinations of a result.

    Args:
        printed: The format for standard output.
        files: Formats with the files they are written into.
    """

    printed: str
    files: tuple[tuple[str, Path], ...]

    def deliver(self, rendered: Callable[[str], str]) -> None:
        """Write a result into its files, and print it unless a file has the printed format.

        Args:
            rendered: Returns the result in a format.

        Raises:
            ReconcilerError: A file cannot be written.
        """
        for name, file in self.files:
            write_text(file, click.unstyle(rendered(name)) + "\n")
        if all(name != self.printed for name, _ in self.files):
            show(rendered(self.printed), commands=self.printed == "github")


def read_outputs(given: Iterable[str], formats: Collection[str], printed: str) -> Outputs:
    """Return the destinations that `--output` and `--format` state.

    Args:
        given: The values of `--output`.
        formats: The names of the formats.
        printed: The format for standard output.

    Raises:
        UsageError: There is no such format, or no file is named.
    """
    return Outputs(printed=printed, files=tuple(_target(output, formats, printed) for output in given))


def _target(output: str, formats: Collection[str], default: str) -> tuple[str, Path]:
    name, equals, file = output.partition("=")
    if not name and equals:
        raise UsageError(f"--output {printable(output)} names no format", hint=_allowed(formats))
    if not equals or not name.isalpha():
        name, file = default, output
    if name not in formats:
        raise UsageError(
            f"--output {printable(output)}: unknown format {printable(name)!r}", hint=_allowed(formats)
        )
    if not file:
        raise UsageError(f"--output {printable(output)} names no file")
    return name, Path(file)


def _allowed(formats: Collection[str]) -> str:
    return f"Formats: {', '.join(formats)}."
