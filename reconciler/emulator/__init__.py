"""An emulator of the Peak workflows API: an HTTP server for tests, demos and experiments.

It keeps workflows in memory or in a file, advances executions by the clock, behaves in every way
that the platform is known or suspected to (profiles), and injects errors and delays on demand (faults). It
shares no code with what is tested against it: it imports only the package's errors, values and file
helpers, and only the command line, the probe and the rehearsal import it. It never connects to another host.

`EmulatorServer` needs the libraries of the extra `emulator`; it is loaded on first use, so that the names of
profiles and faults are available without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.emulator.faults import parse_fault
from reconciler.emulator.profiles import FAMILIES, SWITCHES, parse_profiles, profile_lines
from reconciler.errors import UsageError
from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.emulator.emulated_tenant import EmulatedTenant
    from reconciler.emulator.server import EmulatorServer
    from reconciler.emulator.state import HttpError, Record
    from reconciler.emulator.tenant_store import TenantStore

__all__ = [
    "FAMILIES",
    "SWITCHES",
    "EmulatedTenant",
    "EmulatorServer",
    "HttpError",
    "Record",
    "TenantStore",
    "emulator_server_class",
    "parse_fault",
    "parse_profiles",
    "profile_lines",
]

__getattr__ = lazy_face(
    __name__,
    emulated_tenant="EmulatedTenant",
    server="EmulatorServer",
    state="HttpError Record",
    tenant_store="TenantStore",
)


def emulator_server_class() -> type[EmulatorServer]:
    """Return `EmulatorServer`, imported on demand.

    Raises:
        UsageError: The libraries that it needs are not installed.
    """
    try:
        from reconciler.emulator.server import EmulatorServer  # noqa: PLC0415 - the libraries may be missing
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the emulator needs {error.name}, which is not installed",
            hint="Install it with: pip install 'peak-reconciler[emulator]'",
        ) from error
    return EmulatorServer
