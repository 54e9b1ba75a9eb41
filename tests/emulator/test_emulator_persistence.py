from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_helpers import Api, Clock, body

from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path


def test_state_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    """Workflows, webhooks, pauses, runs and the next ID are found again by another emulator."""
    path = tmp_path / "state.json"
    with EmulatorServer(data=path, clock=clock, step_seconds=1.0) as server:
        api = Api(server)
        with api.session:
            number = api.create(body(triggers=[{"webhook": True}]))
            execution = api.execute(number)
            gone = api.create(body("gone"))
            api.send("DELETE", str(gone))
            api.send("POST", f"{number}/pause")
            before, run = api.get(str(number)), api.get(f"{number}/executions/{execution}")
    with EmulatorServer(data=str(path), clock=clock, step_seconds=5.0) as server:
        api = Api(server)
        with api.session:
            assert api.get(str(number)) == before
            assert api.get(f"{number}/executions/{execution}") == run
            clock.advance(1)
            assert api.get(f"{number}/executions/{execution}")["status"] == "Success"
            assert api.get(str(number))["status"] == "Paused"
            assert api.create(body("new")) == gone + 1


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    """Each change is in the file at once, and no scratch file is left beside it."""
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
    """A file that is not the emulator's is an error that names it, and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match=r"notes\.txt is not a data file"):
        EmulatorServer(data=path)
    assert path.read_bytes() == before


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A folder in the place of the file is told in words."""
    with pytest.raises(InvalidInputError, match="cannot read"):
        EmulatorServer(data=tmp_path)


def test_endless_file_is_refused() -> None:
    """A device is not read without end, and never replaced."""
    with pytest.raises(InvalidInputError, match="/dev/zero: it is not a regular file"):
        EmulatorServer(data="/dev/zero")


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the file cannot be replaced, the scratch file goes away and the error names the file."""
    path = tmp_path / "state.json"
    server = EmulatorServer(data=path)
    path.mkdir()
    with pytest.raises(InvalidInputError, match="cannot write"):
        server.store.create(body())
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]
