"""An emulator and a client of it for each test, and a machine without proxies, credentials or a `.netrc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from client_helpers import FakeTime, client
from processes import clear_environment

from reconciler.client.session import default_session
from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.client import Workflow


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear_environment(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    default_session.cache_clear()


@pytest.fixture
def fake_time() -> FakeTime:
    """Return the time that `api` lives in."""
    return FakeTime()


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """Return a running emulator whose runs are over at once."""
    with EmulatorServer(step_seconds=0.0) as running:
        yield running


@pytest.fixture
def api(server: EmulatorServer, fake_time: FakeTime) -> Iterator[Workflow]:
    """Return a client of `server`."""
    workflows = client(server.url, time_=fake_time)
    with workflows.session:
        yield workflows
