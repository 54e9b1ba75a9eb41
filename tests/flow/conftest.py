"""A tenant and an empty Git for each test, and a machine without credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flow_helpers import TOKEN, Ended, FakeTime, Git
from leak_helpers import Stage
from processes import clear_environment

from reconciler.cli import main
from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear_environment(monkeypatch, tmp_path)


@pytest.fixture
def time() -> FakeTime:
    """Return the time that everything lives in, the tenant too."""
    return FakeTime()


@pytest.fixture
def server(time: FakeTime) -> Iterator[EmulatorServer]:
    """Return a running emulator whose steps take a second of `time`."""
    with EmulatorServer(token=None, clock=time, step_seconds=1.0) as running:
        yield running


@pytest.fixture
def git(server: EmulatorServer, tmp_path: Path, time: FakeTime) -> Git:
    """Return an empty Git for `server`."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    return Git(server, folder, time)


@pytest.fixture
def typed(
    server: EmulatorServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Return a function that runs the command line in this process, with variables if they are given."""

    def run_line(*words: object, **env: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": TOKEN, **env}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main([str(word) for word in words])
        streams = capsys.readouterr()
        return Ended(code=ended.value.code or 0, out=streams.out, err=streams.err)

    return run_line


@pytest.fixture
def stage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Yield a stage with verbose output; at its end no canary is in anything written."""
    folder = tmp_path / "repository"
    folder.mkdir()
    with EmulatorServer(step_seconds=0.0) as server:
        stage = Stage(server, folder, capfd, monkeypatch)
        stage.env(RECONCILER_VERBOSE="1")
        yield stage
        stage.is_tight()
