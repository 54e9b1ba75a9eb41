"""Options that several commands share, and the types of their values."""

# ruff: noqa: ANN401 - as click's decorators and callbacks

from __future__ import annotations

import math
import re
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from reconciler.apply_limits import Safety
from reconciler.cli.help import Decorator, option, setting
from reconciler.cli.shell_completion import (
    complete_environments,
    complete_names,
    complete_paths,
    complete_words,
)
from reconciler.concurrency import CONCURRENCY, RETRY_FOR
from reconciler.errors import UsageError
from reconciler.text import clip, close_name, printable
from reconciler.values import ABSENT, JsonObject, lookup, put

_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_LIMITS: Final = Safety()


_connection = partial(setting, section="Connection")
_comparison = partial(setting, section="Comparison")
_limit = partial(setting, section="Safety")


class Number(click.FloatRange):
    """A number within bounds, which an error states. `nan` is never one, although it is outside no bound.

    Args:
        least: The smallest allowed number.
        most: The largest; `None` for no limit.
        whole: Whether it must be a whole number.
    """

    def __init__(self, least: float, most: float | None = None, *, whole: bool = False) -> None:
        super().__init__(least, most)
        self._whole = whole
        what = "a whole number" if whole else "a number"
        self._allowed = f"{what} from {least:g} to {most:g}" if most else f"{what} of at least {least:g}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return `value` as a number.

        Raises:
            click.BadParameter: It is not an allowed one.
        """
        number = math.nan
        with suppress(click.BadParameter):
            number = super().convert(value, param, ctx)
        if math.isnan(number) or (self._whole and not number.is_integer()):
            self.fail(f"it must be {self._allowed}, found {quoted(str(value))}", param, ctx)
        if self._whole:
            # Not by way of a float, which would change an id of many digits.
            return int(value) if str(value).strip().isdecimal() else int(number)
        return number


def quoted(value: str) -> str:
    """Return `value` in quotation marks, fit for an error."""
    return f"'{clip(printable(value), 60)}'"


FILE: Final = click.Path(dir_okay=False, path_type=Path)
"""The type of an option that takes a file."""


def _tag(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _TAG.fullmatch(value):
        raise click.BadParameter(
            f"the ownership tag takes letters, digits and hyphens only, 64 at most, found {quoted(value)}"
        )
    return value


def _params(_context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> JsonObject:
    """Return `NAME=TEXT` as a mapping; a dot in a name leads into a mapping of its own."""
    found: JsonObject = {}
    for word in words:
        name, equals, text = word.partition("=")
        path = tuple(name.split("."))
        if not equals or not all(path):
            raise click.BadParameter(f"use NAME=TEXT, found {quoted(word)}")
        above = (lookup(found, path[:depth]) for depth in range(1, len(path)))
        if lookup(found, path) is not ABSENT or any(isinstance(value, str) for value in above):
            raise click.BadParameter(f"{quoted(name)} is set twice; set it once")
        put(found, path, text)
    return found


def words_option(name: str, what: str, known: Collection[str], **attributes: Any) -> Decorator[Any]:
    """Return an option that takes known words in any case, separated by commas, and completes them.

    Args:
        name: The name of the option.
        what: What one of the words is, as an error says it: `kind`.
        known: The words in lower case, in the order in which an error lists them.
        **attributes: As of every option; it may be a `multiple` one.
    """

    def read(
        _context: click.Context, _parameter: click.Parameter, value: str | tuple[str, ...] | None
    ) -> frozenset[str]:
        text = value if isinstance(value, str) else ",".join(value or ())
        words = frozenset(filter(None, map(str.strip, text.lower().split(","))))
        unknown = sorted(words - set(known))
        if unknown:
            near = close_name(unknown[0], known)
            hint = f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
            raise click.BadParameter(f"unknown {what} {quoted(unknown[0])}; {hint}")
        return words

    return option(name, callback=read, shell_complete=complete_words(known), **attributes)


def format_option(*formats: str, **attributes: Any) -> Decorator[Any]:
    """Return `--format`, with `text` as its default."""
    help_text = attributes.pop("help", "Print the result in this format.")
    return option(
        "--format",
        "output_format",
        type=click.Choice(formats or ("text", "json")),
        default="text",
        help=help_text,
        section="Output",
        **attributes,
    )


paths_argument = click.argument("paths", metavar="[PATH...]", nargs=-1, shell_complete=complete_paths)

name_argument = click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_names)

names_argument = click.argument("names", metavar="[NAME|GLOB...]", nargs=-1, shell_complete=complete_names)

execution_argument = click.argument(
    "words", metavar="[NAME] [EXECUTION]", nargs=-1, shell_complete=complete_names
)


def named_execution(words: tuple[str, ...], *, by_id: bool) -> tuple[str | None, str | None]:
    """Return the name of the workflow and the id of the execution in `words`; either may be missing.

    Args:
        words: The arguments of the command.
        by_id: Whether `--id` names the workflow, so that there is no name among them.

    Raises:
        UsageError: There are too many.
    """
    most = 1 if by_id else 2
    if len(words) > most:
        raise UsageError("name one workflow and one execution: [NAME] [EXECUTION], or --id N [EXECUTION]")
    padded = [*([None] if by_id else []), *words, None, None]
    return padded[0], padded[1]


id_option = option(
    "--id",
    "workflow_id",
    metavar="N",
    type=Number(1, whole=True),
    help="Select the workflow by its id instead of NAME.",
    section="Selection",
)

secrets_option = option(
    "--secrets",
    type=click.Choice(["names", "env", "ignore"]),
    default="names",
    help="What to write for secrets: names keeps the names of platform credentials and writes a variable for "
    "what looks like a credential; env writes variables for all; ignore leaves the fields to the tenant.",
    section="Output",
)

show_unmanaged_option = option(
    "--show-unmanaged",
    is_flag=True,
    help="List live workflows that are neither in Git nor owned.",
    section="Output",
)

utc_option = option(
    "--utc",
    is_flag=True,
    help="Show exact times in UTC, not how long ago.",
    section="Output",
)


def output_option(
    help_text: str = "Write the result into FILE, in FORMAT or that of --format; repeatable.",
) -> Decorator[Any]:
    """Return `--output`, which writes a result into files, with a help of its own."""
    return option(
        "--output",
        "outputs",
        metavar="[FORMAT=]FILE",
        multiple=True,
        help=help_text,
        shell_complete=complete_paths,
        section="Output",
    )


backup_dir_option = setting(
    "--backup-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for backups.",
    show_default=".reconciler/backups next to reconciler.yaml",
    section="Apply",
)


class _Names(click.types.StringParamType):
    """A name; a variable holds several, separated by commas."""

    envvar_list_splitter = ","

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the name without white space around it."""
        return str(value).strip()


