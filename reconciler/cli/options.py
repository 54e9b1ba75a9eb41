"""Arguments and options that several commands share, and how they become `Settings`.

Whatever has a place in the configuration has a variable as well: `RECONCILER_` and the option's name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from reconciler.cli.settings import Typed, settle

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,64}")

paths_argument = click.argument("paths", metavar="[PATH...]", nargs=-1)


def _setting(*names: str, **attributes: Any) -> Decorator[Any]:  # noqa: ANN401 - click's
    """Return an option that a variable can set, too; its help says which."""
    name = names[0].partition("/")[0].lstrip("-").upper().replace("-", "_")
    return click.option(*names, envvar=f"RECONCILER_{name}", show_envvar=True, **attributes)


def _tag(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _TAG.fullmatch(value):
        raise click.BadParameter("the ownership tag has letters, digits and hyphens only, 64 at most")
    return value


config_option = _setting(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration; else reconciler.yaml here or in the nearest directory above.",
)

environment_option = _setting(
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

backup_dir_option = _setting(
    "--backup-dir",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where what is overwritten or deleted is kept; else .reconciler/backups beside reconciler.yaml.",
)

_CONNECTION: Final = (
    config_option,
    environment_option,
    _setting(
        "--concurrency",
        metavar="N",
        type=click.IntRange(1, 64),
        help="How many workflows are read or written at a time; else 10.",
    ),
    _setting(
        "--max-requests-per-second",
        metavar="N",
        type=click.FloatRange(0.01, 1000),
        help="How many requests are sent in a second at most; else no limit but the server's.",
    ),
)

_COMPARING: Final = (
    _setting(
        "--ownership-tag",
        metavar="TAG",
        callback=_tag,
        help="Whose workflows these are: marks what is applied, and only what is marked is ever pruned.",
    ),
    _setting(
        "--max-deletes",
        metavar="N",
        type=click.IntRange(min=0),
        help="How many workflows may be deleted; else 3.",
    ),
    _setting(
        "--max-delete-ratio",
        metavar="RATIO",
        type=click.FloatRange(0, 1),
        help="Which part of the owned workflows may be deleted; else 0.3.",
    ),
    _setting(
        "--max-change-ratio",
        metavar="RATIO",
        type=click.FloatRange(0, 1),
        help="Which part of the live workflows may be changed; else 1.0.",
    ),
    _setting(
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


def tenant_options(function: F) -> F:
    """Give a command its manifests, a tenant, and how the two are compared, as one argument `settings`."""
    return _settled(function, (paths_argument, *_CONNECTION, *_COMPARING))


def connection_options(function: F) -> F:
    """Give a command that needs no manifests its tenant, as one argument `settings`."""
    return _settled(function, _CONNECTION, needs_manifests=False)


def _settled(function: F, options: tuple[Decorator[Any], ...], *, needs_manifests: bool = True) -> F:
    @functools.wraps(function)
    @click.pass_context
    def command(context: click.Context, /, **words: Any) -> Any:  # noqa: ANN401 - click's
        source = context.get_parameter_source("environment")
        said = {name: words.pop(name) for name in Typed.__dataclass_fields__ if name in words}
        typed = Typed(**said, environment_typed=source is ParameterSource.COMMANDLINE)
        return function(settings=settle(typed, needs_manifests=needs_manifests), **words)

    for option in reversed(options):
        command = option(command)
    return command  # type: ignore[return-value]
