"""A tenant and an empty Git for each test of the job, and a machine without credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from job_helpers import TOKEN, Site
from processes import clear_environment

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """Return a running emulator that lets in one token."""
    with EmulatorServer(token=TOKEN) as running:
        yield running


@pytest.fixture
def site(
    server: EmulatorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Site:
    """Return an empty Git for `server`, in which the job runs."""
    monkeypatch.setenv("PEAK_API_URL", server.url)
    monkeypatch.setenv("PEAK_AUTH_TOKEN", TOKEN)
    return Site(server, tmp_path, capfd)
