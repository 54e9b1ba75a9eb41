"""The data file: state across restarts, atomic replacement, refusal of foreign files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_helpers import Api, Clock, body

from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path


def test_state_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    """Another emulator loads workflows, webhooks, pauses, executions and the next ID."""
    path = tmp_path / "state.json"
    with EmulatorServer(data=path, clock=clock, step_seconds=1.0) as server:
        api = Api(server)
        with api.session:
            number = api.create(body(triggers=[{"webhook": True}]))
            execution = api.execute(number)
            deleted = api.create(body("deleted"))
            api.send("DELETE", str(deleted))
            api.send("POST", f"{number}/pause")
            before, details = api.get(str(number)), api.get(f"{number}/executions/{execution}")
    with EmulatorServer(data=str(path), clock=clock, step_seconds=5.0) as server:
        api = Api(server)
        with api.session:
            assert api.get(str(number)) == before
            assert api.get(f"{number}/executions/{execution}") == details
            clock.advance(1)
            assert api.get(f"{number}/executions/{execution}")["status"] == "Success"
            assert api.get(str(number))["status"] == "Paused"
            assert api.create(body("new")) == deleted + 1


def test_file_is_replaced_atomically(tmp_path: Path) -> None:
    """Each change is in the file at once, and no temporary file stays in the directory."""
    path = tmp_path / "state.json"
    server = EmulatorServer(data=path)
    assert not path.exists()
    for name in ("a", "b"):
        server.store.create(body(name))
        assert set(EmulatorServer(data=path).store.workflows()) == set(server.store.workflows())
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "other"}', '{"format": 1, "records": 5}', "\udcff"]
)
def test_foreign_file_is_refused(tmp_path: Path, content: str) -> None:
    """A file that the emulator did not write is an error that names it, and stays unchanged."""
    path = tmp_path / "notes.txt"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match=r"notes\.txt is not a data file"):
        EmulatorServer(data=path)
    assert path.read_bytes() == before


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A directory instead of the file is an error."""
    with pytest.raises(InvalidInputError, match="cannot read"):
        EmulatorServer(data=tmp_path)


def test_device_is_refused() -> None:
    """A device is neither read nor replaced."""
    with pytest.raises(InvalidInputError, match="/dev/zero: it is not a regular file"):
        EmulatorServer(data="/dev/zero")


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the file cannot be replaced, the temporary file is removed and the error names the file."""
    path = tmp_path / "state.json"
    server = EmulatorServer(data=path)
    path.mkdir()
    with pytest.raises(InvalidInputError, match="cannot write"):
        server.store.create(body())
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]
