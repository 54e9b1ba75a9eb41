"""Arguments and options that several commands share, and how they become `Settings`.

Whatever has a place in the configuration has a variable as well: `RECONCILER_` and the option's name.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from reconciler.concurrency import CONCURRENCY
from reconciler.operations.settings import Typed, settle
from reconciler.safety import Safety
from reconciler.text import clip, printable

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_LIMITS: Final = Safety()


class Number(click.FloatRange):
    """A number within bounds, which an error tells; `nan` is never one, though no bound refuses it.

    Args:
        least: The smallest that is allowed.
        most: The largest, if there is one.
        whole: Whether it must be a whole number.
    """

    def __init__(self, least: float, most: float | None = None, *, whole: bool = False) -> None:
        super().__init__(least, most)
        self._whole = whole
        what = "a whole number" if whole else "a number"
        self._told = f"{what} from {least:g} to {most:g}" if most else f"{what} of at least {least:g}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's
        """Return `value` as a number.

        Raises:
            click.BadParameter: It is none that is allowed.
        """
        number = math.nan
        with suppress(click.BadParameter):
            number = super().convert(value, param, ctx)
        if math.isnan(number) or (self._whole and not number.is_integer()):
            self.fail(f"it must be {self._told}, found {_quoted(str(value))}", param, ctx)
        if self._whole:
            # Not by way of a float: an id of many digits would become another one.
            return int(value) if str(value).strip().isdecimal() else int(number)
        return number


def _quoted(value: str) -> str:
    return f"'{clip(printable(value), 60)}'"


paths_argument = click.argument("paths", metavar="[PATH...]", nargs=-1)

name_argument = click.argument("name", metavar="[NAME]", required=False)

id_option = click.option(
    "--id", "workflow_id", metavar="N", type=Number(1, whole=True), help="The workflow's id, for NAME."
)


def setting(*names: str, **attributes: Any) -> Decorator[Any]:  # noqa: ANN401 - click's
    """Return an option that a variable can set, too; its help says which."""
    name = names[0].partition("/")[0].lstrip("-").upper().replace("-", "_")
    return click.option(*names, envvar=f"RECONCILER_{name}", show_envvar=True, **attributes)


def _tag(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _TAG.fullmatch(value):
        raise click.BadParameter(
            f"the ownership tag has letters, digits and hyphens only, 64 at most, found {_quoted(value)}"
        )
    return value


config_option = setting(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration; else reconciler.yaml here or in the nearest directory above.",
)

environment_option = setting(
    "--environment", metavar="NAME", help="The environment of the configuration to work with."
)

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written to standard output.",
)

show_bodies_option = click.option(
    "--show-bodies", is_flag=True, help="Show the exact body of each write, secrets masked."
)

backup_dir_option = setting(
    "--backup-dir",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where what is overwritten or deleted is kept; else .reconciler/backups beside reconciler.yaml.",
)

report_option = click.option(
    "--report",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the record of the run into FILE, as JSON: who, from which commit, the plan, what came of it, "
    "every request; no secrets.",
)

_CONNECTION: Final = (
    config_option,
    environment_option,
    setting(
        "--concurrency",
        metavar="N",
        type=Number(1, 64, whole=True),
        help=f"How many workflows are read or written at a time; else {CONCURRENCY}.",
    ),
    setting(
        "--max-requests-per-second",
        metavar="N",
        type=Number(0.01, 1000),
        help="How many requests are sent in a second at most; else no limit but the server's.",
    ),
    setting("--verbose", is_flag=True, help="Tell each request on standard error, its body masked."),
)

_COMPARING: Final = (
    setting(
        "--ownership-tag",
        metavar="TAG",
        callback=_tag,
        help="Whose workflows these are: marks what is applied, and only what is marked is ever pruned.",
    ),
    setting(
        "--max-deletes",
        metavar="N",
        type=Number(0, whole=True),
        help=f"How many workflows may be deleted; else {_LIMITS.max_deletes}.",
    ),
    setting(
        "--max-delete-ratio",
        metavar="RATIO",
        type=Number(0, 1),
        help=f"Which part of the owned workflows may be deleted; else {_LIMITS.max_delete_ratio}.",
    ),
    setting(
        "--max-change-ratio",
        metavar="RATIO",
        type=Number(0, 1),
        help=f"Which part of the live workflows may be changed; else {_LIMITS.max_change_ratio}.",
    ),
    setting(
        "--remember/--no-remember",
        default=None,
        help="Remember, as digests in tags of the workflow, what was sent for fields that the platform does "
        "not tell.",
    ),
    click.option(
        "--resend-secrets",
        is_flag=True,
        help="Send again what the manifests say for fields that the platform does not tell.",
    ),
)


_CHECKING: Final = (
    setting("--strict/--no-strict", "strict_check", default=None, help="Let warnings fail the check, too."),
)


def checking_options(function: F) -> F:
    """Give a command its manifests, a tenant and its strictness, as one argument `typed`, not settled yet."""
    return _said(function, (paths_argument, *_CONNECTION, *_CHECKING))


def tenant_options(function: F) -> F:
    """Give a command its manifests, a tenant, and how the two are compared, as one argument `settings`."""
    return _settled(function, (paths_argument, *_CONNECTION, *_COMPARING))


def unsettled_tenant_options(function: F) -> F:
    """Give a command that settles them anew for each run the same, as one argument `typed`."""
    return _said(function, (paths_argument, *_CONNECTION, *_COMPARING))


def connection_options(function: F) -> F:
    """Give a command that needs no manifests its tenant, as one argument `settings`."""
    return _settled(function, _CONNECTION, needs_manifests=False)


def _settled(function: F, options: tuple[Decorator[Any], ...], *, needs_manifests: bool = True) -> F:
    @functools.wraps(function)
    def command(*, typed: Typed, **words: Any) -> Any:  # noqa: ANN401 - click's
        return function(settings=settle(typed, needs_manifests=needs_manifests), **words)

    return _said(command, options)  # type: ignore[return-value]


def _said(function: F, options: tuple[Decorator[Any], ...]) -> F:
    @functools.wraps(function)
    @click.pass_context
    def command(context: click.Context, /, **words: Any) -> Any:  # noqa: ANN401 - click's
        source = context.get_parameter_source("environment")
        said = {name: words.pop(name) for name in Typed.__dataclass_fields__ if name in words}
        typed = Typed(**said, environment_typed=source is ParameterSource.COMMANDLINE)
        return function(typed=typed, **words)

    for option in reversed(options):
        command = option(command)
    return command  # type: ignore[return-value]
