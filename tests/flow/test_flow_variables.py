"""Variables of `!env` that are missing: they stop the workflows that use them, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flow_helpers import Git, body, process_env, run

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAY = "body:\n  name: pay\n  steps: {main: {command: x, parameters: {env: {API: !env PAY_API}}}}\n"


def _git(git: Git) -> Git:
    git.write(body("other"))
    (git.folder / "pay.yaml").write_text(_PAY, encoding="utf-8")
    return git


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("words", [["plan"], ["apply", "--auto-approve"], ["status"], ["reconcile"]])
def test_a_missing_variable_stops_the_run(git: Git, words: Sequence[str], value: str | None) -> None:
    """Without the value nothing is sent, and the message names the variable, its place and what it is."""
    _git(git)
    done = run(git, *words, PAY_API=value)
    assert (done.returncode, git.server.store.records()) == (3, [])
    state = "is not set" if value is None else "is empty"
    assert f"pay.yaml:3:54: error: the environment variable 'PAY_API' {state}" in done.stderr


def test_a_rotation_to_empty_keeps_the_live_value(git: Git) -> None:
    """A secret that CI does not define does not overwrite the one that was applied before."""
    _git(git)
    assert run(git, "apply", "--auto-approve", PAY_API="s3cr3t").returncode == 0
    assert run(git, "apply", "--auto-approve", PAY_API="").returncode == 3
    (live,) = [record.body for record in git.server.store.records() if record.name == "pay"]
    assert live["steps"]["main"]["parameters"]["env"] == {"API": "s3cr3t"}


@pytest.mark.parametrize("choice", [["--target", "other"], ["--exclude", "p*"], ["--target", "o[t]her"]])
def test_others_go_on(git: Git, tmp_path: Path, choice: Sequence[str]) -> None:
    """Workflows that do not use the variable are applied when only they are chosen, also from a plan file."""
    _git(git)
    saved = tmp_path / "saved.json"
    assert run(git, "plan", "--save-plan", str(saved), *choice, PAY_API="").returncode == 0
    done = run(git, "apply", "--plan", str(saved), PAY_API="")
    assert (done.returncode, [record.name for record in git.server.store.records()]) == (0, ["other"])
    assert "warning: the environment variable 'PAY_API' is empty" in done.stderr
    assert run(git, "apply", "--auto-approve", *choice, PAY_API="").returncode == 0
    assert run(git, "plan", "--target", "pay", PAY_API="").returncode == 3


def test_a_name_that_is_missing_may_be_any(git: Git) -> None:
    """A manifest whose name is not known belongs to every selection."""
    git.write(body("other"))
    (git.folder / "pay.yaml").write_text("name: !env N\nsteps: {main: {command: x}}\n", encoding="utf-8")
    assert run(git, "plan", "--target", "other").returncode == 3


def test_many_findings_hide_no_missing_variable(git: Git) -> None:
    """A file with more warnings than are reported still stops where a variable is missing."""
    steps = ", ".join(f"s{i}: {{command: !env {{name: V{i}}}}}" for i in range(250))
    (git.folder / "many.yaml").write_text(f"name: many\nsteps: {{{steps}}}\n", encoding="utf-8")
    done = run(git, "apply", "--auto-approve")
    assert (done.returncode, git.server.store.records()) == (3, [])
    assert "250 errors" in done.stderr
    assert process_env(git)
