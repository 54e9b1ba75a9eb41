"""Hints that name a follow-up command: the line can be run as it is printed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from processes import clear_environment

from reconciler.cli import main
from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MANIFEST = "body: {name: flow, steps: {one: {imageId: 1, imageVersionId: 2, command: x}}}\n"
_CONFIGURATION = "manifests: [nowhere]\nenvironments: {test: {}, prod: {protected: true}}\n"


@pytest.fixture
def printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str]]]:
    """Return a function that runs a command line in a folder with manifests, and returns code and errors."""
    clear_environment(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "some manifests"
    folder.mkdir()
    (folder / "flow.yaml").write_text(_MANIFEST, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(_CONFIGURATION, encoding="utf-8")
    with EmulatorServer() as server:
        monkeypatch.setenv("PEAK_API_URL", server.url)
        monkeypatch.setenv("PEAK_AUTH_TOKEN", "anything")

        def run(*words: str) -> tuple[int, str]:
            with pytest.raises(SystemExit) as ended:
                main(list(words))
            return int(str(ended.value.code or 0)), capsys.readouterr().err

        yield run


def test_the_line_that_applies_a_plan_file(printed: Callable[..., tuple[int, str]]) -> None:
    """It has PATH, --config, --environment and how workflows are compared, quoted for a shell."""
    options = ("--config", "other.yaml", "--environment", "prod", "--ownership-tag", "a", "--no-remember")
    code, said = printed("plan", "some manifests", *options, "--prune", "--save-plan", "a plan.json")
    assert code == 64, "--prune needs all manifests"
    code, said = printed("plan", "some manifests", *options, "--save-plan", "a plan.json")
    assert code == 0
    line = said.rpartition("to apply it: ")[2].strip()
    assert line == (
        "peak-reconciler apply --config other.yaml --environment prod --ownership-tag a --no-remember "
        "--plan 'a plan.json' 'some manifests'"
    )
    code, said = printed(*shlex.split(line)[1:])
    assert code == 0, said


def test_the_line_that_lists_backups(printed: Callable[..., tuple[int, str]]) -> None:
    """It names the directory that was searched, and the environment whose backups were."""
    code, said = printed(
        "rollback", "nothing", "--backup-dir", "my backups", "--config", "other.yaml", "--environment", "test"
    )
    assert code == 64
    line = said.rpartition("List the backups with: ")[2].strip()
    assert (
        line
        == "peak-reconciler rollback --list --backup-dir 'my backups' --config other.yaml --environment test"
    )
    assert printed(*shlex.split(line)[1:])[0] == 0


def test_the_line_has_the_parameters(printed: Callable[..., tuple[int, str]]) -> None:
    """It sets the same parameters: others would be other manifests."""
    options = ("--param", "team.name=a b", "--param", "size=2", "--ownership-tag", "a")
    code, said = printed("plan", "some manifests", *options, "--save-plan", "plan.json")
    assert code == 0, said
    line = said.rpartition("to apply it: ")[2].strip()
    assert "--param 'team.name=a b' --param size=2" in line
    code, said = printed(*shlex.split(line)[1:])
    assert code == 0, said
