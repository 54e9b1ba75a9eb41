"""An emulator for each test, with a manual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_helpers import Api, Clock

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> Clock:
    """Return a clock that moves only when the test advances it."""
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[EmulatorServer]:
    """Yield a running emulator whose steps take one second of `clock`."""
    with EmulatorServer(clock=clock, step_seconds=1.0) as running:
        yield running


@pytest.fixture
def api(server: EmulatorServer) -> Iterator[Api]:
    """Yield a client of `server`."""
    client = Api(server)
    with client.session:
        yield client
