"""The option `--output [FORMAT=]FILE`: one run, several formats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.terminal import show
from reconciler.errors import UsageError
from reconciler.files import write_text
from reconciler.text import printable

output_option = click.option(
    "--output",
    "outputs",
    metavar="[FORMAT=]FILE",
    multiple=True,
    help="Write the result into FILE, as FORMAT or as --format says; repeatable.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where a result goes.

    Args:
        printed: The format of standard output.
        files: Formats and the files that they are written into.
    """

    printed: str
    files: tuple[tuple[str, Path], ...]

    def deliver(self, rendered: Callable[[str], str]) -> None:
        """Write a result into its files, and print it unless a file has the printed format.

        Args:
            rendered: Returns it in a format.

        Raises:
            ReconcilerError: A file cannot be written.
        """
        for name, file in self.files:
            write_text(file, click.unstyle(rendered(name)) + "\n")
        if all(name != self.printed for name, _ in self.files):
            show(rendered(self.printed), commands=self.printed == "github")


def read_outputs(typed: Iterable[str], formats: Collection[str], printed: str) -> Outputs:
    """Return what `--output` and `--format` say.

    Args:
        typed: What `--output` was given.
        formats: The names of the formats that there are.
        printed: The format of standard output.

    Raises:
        UsageError: There is no such format, or no file is named.
    """
    return Outputs(printed=printed, files=tuple(_target(output, formats, printed) for output in typed))


def _target(output: str, formats: Collection[str], default: str) -> tuple[str, Path]:
    name, equals, file = output.partition("=")
    if not name and equals:
        raise UsageError(
            f"--output {printable(output)} names no format", hint=f"Formats are {', '.join(formats)}."
        )
    if not equals or not name.isalpha():
        name, file = default, output
    if name not in formats:
        raise UsageError(
            f"--output {printable(output)}: there is no format {printable(name)!r}",
            hint=f"Formats are {', '.join(formats)}.",
        )
    if not file:
        raise UsageError(f"--output {printable(output)} names no file")
    return name, Path(file)
