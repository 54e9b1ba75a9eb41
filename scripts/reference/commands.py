"""Page of all commands, generated from click: a new command or option appears by itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

import click

from reconciler.cli import group
from reconciler.cli.help import Command
from reference.markdown import code, head, table, text_page

_OTHER_VARIABLES: Final = (
    ("PEAK_AUTH_TOKEN", "The credential, sent unchanged in the header `Authorization`."),
    ("API_KEY", "The credential, if `PEAK_AUTH_TOKEN` is not set."),
    ("PEAK__STAGE", "The stage: `prod` (default), `dev`, `latest`, `test`, `beta` or `parvati`."),
    ("STAGE", "The stage, if `PEAK__STAGE` is not set."),
    ("PEAK_API_URL", "An address that replaces the stage's: a proxy, or the emulator."),
    (
        "HTTPS_PROXY",
        (
            "The proxy for requests, `http://[USER:PASSWORD@]HOST:PORT`; likewise `HTTP_PROXY`, `ALL_PROXY`. "
            "None is used for the hosts in `NO_PROXY`, nor for http to loopback."
        ),
    ),
    (
        "REQUESTS_CA_BUNDLE",
        (
            "A file or a directory of CA certificates (also `CURL_CA_BUNDLE`), which alone are trusted. "
            "Default: those that this machine trusts (on Linux "
            "those of OpenSSL, also `SSL_CERT_FILE`), and Mozilla's."
        ),
    ),
    (
        "RECONCILER_REMEMBER_KEY",
        "The key of the digests of [write-only fields](../explanation/write-only-fields.md).",
    ),
    ("NO_COLOR", "Any value: no colour, even on a terminal and with `FORCE_COLOR`."),
    ("FORCE_COLOR", "Any value: colour, even in a pipe, as CI systems show it."),
    (
        "TERM",
        "`dumb`: no colour unless `FORCE_COLOR` is set, no wrapped lines, and progress in lines.",
    ),
    (
        "COLUMNS",
        "The width of the terminal, in place of its own. Output to a pipe or a file is never wrapped.",
    ),
)

_INTRODUCTION: Final = """\
Every command has `--help`. The result goes to standard output, progress and warnings to standard error.
The exit codes have [their own page](exit-codes.md).

Precedence, highest first: option, environment variable, the environment's block in `reconciler.yaml`,
its top level, default.
"""


def page() -> str:
    """Return the page."""
    context = click.Context(group, info_name="peak-reconciler")
    lines = head("Commands", _INTRODUCTION)
    for name, command in _commands(context):
        lines += _command(click.Context(command, parent=context, info_name=name))
    return text_page([*lines, *_variables(context)])


def _commands(context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield name, command


def _command(context: click.Context) -> Iterator[str]:
    command = context.command
    # Some versions of click put the choices of an optional argument into two pairs of brackets.
    pieces = " ".join(command.collect_usage_pieces(context)).replace("[[", "[").replace("]]", "]")
    yield from (f"## {context.info_name}", "", "```text", f"{context.command_path} {pieces}", "```", "")
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    for paragraph in paragraphs:
        yield from _paragraph(paragraph)
    sections = command.sections(context) if isinstance(command, Command) else {"": command.params}
    options = [option for name in sections for option in sections[name] if name != "Other"]
    yield from table(
        ("option", "meaning", "default", "variable"),
        (_option(option, context) for option in options if isinstance(option, click.Option)),
    )
    if command.epilog:
        yield from ("```text", *command.epilog.replace("\b\n", "").strip("\n").splitlines(), "```", "")


def _paragraph(text: str) -> Iterator[str]:
    """Yield a paragraph of a help text; text that click keeps as it is becomes a block."""
    if text.startswith("\b\n"):
        yield from ("```text", *text.splitlines()[1:], "```", "")
    else:
        yield from (" ".join(text.split()), "")


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    names = code(" / ".join([*option.opts, *option.secondary_opts]))
    takes = "" if option.is_flag else f" {_takes(option, context)}"
    default = option.get_help_extra(context).get("default", "").removeprefix("(").removesuffix(")")
    again = " (repeatable)" if option.multiple and "repeat" not in (option.help or "") else ""
    return names + takes, f"{option.help or ''}{again}", code(default) if default else "", _variable(option)


def _takes(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice):
        return ", ".join(map(code, option.type.choices))
    return code(option.make_metavar(context))


def _variable(option: click.Option) -> str:
    return code(str(option.envvar)) if option.envvar else ""


def _variables(context: click.Context) -> Iterator[str]:
    yield from ("## Environment variables", "")
    variables: dict[str, tuple[str, list[str]]] = {}
    for name, command in _commands(context):
        for option in command.params:
            if isinstance(option, click.Option) and option.envvar:
                variables.setdefault(str(option.envvar), (option.opts[0], []))[1].append(name)
    options = [
        (code(variable), f"{code(option)} of {', '.join(map(code, names))}")
        for variable, (option, names) in sorted(variables.items())
    ]
    others = [(code(variable), meaning) for variable, meaning in _OTHER_VARIABLES]
    yield from table(("variable", "meaning"), [*others, *options])
    yield "A token is sent over https only, or to loopback."
