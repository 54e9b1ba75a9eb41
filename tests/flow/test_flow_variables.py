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
@pytest.mark.parametrize("words", [["plan"], ["apply", "--auto-approve"], ["reconcile"]])
def test_a_missing_variable_stops_the_run(git: Git, words: Sequence[str], value: str | None) -> None:
    """Without the value nothing is sent, and the message names the variable, its place and what it is."""
    _git(git)
    done = run(git, *words, PAY_API=value)
    assert (done.returncode, git.server.store.records()) == (3, [])
    state = "is not set" if value is None else "is empty"
    assert f"pay.yaml:3:54: error: the environment variable 'PAY_API' {state}" in done.stderr
    assert "1 variable is not set: PAY_API; nothing was sent" in done.stderr


def test_looking_goes_on(git: Git) -> None:
    """`status` and `forecast` warn, and compare all but the fields that need the variable."""
    _git(git)
    scheduled = "body: {name: x, triggers: [{cron: !env CRON}], steps: {a: {command: x}}}\n"
    (git.folder / "scheduled.yaml").write_text(scheduled, encoding="utf-8")
    patch = "patch: {name: theirs, set: {command: !env COMMAND}}\n"
    (git.folder / "patch.yaml").write_text(patch, encoding="utf-8")
    git.server.store.create(body("theirs"))
    unset = {"PAY_API": "", "CRON": "", "COMMAND": ""}
    offline = run(git, "forecast", "--offline", **unset)
    assert offline.returncode == 0, offline.stderr
    first = run(git, "status", **unset)
    assert first.stdout.endswith("\n1 in sync, 3 missing.\n"), first.stdout + first.stderr
    env = {"PAY_API": "s3cr3t", "CRON": "0 5 * * *", "COMMAND": "y"}
    assert run(git, "apply", "--auto-approve", **env).returncode == 0
    done = run(git, "status", **unset)
    assert done.stdout.endswith("\n4 in sync.\n"), done.stdout
    assert (
        "warning: 3 variables are not set: COMMAND, CRON, PAY_API; fields that need them are not compared"
        in done.stderr
    )
    assert "x  " in run(git, "forecast", **unset).stdout
    (git.folder / "pay.yaml").write_text(_PAY.replace("command: x", "command: z"), encoding="utf-8")
    assert "1 out of sync" in run(git, "status", **unset).stdout


def test_a_diff_of_others_goes_on(git: Git) -> None:
    """`diff` needs the variables of the chosen workflows only."""
    _git(git)
    refused = run(git, "diff", str(git.folder), PAY_API=None)
    assert refused.returncode == 3
    assert "with --target or --exclude" in refused.stderr
    chosen = run(git, "diff", str(git.folder), "--exclude", "pay", PAY_API=None)
    assert chosen.returncode == 0, chosen.stderr


def test_other_errors_are_named_first(git: Git) -> None:
    """Where more than variables is wrong, the manifests are invalid."""
    _git(git)
    (git.folder / "broken.yaml").write_text("name: [\n", encoding="utf-8")
    assert "error: the manifests are invalid: " in run(git, "plan", PAY_API=None).stderr


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
    assert "250 variables are not set: V0, V1, V10, V100, V101, …; nothing was sent" in done.stderr
    assert process_env(git)
