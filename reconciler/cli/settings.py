"""What a command works on: the paths that were typed, else those of the configuration."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.output import warn
from reconciler.configuration import Configuration, find_configuration, load_configuration
from reconciler.errors import UsageError
from reconciler.text import printable


def settle(paths: tuple[str, ...], config: Path | None) -> tuple[tuple[str, ...], Configuration]:
    """Return the paths with manifests, and the configuration.

    Args:
        paths: What was typed.
        config: The configuration file that was named; else the nearest one, from here upwards.

    Raises:
        UsageError: Neither names any manifests.
        InvalidInputError: The configuration is invalid.
    """
    configuration = load_configuration(config or find_configuration(Path.cwd()))
    for warning in configuration.warnings:
        warn(f"warning: {printable(warning)}")
    chosen = paths or configuration.manifests
    if not chosen:
        raise UsageError(
            "name at least one file or directory with manifests",
            hint="Or name them in reconciler.yaml: manifests: [workflows]",
        )
    return chosen, configuration
