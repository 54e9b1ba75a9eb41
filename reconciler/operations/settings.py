"""Settings: manifests, tenant and limits, from options over `reconciler.yaml` over defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.apply_limits import Safety
from reconciler.concurrency import CONCURRENCY, RETRY_FOR
from reconciler.configuration import Configuration, Environment, find_configuration, load_configuration
from reconciler.errors import UsageError
from reconciler.manifests import ParameterLayer, ReadOptions, read_parameter_file
from reconciler.text import clip, printable
from reconciler.values import JsonObject

if TYPE_CHECKING:
    from reconciler.tenant_profile import TenantProfile
    from reconciler.workflow import Listed

PARAM_OPTION: Final = "--param"
"""The option that sets one parameter of manifests."""

_BACKUPS: Final = Path(".reconciler", "backups")
_LIMITS: Final = ("max_deletes", "max_delete_ratio", "max_change_ratio")


class SharedTenant(NamedTuple):
    """What runs share that work with one tenant at the same time.

    Args:
        reserve: Takes one request out of their common budget, and returns the seconds until it may be sent;
            `None` without a budget.
        listed: The list of the tenant's workflows, read just before; `None` to read it.
    """

    reserve: Callable[[], float] | None = None
    listed: tuple[Listed, ...] | None = None


class Settings(NamedTuple):
    """What an operation works with. `load_settings` makes them from `reconciler.yaml`.

    Args:
        paths: Files and directories with manifests.
        whole: Whether these are all manifests that the configuration names; only then may a run prune.
        allow_latest: Whether `version: latest` of an image is allowed.
        reading: How the manifests are read.
        off: Ids of rules that are switched off.
        strict: Whether a warning fails validation.
        owner: The ownership tag; `None` for none.
        safety: The limits of one apply.
        concurrency: Number of workflows to read or write at a time, 1 to 64.
        max_requests_per_second: Limit of the request rate; `None` for the server's own.
        retry_for: Seconds to wait for a server that stops answering.
        remember: Whether digests of what was sent for write-only fields are kept in tags.
        resend_secrets: Whether to send write-only fields again.
        environment: The chosen environment of the configuration.
        environment_named: Whether the call itself named it, as writes to a protected environment need.
        environments: The names of all environments that the configuration defines.
        backup_dir: Directory for backups.
        verbose: Whether the caller wants to see each request.
        quiet: Whether the caller wants to see no progress.
        warnings: Warnings about the configuration file.
        shared: What this run shares with others on the same tenant.
        given: The options they were made from, with the configuration file that was found; `None` if they
            were made without any.
    """

    paths: tuple[str, ...] = ()
    whole: bool = True
    allow_latest: bool = False
    reading: ReadOptions = ReadOptions()
    off: frozenset[str] = frozenset()
    strict: bool = False
    owner: str | None = None
    safety: Safety = Safety()
    concurrency: int = CONCURRENCY
    max_requests_per_second: float | None = None
    retry_for: float = RETRY_FOR
    remember: bool = True
    resend_secrets: bool = False
    environment: Environment | None = None
    environment_named: bool = False
    environments: tuple[str, ...] = ()
    backup_dir: Path = _BACKUPS
    verbose: bool = False
    quiet: bool = False
    warnings: tuple[str, ...] = ()
    shared: SharedTenant = SharedTenant()
    given: RawOptions | None = None

    def require_environment(self) -> None:
        """Check that an environment is chosen, where the configuration defines any.

        Raises:
            UsageError: None is chosen; the message lists them.
        """
        if self.environment is None and self.environments:
            known = clip(", ".join(map(printable, self.environments)), 300)
            raise UsageError(
                f"no environment is chosen; the configuration defines {known}",
                hint="Pass --environment NAME, or set RECONCILER_ENVIRONMENT; plan, apply, status and "
                "validate also take --all-environments.",
            )

    def tenant_profile(self) -> TenantProfile | None:
        """Return the profile of the environment's tenant; `None` where it has none.

        Raises:
            InvalidInputError: The file cannot be read, or is not a profile.
        """
        file = self.environment.profile if self.environment else None
        if file is None:
            return None
        from reconciler.tenant_profile import read_profile  # noqa: PLC0415 - most have none

        return read_profile(file)

    def require_manifests(self) -> None:
        """Check that there are paths to read manifests from.

        Raises:
            UsageError: Neither the call nor the configuration names any.
        """
        if not self.paths:
            raise UsageError(
                "no manifests: name at least one file or directory",
                hint="Or name them in reconciler.yaml: manifests: [workflows]",
            )

    def require_named_environment(self) -> None:
        """Check that a write to a protected environment names it in the call itself.

        Raises:
            UsageError: It is only named by a variable.
        """
        chosen = self.environment
        if chosen is not None and chosen.protected and not self.environment_named:
            name = printable(chosen.name)
            raise UsageError(
                f"the environment {name!r} is protected: a command that writes to it must name it",
                hint=f"Pass --environment {name}; setting the variable is not enough.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RawOptions:
    """Options as they were given, before the configuration is read.

    Args:
        paths: Files and directories with manifests; empty for those that the configuration names.
        config: The configuration file; `None` for `reconciler.yaml` here or in the nearest directory above.
        environment: The environment whose block overrides the top level.
        params_files: Files with parameters of manifests; a later one wins.
        params: Parameters of manifests, over those of files.
        overrides: Fields of `Settings` and `Safety` by name, over what the configuration states.
    """

    paths: tuple[str, ...] = ()
    config: Path | None = None
    environment: str | None = None
    params_files: tuple[Path, ...] = ()
    params: JsonObject = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)


def load_settings(
    *paths: str,
    config: Path | None = None,
    environment: str | None = None,
    params: JsonObject | None = None,
    **overrides: Any,  # noqa: ANN401 - of the field's type
) -> Settings:
    """Return the settings of `reconciler.yaml`, with `overrides` over them.

    Args:
        *paths: Files and directories with manifests; without any, those that the configuration names.
        config: The configuration file; `None` for `reconciler.yaml` here or in the nearest directory above.
        environment: The environment whose block overrides the top level.
        params: Parameters of manifests, over those of the configuration.
        **overrides: Fields of `Settings` and `Safety` by name, such as `owner`, `concurrency` or
            `max_deletes`.

    Raises:
        UsageError: The environment is unknown.
        InvalidInputError: The configuration is invalid.
    """
    return resolve_settings(
        RawOptions(
            paths=paths, config=config, environment=environment, params=params or {}, overrides=overrides
        )
    )


def resolve_settings(raw: RawOptions) -> Settings:
    """Return the settings of the configuration, with the given options over them.

    Raises:
        UsageError: The environment is unknown.
        InvalidInputError: The configuration is invalid, or a file of parameters.
    """
    file = raw.config or find_configuration(Path.cwd())
    configuration = load_configuration(file, raw.environment)
    parameters = configuration.parameters.overridden_by(
        *map(read_parameter_file, raw.params_files), ParameterLayer(values=raw.params, place=PARAM_OPTION)
    )
    named = {"environment_named": raw.environment is not None}
    chosen = {**named, **_configured(configuration), **raw.overrides}
    limits = {name: chosen.pop(name) for name in _LIMITS}
    whole = _covers(raw.paths, configuration.manifests)
    base = Settings(
        paths=raw.paths or configuration.manifests,
        whole=whole,
        allow_latest=configuration.allow_latest,
        reading=ReadOptions(
            excludes=configuration.excludes,
            extra=configuration.extra,
            parameters=parameters,
            templates=configuration.templates,
            base=configuration.file.parent.resolve() if configuration.file else None,
            overlays=configuration.overlays._replace(whole=whole),
        ),
        off=configuration.off,
        safety=Safety(**limits),
        environment=configuration.environment,
        environments=configuration.environments,
        warnings=configuration.warnings,
        given=dataclasses.replace(raw, config=file),
    )
    return base._replace(**chosen)


def load_environments(
    *names: str,
    paths: Sequence[str] = (),
    config: Path | None = None,
    params: JsonObject | None = None,
    **overrides: Any,  # noqa: ANN401 - of the field's type
) -> dict[str, Settings]:
    """Return the settings of several environments by name: of `names`, without any of all, in this order.

    Args:
        *names: The environments.
        paths: Files and directories with manifests; without any, those that the configuration names.
        config: The configuration file; `None` for `reconciler.yaml` here or in the nearest directory above.
        params: Parameters of manifests, over those of the configuration.
        **overrides: As `load_settings`.

    Raises:
        UsageError: An environment is unknown, or none is defined.
        InvalidInputError: The configuration is invalid.
    """
    raw = RawOptions(paths=tuple(paths), config=config, params=params or {}, overrides=overrides)
    return resolve_environments(raw, names, every=not names)


def resolve_environments(
    raw: RawOptions, names: Iterable[str], *, every: bool = False
) -> dict[str, Settings]:
    """Return the settings of several environments by name, with the given options over them.

    Args:
        raw: The options for all of them.
        names: Their names; those that the call itself names.
        every: Whether to take all that the configuration defines, in its order. A protected one among them
            still has to be in `names` before a command writes to it.

    Raises:
        UsageError: An environment is unknown, or `every` and none is defined.
        InvalidInputError: The configuration is invalid.
    """
    named = tuple(dict.fromkeys(names))
    chosen = {name: resolve_settings(dataclasses.replace(raw, environment=name)) for name in named}
    if not every:
        return chosen
    known = resolve_settings(dataclasses.replace(raw, environment=None)).environments
    if not known:
        raise UsageError(
            "there are no environments: reconciler.yaml defines none", hint="Omit --all-environments."
        )
    unnamed = {**raw.overrides, "environment_named": False}
    return {
        name: chosen.get(name)
        or resolve_settings(dataclasses.replace(raw, environment=name, overrides=unnamed))
        for name in known
    }


def _configured(configuration: Configuration) -> dict[str, Any]:
    """Return what the configuration states and an option may override."""
    return {
        "strict": configuration.strict,
        "owner": configuration.owner,
        "max_deletes": configuration.safety.max_deletes,
        "max_delete_ratio": configuration.safety.max_delete_ratio,
        "max_change_ratio": configuration.safety.max_change_ratio,
        "concurrency": configuration.concurrency,
        "max_requests_per_second": configuration.max_requests_per_second,
        "retry_for": configuration.retry_for,
        "remember": configuration.remember,
        "backup_dir": (configuration.file.parent if configuration.file else Path()) / _BACKUPS,
    }


def _covers(paths: tuple[str, ...], configured: tuple[str, ...]) -> bool:
    """Return whether everything that the configuration names is at or below one of `paths`."""
    above = [Path(path).resolve() for path in paths]
    named = [Path(path).resolve() for path in configured]
    return not paths or all(any(path.is_relative_to(root) for root in above) for path in named)
