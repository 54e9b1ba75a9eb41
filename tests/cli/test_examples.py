"""The examples of every help page: each is a command line that the command takes."""

from __future__ import annotations

import shlex
from typing import Final

import click
import pytest
from click.testing import CliRunner

from reconciler.cli import group
from reconciler.cli.help import Command
from reconciler.emulator import parse_fault, parse_profiles

_REDIRECTIONS: Final = frozenset({">", "|", "<"})
_MOST: Final = 5


def _command(name: str) -> Command:
    command = group.get_command(click.Context(group), name)
    assert isinstance(command, Command)
    return command


_NAMES: Final = group.list_commands(click.Context(group))


@pytest.mark.parametrize("name", _NAMES)
def test_every_command_has_examples(name: str) -> None:
    """A help page ends with one to five examples, each the command itself."""
    command = _command(name)
    shown = CliRunner().invoke(group, [name, "--help"]).output
    assert 1 <= len(command.examples) <= _MOST
    for line in command.examples:
        assert line.split()[0] == name
        assert f"\n    peak-reconciler {line}\n" in shown.partition("Examples:")[2]


@pytest.mark.parametrize("line", [line for name in _NAMES for line in _command(name).examples])
def test_an_example_is_valid(line: str) -> None:
    """The command takes the arguments and options of an example, with their values."""
    name, *words = shlex.split(line)
    ends = [index for index, word in enumerate(words) if word in _REDIRECTIONS]
    context = _command(name).make_context(name, words[: ends[0] if ends else None])
    if name == "emulator":
        parse_profiles(context.params["profiles"])
        assert all(map(parse_fault, context.params["faults"]))
