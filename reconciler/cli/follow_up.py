"""Follow-up commands that a message names: complete, with the manifests and the tenant of this command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import click
from click.core import ParameterSource

_SAME: Final = ("config", "environments", "params_files", "params", "owner", "remember")
"""The options that say which manifests and which tenant a command is about, and how the two are compared."""


def follow_up(command: str, *options: str, environment: str, same: Sequence[str] = _SAME) -> str:
    """Return the whole line of another command about the same manifests and tenant as the running one.

    Args:
        command: Its name.
        options: Its own options.
        environment: The name of the environment it is about; empty for none.
        same: The options of the running command that it takes, too.
    """
    context = click.get_current_context()
    known = {parameter.name: parameter for parameter in context.command.params}
    words = ["peak-reconciler", command]
    for name in same:
        if name == "environments":
            words += ["--environment", environment] if environment else []
        elif context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words += _written(known[name], context.params.get(name))
    paths = context.params.get("paths") or ()
    return shlex.join([*words, *options, *map(str, paths)])


def _written(parameter: click.Parameter, value: object) -> list[str]:
    if isinstance(value, bool):
        return [parameter.opts[0] if value else parameter.secondary_opts[0]]
    if isinstance(value, dict):
        value = [f"{name}={text}" for name, text in _named_texts(value)]
    values = value if isinstance(value, list | tuple) else [value]
    return [word for item in values for word in (parameter.opts[0], str(item))]


def _named_texts(value: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the dotted name and the text of each parameter that the command line sets."""
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _named_texts(item, f"{above}{name}.")
        else:
            yield f"{above}{name}", item
