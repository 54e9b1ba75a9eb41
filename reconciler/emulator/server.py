"""The emulator as a Python object: starts and stops the server, and controls it while it runs.

    with EmulatorServer(profile=frozenset({"nulls"}), faults=("500:20%@GET",)) as server:
        requests.get(server.url + "/workflows/api/v1/workflows/", headers={"Authorization": "any"})

`store`, `profile` and `faults` may be changed while it runs; `requests` lists the requests so far.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.emulator.emulated_tenant import EmulatedTenant
from reconciler.emulator.endpoints import build_app
from reconciler.emulator.faults import FaultPlan
from reconciler.emulator.http_server import HttpServer, InterruptibleSleep
from reconciler.emulator.middleware import EmulatorMiddleware, RequestLog
from reconciler.emulator.profiles import check_profile
from reconciler.emulator.state import DataFile
from reconciler.emulator.tenant_store import TenantStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from reconciler.emulator.faults import Fault
    from reconciler.emulator.middleware import RecordedRequest
    from reconciler.values import JsonObject


def _never(_method: str, _handled: bool) -> bool:
    """Return that no connection breaks off."""
    return False


class EmulatorServer:
    """An emulated API, served while the `with` block lasts (or between `start` and `stop`).

    Args:
        host: The address to listen on.
        port: The port; 0 takes any free one, and the next start takes the same.
        profile: The switches in force, as `profiles.SWITCHES` names them: `nulls`, `list-lag=1500`.
        faults: Rules as `Fault` or in their written form, see `reconciler.emulator.faults`.
        token: The only accepted `Authorization`; None accepts any that is not empty.
        data: A file that keeps the state; None keeps it in memory.
        seed: The seed of everything random: faults and shuffling.
        step_seconds: The duration of each step of an execution.
        request_log: A file to which every request is appended as a line of JSON.
        clock: Returns the current time in epoch seconds.
        default_resource: The resources of a step that has none; by default those of the catalogue.
        breaks_off: Called with the method of each request before it is handled (False) and after (True), in
            the server's thread; returns whether its connection breaks there.

    Raises:
        UsageError: For an unknown profile or fault; on start, for an address that cannot be listened on or
            a log that cannot be written.
        InvalidInputError: When `data` is a file that the emulator did not write.
    """

    def __init__(  # noqa: PLR0913 - each is one documented switch
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        profile: frozenset[str] = frozenset(),
        faults: Sequence[Fault | str] = (),
        token: str | None = None,
        data: Path | str | None = None,
        seed: int = 0,
        step_seconds: float = 0.2,
        request_log: Path | str | None = None,
        clock: Callable[[], float] = time.time,
        default_resource: JsonObject | None = None,
        breaks_off: Callable[[str, bool], bool] = _never,
    ) -> None:
        data_file = DataFile(data) if data is not None else None
        self.store = TenantStore(clock=clock, step_seconds=step_seconds, data_file=data_file)
        self._host = host
        self._port = port
        self._token = token
        self._clock = clock
        self._breaks_off = breaks_off
        self._tenant = EmulatedTenant(self.store, check_profile(profile), seed, default_resource)
        self._faults = FaultPlan(seed)
        self._faults.replace(faults)
        self._log = RequestLog(request_log)
        self._http_server: HttpServer | None = None

    def __enter__(self) -> EmulatorServer:  # noqa: PYI034 - `Self` is younger than Python 3.10
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start serving; return when the server answers requests."""
        self._log.open()
        sleep = InterruptibleSleep()
        app = EmulatorMiddleware(
            build_app(self._tenant),
            faults=self._faults,
            log=self._log,
            sleep=sleep,
            token=self._token,
            clock=self._clock,
            breaks_off=self._breaks_off,
        )
        self._http_server = HttpServer(app, host=self._host, port=self._port, sleep=sleep)
        self._port = self._http_server.port

    def stop(self) -> None:
        """Stop serving; state, recorded requests and settings stay for another `start`."""
        if self._http_server is not None:
            self._http_server.stop()
            self._http_server = None
            self._log.close()

    @property
    def url(self) -> str:
        """The API's base URL, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, oldest first."""
        return self._log.requests()

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._log.clear()

    @property
    def profile(self) -> frozenset[str]:
        """The switches in force."""
        return self._tenant.profile

    @profile.setter
    def profile(self, profile: frozenset[str]) -> None:
        self._tenant.profile = check_profile(profile)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The fault rules in force; setting them resets all counts."""
        return self._faults.faults

    @faults.setter
    def faults(self, faults: Sequence[Fault | str]) -> None:
        self._faults.replace(faults)

    def add_fault(self, fault: Fault | str) -> None:
        """Add one rule after the others, such as `drop-after:x1@POST`, without a reset of their counts."""
        self._faults.add(fault)
