"""The emulator as a Python object: starts a server in a thread of its own, and is its remote control.

    with EmulatorServer(profile=frozenset({"nulls"}), faults=("500:20%@GET",)) as server:
        requests.get(server.url + "/workflows/api/v1/workflows/", headers={"Authorization": "any"})

`store`, `profile` and `faults` may be changed while it runs; `requests` tells what it was asked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.emulator.app import build_app
from reconciler.emulator.engine import Engine
from reconciler.emulator.faults import FaultPlan
from reconciler.emulator.gate import Gate
from reconciler.emulator.persistence import JsonFile
from reconciler.emulator.profiles import checked
from reconciler.emulator.requestlog import RequestLog
from reconciler.emulator.store import Store
from reconciler.emulator.tenant import Tenant
from reconciler.emulator.wire import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from reconciler.emulator.faults import Fault
    from reconciler.emulator.requestlog import RecordedRequest


class EmulatorServer:
    """An emulated API, served while the `with` block lasts (or between `start` and `stop`).

    Args:
        host: The address to listen on.
        port: The port; 0 takes any free one, and keeps it when started again.
        profile: Names out of `profiles.PROFILES`: the read-side quirks.
        faults: Rules as `faults.Fault` or in their written form, see `reconciler.emulator.faults`.
        token: The only `Authorization` that is let in; None lets in any that is not empty.
        data: A file that keeps the state; None keeps it in memory.
        seed: What chance is seeded with: faults and shuffling.
        step_seconds: How long each step of a run takes.
        request_log: A file that every request is appended to as a line of JSON.
        clock: Gives the present moment in epoch seconds.

    Raises:
        UsageError: For a profile or a fault that does not exist; on start, for an address that cannot be
            listened on or a log that cannot be written.
        InvalidInputError: When `data` is a file that is not the emulator's.
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
    ) -> None:
        state_file = JsonFile(data) if data is not None else None
        self.store = Store(clock=clock, step_seconds=step_seconds, state_file=state_file)
        self._host = host
        self._port = port
        self._token = token
        self._tenant = Tenant(self.store, checked(profile), seed)
        self._plan = FaultPlan(seed)
        self._plan.put(faults)
        self._log = RequestLog(request_log)
        self._engine: Engine | None = None

    def __enter__(self) -> EmulatorServer:  # noqa: PYI034 - `Self` is younger than Python 3.10
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start serving; returns when requests are answered."""
        self._log.open()
        pauses = Pauses()
        gate = Gate(
            build_app(self._tenant), faults=self._plan, log=self._log, pauses=pauses, token=self._token
        )
        self._engine = Engine(gate, host=self._host, port=self._port, pauses=pauses)
        self._port = self._engine.port

    def stop(self) -> None:
        """Stop serving; what is stored, recorded and configured stays for another `start`."""
        if self._engine is not None:
            self._engine.stop()
            self._engine = None
            self._log.close()

    @property
    def url(self) -> str:
        """Where the API is, without a slash at the end."""
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
        """The read-side quirks in force."""
        return self._tenant.profile

    @profile.setter
    def profile(self, profile: frozenset[str]) -> None:
        self._tenant.profile = checked(profile)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The fault rules in force; setting them starts all counts anew."""
        return self._plan.faults

    @faults.setter
    def faults(self, faults: Sequence[Fault | str]) -> None:
        self._plan.put(faults)

    def add_fault(self, fault: Fault | str) -> None:
        """Add one rule after the others, whose counts go on: `add_fault("drop-after:x1@POST")`."""
        self._plan.add(fault)
