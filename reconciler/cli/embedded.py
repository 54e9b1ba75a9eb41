"""The embedded emulator, whose libraries the package itself does not need."""

from __future__ import annotations

from types import ModuleType

from reconciler.errors import UsageError


def server_module() -> ModuleType:
    """Return the server's module, which needs libraries that the package itself does not.

    Raises:
        UsageError: When they are not installed.
    """
    try:
        from reconciler.emulator import server  # noqa: PLC0415 - the libraries may be missing
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the emulator needs {error.name}, which is not installed",
            hint="Install it with: pip install 'peak-reconciler[emulator]'",
        ) from error
    return server