def environment_option(help_text: str) -> Decorator[Any]:
    """Return `--environment`, repeatable, with a help of its own."""
    return _connection(
        "--environment",
        "environments",
        metavar="NAME",
        multiple=True,
        type=_Names(),
        help=help_text,
        shell_complete=complete_environments,
    )


CONFIG_OPTION: Final = _connection(
    "--config",
    type=FILE,
    help="Configuration file.",
    show_default="the nearest reconciler.yaml, here or above",
)
ENVIRONMENT_OPTIONS: Final = (
    environment_option("Environment of the configuration to work with."),
    CONFIG_OPTION,
)
ENVIRONMENTS_OPTIONS: Final = (
    environment_option("Environment of the configuration to work with; repeatable."),
    option(
        "--all-environments",
        is_flag=True,
        help="Work with all environments of the configuration, one after the other. A command that writes "
        "needs --environment NAME, too, for each protected one.",
        section="Connection",
    ),
    CONFIG_OPTION,
)
PARAMETERS: Final = (
    option(
        "--params",
        "params_files",
        metavar="FILE",
        type=FILE,
        multiple=True,
        help="Read parameters of manifests from a YAML or JSON file; repeatable, a later one wins.",
    ),
    option(
        "--param",
        "params",
        metavar="NAME=TEXT",
        multiple=True,
        callback=_params,
        help="Set a parameter of manifests, over those of files; team.name=TEXT sets it in a mapping; "
        "repeatable.",
    ),
)
CONCURRENCY_OPTION: Final = _connection(
    "--concurrency",
    metavar="N",
    type=Number(1, 64, whole=True),
    default=CONCURRENCY,
    help="Read or write N workflows at a time.",
)
PACE_OPTIONS: Final = (
    _connection(
        "--max-requests-per-second",
        metavar="N",
        type=Number(0.01, 1000),
        help="Limit requests to N per second.",
    ),
    _connection(
        "--retry-for",
        metavar="SECONDS",
        type=Number(0, 3600),
        default=RETRY_FOR,
        help="Wait up to SECONDS for a server that stops answering.",
    ),
    setting(
        "--quiet",
        is_flag=True,
        help="Do not show progress.",
        section="Output",
    ),
)
REQUEST_OPTIONS: Final = (
    *PACE_OPTIONS,
    setting(
        "--verbose",
        is_flag=True,
        help="Print each request to standard error, its body masked.",
        section="Output",
    ),
)
OWNERSHIP_OPTION: Final = _comparison(
    "--ownership-tag",
    "owner",
    metavar="TAG",
    callback=_tag,
    help="Owner of these workflows: tags what is applied; only tagged workflows are ever pruned.",
)
COMPARISON_OPTIONS: Final = (
    OWNERSHIP_OPTION,
    _comparison(
        "--remember/--no-remember",
        default=True,
        help="Keep digests of sent write-only fields, in tags of the workflow, to detect changes.",
    ),
)
LIMIT_OPTIONS: Final = (
    _limit(
        "--max-deletes",
        metavar="N",
        type=Number(0, whole=True),
        default=_LIMITS.max_deletes,
        help="Limit deletes to N.",
    ),
    _limit(
        "--max-delete-ratio",
        metavar="RATIO",
        type=Number(0, 1),
        default=_LIMITS.max_delete_ratio,
        help="Maximum fraction of owned workflows to delete.",
    ),
    _limit(
        "--max-change-ratio",
        metavar="RATIO",
        type=Number(0, 1),
        default=_LIMITS.max_change_ratio,
        help="Maximum fraction of live workflows to change.",
    ),
    option(
        "--resend-secrets",
        is_flag=True,
        help="Send all write-only fields again, whether or not they changed.",
        section="Comparison",
    ),
)
STRICT_OPTION: Final = setting(
    "--strict/--no-strict", default=False, help="Fail on warnings, too.", section="Options"
)

MANIFEST_OPTIONS: Final = (paths_argument, *PARAMETERS)
COMPARED_OPTIONS: Final = (CONCURRENCY_OPTION, *REQUEST_OPTIONS, *COMPARISON_OPTIONS)
