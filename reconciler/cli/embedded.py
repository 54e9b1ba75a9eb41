"""The embedded emulator, whose libraries the package itself does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.emulator import EmulatorServer


def emulator_server_class() -> type[EmulatorServer]:
    """Return `EmulatorServer`, imported on demand.

    Raises:
        UsageError: When the libraries that it needs are not installed.
    """
    try:
        from reconciler.emulator import EmulatorServer  # noqa: PLC0415 - the libraries may be missing
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the emulator needs {error.name}, which is not installed",
            hint="Install it with: pip install 'peak-reconciler[emulator]'",
        ) from error
    return EmulatorServer
