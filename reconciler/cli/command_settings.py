"""Settings of a command from its options: of one environment, of several, or of two sides."""

# ruff: noqa: ANN401 - as click's decorators and callbacks

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from reconciler.cli.help import Decorator, bundle
from reconciler.cli.options import (
    COMPARED_OPTIONS,
    COMPARISON_OPTIONS,
    CONCURRENCY_OPTION,
    CONFIG_OPTION,
    ENVIRONMENT_OPTIONS,
    ENVIRONMENTS_OPTIONS,
    LIMIT_OPTIONS,
    MANIFEST_OPTIONS,
    OWNERSHIP_OPTION,
    PACE_OPTIONS,
    PARAMETERS,
    REQUEST_OPTIONS,
    STRICT_OPTION,
    environment_option,
    quoted,
)
from reconciler.cli.terminal import print_error, warn
from reconciler.environments import EnvironmentResult, own_exit_code, run_in_each
from reconciler.errors import ExitCode, ReconcilerError, UsageError
from reconciler.operations import RawOptions, Settings, resolve_environments, resolve_settings
from reconciler.text import printable, slug

if TYPE_CHECKING:
    from reconciler.operations import DiffSide


T = TypeVar("T")

_PLANNING: Final = (*MANIFEST_OPTIONS, *ENVIRONMENT_OPTIONS, *COMPARED_OPTIONS)
_SIDES: Final = 2
_GIVEN: Final = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})


class Environments(NamedTuple):
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

    options = (*MANIFEST_OPTIONS, STRICT_OPTION, *ENVIRONMENTS_OPTIONS, CONCURRENCY_OPTION, *REQUEST_OPTIONS)
    return bundle("environments", options, make)(function)


def comparing_options(function: Any) -> Any:
    """Give a command its manifests, tenants and how the two are compared, as `environments`."""
    return bundle(
        "environments", (*MANIFEST_OPTIONS, *ENVIRONMENTS_OPTIONS, *COMPARED_OPTIONS), _environments
    )(function)


def tenant_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command the same with the limits for writes, and `further` settings."""
    options = (*MANIFEST_OPTIONS, *ENVIRONMENTS_OPTIONS, *COMPARED_OPTIONS, *LIMIT_OPTIONS, *further)
    return bundle("environments", options, _environments)


def unresolved_tenant_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator for a command that reads its configuration for each run: its options, as `raw`."""
    return bundle(
        "raw", (*MANIFEST_OPTIONS, *ENVIRONMENT_OPTIONS, *COMPARED_OPTIONS, *LIMIT_OPTIONS, *further), _given
    )


def fleet_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator for a command that chooses environments by itself: its other options, as `raw`."""
    return bundle(
        "raw",
        (
            *MANIFEST_OPTIONS,
            CONFIG_OPTION,
            CONCURRENCY_OPTION,
            *PACE_OPTIONS,
            *COMPARISON_OPTIONS,
            *LIMIT_OPTIONS,
            *further,
        ),
        lambda values: _given({**values, "environments": ()}),
    )


class TwoSides(NamedTuple):
    """The two sides of a comparison.

    Args:
        left: The one that comes first.
        right: The other.
    """

    left: DiffSide
    right: DiffSide


def two_sides_options(function: Any) -> Any:
    """Give a command two directories, two tenants, or one of each, as `sides`."""
    environment = environment_option("Environment whose tenant is a side; twice for both sides.")
    options = (*MANIFEST_OPTIONS, environment, CONFIG_OPTION, CONCURRENCY_OPTION, *REQUEST_OPTIONS)
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


class GivenOptions(NamedTuple):
    """The options of a command and the variables for them, without the configuration.

    Args:
        raw: What they state.
        sources: The option or the variable that states each, by field.
    """

    raw: RawOptions
    sources: Mapping[str, str]


def given_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command the options of those that plan, as `given`."""
    options = (
        *MANIFEST_OPTIONS,
        STRICT_OPTION,
        *ENVIRONMENT_OPTIONS,
        *COMPARED_OPTIONS,
        *LIMIT_OPTIONS,
        *further,
    )
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
    return bundle("settings", (*PARAMETERS, *ENVIRONMENT_OPTIONS), _settings)(function)


def connection_options(*further: Decorator[Any], concurrent: bool = False) -> Decorator[Any]:
    """Return a decorator that gives a command without manifests its tenant, and `further` settings."""
    several = (CONCURRENCY_OPTION,) if concurrent else ()
    return bundle("settings", (*ENVIRONMENT_OPTIONS, *several, *REQUEST_OPTIONS, *further), _settings)


def ownership_options(*further: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command without PATH what `tenant_options` does, without the limits."""
    return connection_options(*PARAMETERS, *COMPARISON_OPTIONS, *further, concurrent=True)


def managed_options(function: Any) -> Any:
    """Give a command its tenant, and what says which of its workflows are managed, as `settings`."""
    return connection_options(*PARAMETERS, OWNERSHIP_OPTION, concurrent=True)(function)


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
