"""Options that several commands share, and the typed values that commands receive for them."""

# ruff: noqa: ANN401 - as click's decorators and callbacks

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from reconciler.apply_limits import Safety
from reconciler.cli.help import Decorator, bundle, option, setting
from reconciler.cli.terminal import print_error, warn
from reconciler.concurrency import CONCURRENCY, RETRY_FOR
from reconciler.environments import EnvironmentResult, own_exit_code, run_in_each
from reconciler.errors import ExitCode, ReconcilerError, UsageError
from reconciler.operations import RawOptions, Settings, resolve_environments, resolve_settings
from reconciler.text import clip, printable, slug
from reconciler.values import ABSENT, JsonObject, lookup, put

if TYPE_CHECKING:
    from reconciler.operations import DiffSide

T = TypeVar("T")

_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_LIMITS: Final = Safety()
_SIDES: Final = 2
_GIVEN: Final = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})


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


paths_argument = click.argument("paths", metavar="[PATH...]", nargs=-1)

name_argument = click.argument("name", metavar="[NAME]", required=False)

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

output_option = option(
    "--output",
    "outputs",
    metavar="[FORMAT=]FILE",
    multiple=True,
    help="Write the result into FILE, in FORMAT or that of --format; repeatable.",
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


def _environment_option(help_text: str) -> Decorator[Any]:
    return _connection(
        "--environment", "environments", metavar="NAME", multiple=True, type=_Names(), help=help_text
    )


_CONFIG: Final = _connection(
    "--config",
    type=FILE,
    help="Configuration file.",
    show_default="the nearest reconciler.yaml, here or above",
)
_ENVIRONMENT: Final = (_environment_option("Environment of the configuration to work with."), _CONFIG)
_ENVIRONMENTS: Final = (
    _environment_option("Environment of the configuration to work with; repeatable."),
    option(
        "--all-environments",
        is_flag=True,
        help="Work with all environments of the configuration, one after the other. A command that writes "
        "needs --environment NAME, too, for each protected one.",
        section="Connection",
    ),
    _CONFIG,
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
_CONCURRENCY: Final = _connection(
    "--concurrency",
    metavar="N",
    type=Number(1, 64, whole=True),
    default=CONCURRENCY,
    help="Read or write N workflows at a time.",
)
_REQUESTS: Final = (
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
    setting(
        "--verbose",
        is_flag=True,
        help="Print each request to standard error, its body masked.",
        section="Output",
    ),
)
_COMPARISON: Final = (
    _comparison(
        "--ownership-tag",
        "owner",
        metavar="TAG",
        callback=_tag,
        help="Owner of these workflows: tags what is applied; only tagged workflows are ever pruned.",
    ),
    _comparison(
        "--remember/--no-remember",
        default=True,
        help="Keep digests of sent write-only fields, in tags of the workflow, to detect changes.",
    ),
)
_LIMIT_OPTIONS: Final = (
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
_STRICT: Final = setting(
    "--strict/--no-strict", default=False, help="Fail on warnings, too.", section="Options"
)

_MANIFESTS: Final = (paths_argument, *PARAMETERS)
_COMPARED: Final = (_CONCURRENCY, *_REQUESTS, *_COMPARISON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The settings of the environments that a command works with.

    Args:
        settings: The settings by the name of the environment, in order; by an empty name without one.
        several: Whether the result is by environment: more than one is named, or `--all-environments`.
    """

    settings: Mapping[str, Settings]
    several: bool = False

    @property
    def verbose(self) -> bool:
        """Whether to print each request."""
        return any(settings.verbose for settings in self.settings.values())

    def files(self, file: Path | None) -> dict[str, Path]:
        """Return the file of each environment for what `file` would hold of one; with several, its own.

        Raises:
            UsageError: Two environments would share one.
        """
        if file is None:
            return {}
        if not self.several:
            return dict.fromkeys(self.settings, file)
        found = {name: file.with_name(f"{file.stem}.{slug(name)}{file.suffix}") for name in self.settings}
        if len(set(found.values())) < len(found):
            raise UsageError(
                f"two of the environments would write the same file: {', '.join(map(quoted, found))}",
                hint="Run the command once for each environment.",
            )
        return found

    def run(
        self,
        operation: Callable[[Settings], T],
        *,
        code_of: Callable[[T], ExitCode] = own_exit_code,
        goes_on: Callable[[ExitCode], bool] = lambda _: True,
    ) -> tuple[EnvironmentResult[T], ...]:
        """Return the result of `operation` in each environment; see `run_in_each`.

        With several, each error is printed and is a part of the result.

        Raises:
            ReconcilerError: As `operation`, when there are not several.
        """
        if self.several:
            return run_in_each(self.settings, partial(_reported, operation), code_of=code_of, goes_on=goes_on)
        ((name, settings),) = self.settings.items()
        value = operation(settings)
        return (EnvironmentResult(environment=name, value=value, exit_code=code_of(value)),)


def _reported(operation: Callable[[Settings], T], settings: Settings) -> T:
    """Return the result of `operation`, after printing an error that it raises."""
    try:
        return operation(settings)
    except ReconcilerError as error:
        name = settings.environment.name if settings.environment else ""
        print_error(f"environment {printable(name)}: {error.message}", error.hint)
        raise


def checking_options(function: Any) -> Any:
    """Give a command its manifests, tenants and its strictness, as `environments`.

    It gets `None` for `--list-rules`.
    """

    def make(values: dict[str, Any]) -> Environments | None:
        return None if click.get_current_context().params["list_rules"] else _environments(values)

    options = (*_MANIFESTS, _STRICT, *_ENVIRONMENTS, _CONCURRENCY, *_REQUESTS)
    return bundle("environments", options, make)(function)


def comparing_options(function: Any) -> Any:
    """Give a command its manifests, tenants and how the two are compared, as `environments`."""
    return bundle("environments", (*_MANIFESTS, *_ENVIRONMENTS, *_COMPARED), _environments)(function)


def tenant_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command the same with the limits for writes, and `further` settings."""
    options = (*_MANIFESTS, *_ENVIRONMENTS, *_COMPARED, *_LIMIT_OPTIONS, *further)
    return bundle("environments", options, _environments)


def unresolved_tenant_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator for a command that reads its configuration for each run: its options, as `raw`."""
    return bundle("raw", (*_MANIFESTS, *_ENVIRONMENT, *_COMPARED, *_LIMIT_OPTIONS, *further), _given)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSides:
    """The two sides of a comparison.

    Args:
        left: The one that comes first.
        right: The other.
    """

    left: DiffSide
    right: DiffSide


def two_sides_options(function: Any) -> Any:
    """Give a command two directories, two tenants, or one of each, as `sides`."""
    environment = _environment_option("Environment whose tenant is a side; twice for both sides.")
    options = (*_MANIFESTS, environment, _CONFIG, _CONCURRENCY, *_REQUESTS)
    return bundle("sides", options, _two_sides)(function)


def _two_sides(values: dict[str, Any]) -> TwoSides:
    """Return the sides that paths and environments name.

    Raises:
        UsageError: They are not two.
    """
    from reconciler.operations import DiffSide  # noqa: PLC0415 - it needs the client, other options do not

    paths, names = values["paths"], tuple(dict.fromkeys(values["environments"]))
    if len(paths) == _SIDES and not _is_on_command_line("environments"):
        names = ()
    raw = _given({**values, "environments": (), "paths": ()})
    one_tenant = len(paths) == 1 and len(names) <= 1
    if not one_tenant and len(paths) + len(names) != _SIDES:
        raise UsageError(
            f"name two sides, found {len(paths) + len(names)}",
            hint="They are two environments (--environment dev --environment prod), two directories, or a "
            "directory and an environment.",
        )
    found = [
        DiffSide(
            settings=resolve_settings(
                dataclasses.replace(raw, paths=(path,), environment=names[0] if names else None)
            ),
            live=False,
        )
        for path in paths
    ]
    for name in names or ((None,) if one_tenant else ()):
        settings = resolve_settings(dataclasses.replace(raw, environment=name))
        found.append(DiffSide(settings=settings, live=True))
    _warn_about(*(side.settings for side in found))
    left, right = found
    return TwoSides(left=left, right=right)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOptions:
    """The options of a command and the variables for them, without the configuration.

    Args:
        raw: What they state.
        sources: The option or the variable that states each, by field.
    """

    raw: RawOptions
    sources: Mapping[str, str]


def given_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command the options of those that plan, as `given`."""
    options = (*_MANIFESTS, _STRICT, *_ENVIRONMENT, *_COMPARED, *_LIMIT_OPTIONS, *further)
    return bundle("given", options, _with_sources)


def _with_sources(values: dict[str, Any]) -> GivenOptions:
    context = click.get_current_context()
    sources: dict[str, str] = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is ParameterSource.ENVIRONMENT:
            sources[str(parameter.name)] = str(parameter.envvar)
        elif source is ParameterSource.COMMANDLINE:
            sources[str(parameter.name)] = (
                "argument PATH" if isinstance(parameter, click.Argument) else parameter.opts[0]
            )
    sources["environment"] = sources.pop("environments", "default")
    return GivenOptions(raw=_given(values), sources=sources)


def offline_options(function: Any) -> Any:
    """Give a command its parameters and its environment, without a tenant, as `settings`."""
    return bundle("settings", (*PARAMETERS, *_ENVIRONMENT), _settings)(function)


def connection_options(*further: Decorator[Any], concurrent: bool = False) -> Decorator[Any]:
    """Return a decorator that gives a command without manifests its tenant, and `further` settings."""
    several = (_CONCURRENCY,) if concurrent else ()
    return bundle("settings", (*_ENVIRONMENT, *several, *_REQUESTS, *further), _settings)


def ownership_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command without PATH what `tenant_options` does, without the limits."""
    return connection_options(*PARAMETERS, *_COMPARISON, *further, concurrent=True)


def _settings(values: dict[str, Any]) -> Settings:
    """Return the settings: flags over variables over the configuration over defaults."""
    settings = resolve_settings(_given(values))
    _warn_about(settings)
    return settings


def _environments(values: dict[str, Any]) -> Environments:
    """Return the settings of each environment that flags or the variable name, in order."""
    names, every = tuple(dict.fromkeys(values["environments"])), values.pop("all_environments")
    if every or len(names) > 1:
        named_here = _is_on_command_line("environments")
        raw = _given({**values, "environments": ()})
        raw = dataclasses.replace(raw, overrides={**raw.overrides, "environment_named": named_here})
        several = resolve_environments(raw, names if named_here or not every else (), every=every)
        found = Environments(settings=several, several=True)
    else:
        settings = resolve_settings(_given(values))
        found = Environments(settings={settings.environment.name if settings.environment else "": settings})
    _warn_about(*found.settings.values())
    return found


def _warn_about(*settings: Settings) -> None:
    for warning in dict.fromkeys(text for one in settings for text in one.warnings):
        warn(f"warning: {printable(warning)}")


def _given(values: dict[str, Any]) -> RawOptions:
    """Return what flags and variables state, without the configuration.

    Raises:
        UsageError: They name several environments.
    """
    source = click.get_current_context().get_parameter_source
    names = tuple(dict.fromkeys(values["environments"]))
    if len(names) > 1:
        raise UsageError(
            f"this command works with one environment at a time, found {', '.join(map(quoted, names))}",
            hint="Run it once for each environment.",
        )
    stated = {name: value for name, value in values.items() if source(name) in _GIVEN}
    stated["environment_named"] = _is_on_command_line("environments")
    stated.pop("environments", None)
    return RawOptions(
        paths=stated.pop("paths", ()),
        config=stated.pop("config", None),
        environment=names[0] if names else None,
        params_files=stated.pop("params_files", ()),
        params=stated.pop("params", {}),
        overrides=stated,
    )


def _is_on_command_line(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
