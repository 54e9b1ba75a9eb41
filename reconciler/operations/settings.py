"""What a command works with: a flag, else a variable, the environment's block, the top level, a default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from reconciler.cli.terminal import warn
from reconciler.concurrency import CONCURRENCY
from reconciler.configuration import Configuration, Environment, find_configuration, load_configuration
from reconciler.errors import UsageError
from reconciler.safety import Safety
from reconciler.text import printable

_BACKUPS: Final = Path(".reconciler", "backups")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What flags and variables say of the settings that have a place in the configuration; `None`: nothing.

    Args:
        paths: Files and directories with manifests.
        config: The configuration file.
        environment: The name of the environment.
        environment_typed: Whether that was typed, and not only a variable.
        ownership_tag: The ownership tag.
        max_deletes: How many workflows may be deleted.
        max_delete_ratio: Which part of the owned workflows may be deleted.
        max_change_ratio: Which part of the live workflows may be changed.
        concurrency: How many workflows are read or written at a time.
        max_requests_per_second: How many requests are sent in a second at most.
        remember: Whether what the platform does not tell is remembered.
        resend_secrets: Whether it is sent again.
        strict_check: Whether a warning fails the check.
        backup_dir: Where backups are kept.
        verbose: Whether each request is told.
    """

    paths: tuple[str, ...] = ()
    config: Path | None = None
    environment: str | None = None
    environment_typed: bool = False
    ownership_tag: str | None = None
    max_deletes: int | None = None
    max_delete_ratio: float | None = None
    max_change_ratio: float | None = None
    concurrency: int | None = None
    max_requests_per_second: float | None = None
    remember: bool | None = None
    resend_secrets: bool = False
    strict_check: bool | None = None
    backup_dir: Path | None = None
    verbose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command works with.

    Args:
        paths: Files and directories with manifests.
        whole: Whether these are all that the configuration names.
        excludes: Says of a file below a directory that it is left out.
        off: The ids of rules that are switched off.
        strict: Whether a warning fails the check, too.
        owner: The ownership tag; `None` when there is none.
        safety: The limits of one apply.
        concurrency: How many workflows are read or written at a time.
        max_requests_per_second: How many requests are sent in a second at most; `None` for no limit.
        remember: Whether what the platform does not tell is remembered in tags.
        resend_secrets: Whether it is sent again.
        environment: The environment that was chosen.
        environment_typed: Whether it was named on the command line.
        backup_dir: Where backups are kept.
        verbose: Whether each request is told.
    """

    paths: tuple[str, ...]
    whole: bool = True
    excludes: Callable[[Path], bool] = lambda _: False
    off: frozenset[str] = frozenset()
    strict: bool = False
    owner: str | None = None
    safety: Safety = field(default_factory=Safety)
    concurrency: int = CONCURRENCY
    max_requests_per_second: float | None = None
    remember: bool = True
    resend_secrets: bool = False
    environment: Environment | None = None
    environment_typed: bool = False
    backup_dir: Path = _BACKUPS
    verbose: bool = False

    def refuse_unnamed_environment(self) -> None:
        """See that what writes to a protected environment names it on the command line.

        Raises:
            UsageError: It does not.
        """
        chosen = self.environment
        if chosen is not None and chosen.protected and not self.environment_typed:
            raise UsageError(
                f"the environment {printable(chosen.name)!r} is protected: what writes to it must name it",
                hint=f"Add --environment {printable(chosen.name)}; the variable does not do.",
            )


def settle(typed: Typed, *, needs_manifests: bool = True) -> Settings:
    """Return what holds: a flag or a variable, else the environment's block, the top level, a default.

    Args:
        typed: What flags and variables say.
        needs_manifests: Whether it is a mistake that nothing names any manifests.

    Raises:
        UsageError: Nothing names any manifests, or the environment is not known.
        InvalidInputError: The configuration is invalid.
    """
    configuration = read_configuration(typed.config, typed.environment)
    paths = typed.paths or configuration.manifests
    if needs_manifests and not paths:
        raise no_manifests()
    return Settings(
        paths=paths,
        whole=_covers(typed.paths, configuration.manifests),
        excludes=configuration.excludes,
        off=configuration.off,
        strict=_first(typed.strict_check, configuration.strict),
        owner=_first(typed.ownership_tag, configuration.owner),
        safety=_safety(typed, configuration.safety),
        concurrency=_first(typed.concurrency, configuration.concurrency),
        max_requests_per_second=_first(typed.max_requests_per_second, configuration.max_requests_per_second),
        remember=_first(typed.remember, configuration.remember),
        resend_secrets=typed.resend_secrets,
        environment=configuration.environment,
        environment_typed=typed.environment_typed,
        backup_dir=typed.backup_dir or _beside(configuration.file) / _BACKUPS,
        verbose=typed.verbose,
    )


def read_configuration(config: Path | None, environment: str | None = None) -> Configuration:
    """Return the configuration: the file that was named, else the nearest one, from here upwards.

    Raises:
        UsageError: The environment is not known.
        InvalidInputError: The configuration is invalid.
    """
    configuration = load_configuration(config or find_configuration(Path.cwd()), environment)
    for warning in configuration.warnings:
        warn(f"warning: {printable(warning)}")
    return configuration


def no_manifests() -> UsageError:
    """Return the error that says that nothing names any manifests."""
    return UsageError(
        "name at least one file or directory with manifests",
        hint="Or name them in reconciler.yaml: manifests: [workflows]",
    )


def _safety(typed: Typed, limits: Safety) -> Safety:
    return Safety(
        max_deletes=_first(typed.max_deletes, limits.max_deletes),
        max_delete_ratio=_first(typed.max_delete_ratio, limits.max_delete_ratio),
        max_change_ratio=_first(typed.max_change_ratio, limits.max_change_ratio),
    )


def _first(typed: T | None, configured: T) -> T:
    return configured if typed is None else typed


def _covers(typed: tuple[str, ...], configured: tuple[str, ...]) -> bool:
    """Whether everything that the configuration names is at or below what was typed."""
    above = [Path(path).resolve() for path in typed]
    named = [Path(path).resolve() for path in configured]
    return not typed or all(any(path.is_relative_to(root) for root in above) for path in named)


def _beside(file: Path | None) -> Path:
    return Path() if file is None else file.parent
