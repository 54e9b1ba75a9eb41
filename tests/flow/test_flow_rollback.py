"""Rollback: what an apply overwrote or deleted is as it was, and planning as it did then finds nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TENANTS, TOGETHER, TOKEN, Ended, Git, body, process_env, rich, run, step
from processes import run_command

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _apply(git: Git, backups: Path, *words: str) -> None:
    done = run(git, "apply", "--auto-approve", "--backup-dir", str(backups), *words)
    assert done.returncode == 0, done.stderr


def _rollback(git: Git, backups: Path, *words: str, cwd: Path | None = None) -> Any:
    arguments = ["rollback", "--backup-dir", backups, *words]
    done = run_command(arguments, env=process_env(git), cwd=cwd or git.folder.parent)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """Return where backups go."""
    return tmp_path / "backups"


@pytest.mark.parametrize("tenant", TOGETHER)
def test_what_was_changed_comes_back(tmp_path: Path, tenant: str, backups: Path, time: Any) -> None:
    """On a tenant of every kind: after a rollback, planning the old manifests finds nothing."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    (tmp_path / "reconciler.yaml").write_text("manifests: [workflows]\n", encoding="utf-8")
    with EmulatorServer(token=TOKEN, profile=TENANTS[tenant], clock=time) as server:
        git = Git(server, folder, time)
        old = rich("flow")
        git.write(old)
        git.done()
        webhooks = git.webhooks()
        changed = rich("flow", tags=[{"name": "green"}])
        del changed["steps"]["open"]
        changed["steps"]["load"]["command"] = "python other.py"
        git.write(changed)
        _apply(git, backups)
        done = _rollback(git, backups, "--auto-approve")
        assert done.returncode == 0, done.stdout + done.stderr
        git.write(old)
        git.is_clean()
        assert git.webhooks() == webhooks


def test_characters_that_yaml_does_not_take_come_back(git: Git, backups: Path) -> None:
    """JSON writes an emoji as two escapes, which no YAML reader takes: it comes back all the same."""
    old = body("flow \U0001f600", "echo \U0001f600")
    git.write(old, "flow.json")
    git.done()
    git.write({**old, "steps": {"one": step("echo other"), "two": step("x")}}, "flow.json")
    _apply(git, backups)
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == 0, done.stdout + done.stderr
    git.write(old, "flow.json")
    git.is_clean()


def test_a_rename_and_a_pause_come_back(git: Git, backups: Path) -> None:
    """The name and whether it was paused are a part of what comes back; the id stays."""
    git.write(body("old"), paused=True)
    git.done()
    identity = git.live("old")
    git.write(body("new", "echo 2"), renamedFrom=["old"], paused=False)
    _apply(git, backups)
    assert _rollback(git, backups, "--auto-approve").returncode == 0
    assert git.live("old") == identity
    assert git.server.store.get(identity).paused


def test_a_deleted_workflow_is_created_again(git: Git, backups: Path) -> None:
    """A pruned workflow comes back with its owner's mark, under another id, which is said."""
    for number in range(5):
        git.write(body(f"w{number}"), f"w{number}.yaml")
    owner = ("--ownership-tag", "team-a")
    _apply(git, backups, *owner)
    git.remove("w4.yaml")
    _apply(git, backups, *owner, "--prune")
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == 0, done.stderr
    assert "it was deleted and is created again" in done.stdout
    assert git.tag_names("w4") == ["reconciler-owner-team-a"]


def test_a_rollback_can_be_undone(git: Git, backups: Path) -> None:
    """A rollback makes backups itself: rolled back again, everything is as after the apply."""
    git.write(body(command="echo 1"))
    git.done()
    git.write(body(command="echo 2"))
    _apply(git, backups)
    assert _rollback(git, backups, "--auto-approve").returncode == 0
    assert git.stored()["steps"]["one"]["command"] == "echo 1"
    assert _rollback(git, backups, "--auto-approve").returncode == 0
    assert git.stored()["steps"]["one"]["command"] == "echo 2"


def test_by_name_and_by_run(git: Git, backups: Path) -> None:
    """One workflow of several, or all of an earlier run, can be restored."""
    for name in "ab":
        git.write(body(name, "echo 1"), f"{name}.yaml")
    git.done()
    for number in (2, 3):
        for name in "ab":
            git.write(body(name, f"echo {number}"), f"{name}.yaml")
        _apply(git, backups)
    listed = json.loads(_rollback(git, backups, "--list", "--format", "json").stdout)
    runs = [item["id"] for item in listed["runs"]]
    assert len(runs) == 2
    assert _rollback(git, backups, "--list", runs[1]).stdout.count("before its update") == 2
    named = _rollback(git, backups, "--list", "a")
    assert [line.split()[0] for line in named.stdout.splitlines()] == [runs[0], "a", runs[1], "a"]
    assert _rollback(git, backups, "--list", "zzz").returncode == 64
    assert _rollback(git, backups, "--auto-approve", "a").returncode == 0
    assert [git.stored(name)["steps"]["one"]["command"] for name in "ab"] == ["echo 2", "echo 3"]
    assert _rollback(git, backups, "--auto-approve", runs[1]).returncode == 0
    assert [git.stored(name)["steps"]["one"]["command"] for name in "ab"] == ["echo 1", "echo 1"]
    assert _rollback(git, backups, "--auto-approve", "zzz").returncode == 64


def test_the_list_asks_nobody(git: Git, backups: Path) -> None:
    """`--list` needs no token and sends nothing; without backups it says so."""
    assert "No backups in" in _rollback(git, backups, "--list").stdout
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    _apply(git, backups)
    git.env = {}
    done = _rollback(git, backups, "--list")
    assert done.returncode == 0
    assert "flow (id 1): before its update" in done.stdout


def test_a_secret_comes_from_git(git: Git, backups: Path) -> None:
    """A token that the backup leaves out is taken from the manifest in Git; it is nowhere in the backup."""
    one = step(repository={"url": "https://github.com/a/b", "branch": "m", "token": "canary-credential"})
    git.write(body(steps={"one": one}))
    git.done()
    git.write(body(steps={"one": {**one, "command": "echo 2"}}))
    _apply(git, backups)
    assert all("canary" not in path.read_text(encoding="utf-8") for path in backups.rglob("*.json"))
    (git.folder.parent / "reconciler.yaml").write_text("manifests: [workflows]\n", encoding="utf-8")
    done = _rollback(git, backups, "--auto-approve", "--show-bodies")
    assert done.returncode == 0, done.stderr
    assert "its value is taken from the manifest in Git" in done.stdout
    assert "canary" not in done.stdout + done.stderr
    stored = git.stored()["steps"]["one"]
    assert (stored["command"], stored["repository"]["token"]) == ("echo hi", "canary-credential")


def test_a_secret_that_nobody_has(git: Git, backups: Path) -> None:
    """Where neither Git nor the live workflow has a secret, the workflow is blocked, and nothing is lost."""
    one = step(repository={"url": "https://github.com/a/b", "branch": "m", "token": "canary-credential"})
    git.write(body(steps={"one": one}))
    git.done()
    del one["repository"]
    git.write(body(steps={"one": one}))
    _apply(git, backups)
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == 4
    assert "the backup does not have steps.one.repository.token" in done.stdout
    assert "repository" not in git.stored()["steps"]["one"]


def test_a_run_that_only_paused(git: Git, backups: Path) -> None:
    """The latest run is restored, not the one before it; a pause needs no secret, and leaves the rest."""
    one = step(repository={"url": "https://github.com/a/b", "branch": "m", "token": "canary-credential"})
    git.write(body("x", "echo 1"), "x.yaml")
    git.write({"name": "y", "steps": {"one": one}}, "y.yaml")
    git.done()
    git.write(body("x", "echo 2"), "x.yaml")
    _apply(git, backups)
    git.write({"name": "y", "steps": {"one": one}}, "y.yaml", paused=True)
    _apply(git, backups)
    git.server.store.replace(git.live("y"), {**git.stored("y"), "tags": [{"name": "theirs"}]})
    assert f"y (id {git.live('y')}): before it was paused" in _rollback(git, backups, "--list").stdout
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pause of y)" in done.stderr
    assert git.stored("x")["steps"]["one"]["command"] == "echo 2"
    assert not git.server.store.get(git.live("y")).paused
    assert git.tag_names("y") == ["theirs"]
    assert _rollback(git, backups, "--auto-approve").returncode == 0
    assert git.server.store.get(git.live("y")).paused


def test_a_run_that_only_created(git: Git, backups: Path) -> None:
    """It is not passed over in silence: an error names it, and the run before it with its command."""
    git.write(body("x", "echo 1"), "x.yaml")
    git.done()
    git.write(body("x", "echo 2"), "x.yaml")
    _apply(git, backups)
    git.write(body("y"), "y.yaml")
    _apply(git, backups)
    done = _rollback(git, backups, "--auto-approve")
    assert (done.returncode, git.stored("x")["steps"]["one"]["command"]) == (64, "echo 2")
    assert "only created y, and a rollback deletes nothing" in done.stderr
    assert "y' has no backup: the run" in _rollback(git, backups, "y").stderr
    command = done.stderr.rpartition("update of x): peak-reconciler ")[2].split()
    assert command[0] == "rollback"
    assert run_command([*command, "--auto-approve"], env=process_env(git), cwd=backups.parent).returncode == 0
    assert git.stored("x")["steps"]["one"]["command"] == "echo 1"


def test_what_a_run_also_created(git: Git, backups: Path) -> None:
    """What a run created beside its updates stays, and is named."""
    git.write(body("x"), "x.yaml")
    git.done()
    git.write(body("x", "echo 2"), "x.yaml")
    git.write(body("y"), "y.yaml")
    _apply(git, backups)
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == 0, done.stderr
    assert "also created y: a rollback deletes nothing" in done.stderr


def test_what_was_restored_already(git: Git, backups: Path) -> None:
    """A deleted workflow that exists again is not written: in sync if it is as it was, else blocked."""
    for name in ("x", "a", "b"):
        git.write(body(name), f"{name}.yaml")
    git.write({**body("y", "echo 1"), "triggers": [{"webhook": True}]}, "y.yaml")
    owner = ("--ownership-tag", "team-a")
    _apply(git, backups, *owner)
    git.remove("y.yaml")
    _apply(git, backups, *owner, "--prune")
    done = _rollback(git, backups, "--auto-approve", "y")
    assert (done.returncode, "its webhook gets a new URL" in done.stdout) == (0, True)
    identity, writes = git.live("y"), len(git.writes())
    done = _rollback(git, backups, "--auto-approve", "y")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"note: y: it exists again (id {identity}) as it was: nothing to restore" in done.stdout
    changed = git.stored("y")
    changed["steps"]["one"]["command"] = "echo 2"
    git.server.store.replace(identity, changed)
    done = _rollback(git, backups, "--auto-approve", "y")
    assert (done.returncode, len(git.writes())) == (4, writes)
    assert "and is not as in this backup: steps.one.command" in done.stdout


def test_the_backups_of_each_environment(git: Git, backups: Path) -> None:
    """With an environment, only its backups are listed and found, and the others are said to be another's."""
    (git.folder.parent / "reconciler.yaml").write_text(
        "manifests: [workflows]\nenvironments: {dev: {stage: dev}, prod: {stage: prod}}\n", encoding="utf-8"
    )
    runs = {}
    for name in ("dev", "prod"):
        for number in range(2):
            git.write(body(command=f"echo {name} {number}"))
            chosen = ("--config", str(git.folder.parent / "reconciler.yaml"), "--environment", name)
            _apply(git, backups, *chosen)
        (runs[name],) = {file.parent.name for file in backups.glob("*/*.json")} - {*runs.values()}
        if name == "dev":
            git.server.store.delete(git.live())
    every = _rollback(git, backups, "--list").stdout
    assert [every.count(f", environment {name}") for name in runs] == [1, 1]
    for name, other in (("dev", "prod"), ("prod", "dev")):
        listed = _rollback(git, backups, "--list", "--environment", name).stdout
        assert [listed.count(f", environment {each}") for each in (name, other)] == [1, 0]
        done = _rollback(git, backups, runs[other], "--environment", name)
        assert done.returncode == 64
        assert f"the run {runs[other]} is of another environment: {other}" in done.stderr
        assert f"Pass --environment {other}." in done.stderr


def test_another_workflow_has_the_name(git: Git, backups: Path) -> None:
    """A workflow that took the name since is not overwritten."""
    git.write(body("old"))
    git.done()
    git.write(body("new"), renamedFrom=["old"])
    _apply(git, backups)
    git.server.store.create(body("old", "echo theirs"))
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == 4
    assert "another live workflow (id 2) has its name now" in done.stdout


def test_another_tenants_backups(git: Git, backups: Path) -> None:
    """Backups of another tenant are not even looked at."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    _apply(git, backups)
    for path in backups.rglob("*.json"):
        saved = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**saved, "tenant": "https://service.peak.ai"}), encoding="utf-8")
    done = _rollback(git, backups, "--auto-approve")
    assert (done.returncode, git.stored()["steps"]["one"]["command"]) == (64, "echo 2")
    assert "is of another tenant: https://service.peak.ai (stage prod)" in done.stderr


def test_what_cannot_be_backed_up_is_not_overwritten(git: Git, backups: Path) -> None:
    """A backup directory that cannot be written stops an apply before its first write."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    backups.write_text("", encoding="ascii")
    before = len(git.writes())
    done = run(git, "apply", "--auto-approve", "--backup-dir", str(backups / "below"))
    assert (done.returncode, len(git.writes())) == (1, before)
    assert "no backup can be written to" in done.stderr
    assert run(git, "apply", "--auto-approve", "--no-backup").returncode == 0


def test_a_blocked_update_leaves_no_backup(git: Git, backups: Path, tmp_path: Path) -> None:
    """A workflow that a guard keeps from being overwritten has no backup of that run."""
    for name in "ab":
        git.write(body(name), f"{name}.yaml")
    git.done()
    for name in "ab":
        git.write(body(name, "echo 2"), f"{name}.yaml", whenRunning="skip")
    file = tmp_path / "plan.json"
    assert run(git, "plan", "--save-plan", str(file)).returncode == 0
    git.server.store.execute(git.live("b"))
    done = run(git, "apply", "--plan", str(file), "--backup-dir", str(backups))
    assert done.returncode == 4
    assert sorted(path.name for path in backups.rglob("*.json")) == [f"{git.live('a')}-a.json"]


def test_it_asks_first(git: Git, backups: Path) -> None:
    """Without --auto-approve a rollback asks, and without an answer nothing is done."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"))
    _apply(git, backups)
    done = _rollback(git, backups)
    assert (done.returncode, "Only 'yes' is accepted" in done.stderr) == (1, True)
    assert git.stored()["steps"]["one"]["command"] == "echo 2"


@pytest.mark.parametrize(("duration", "code"), [(10, 0), (30, 4)], ids=["as they were", "changed"])
def test_retry_options_must_be_what_they_were(git: Git, backups: Path, duration: int, code: int) -> None:
    """Options that the API does not return come from Git only if they are the ones that were sent."""
    git.server.profile = TENANTS["retry-hidden"]
    (git.folder.parent / "reconciler.yaml").write_text("manifests: [workflows]\n", encoding="utf-8")
    options = {"duration": 10, "numberOfRetries": 2}
    git.write(body(retryOptions=options))
    git.done()
    git.write(body(command="echo 2", retryOptions={**options, "duration": 20}))
    _apply(git, backups)
    git.write(body(command="echo 2", retryOptions={**options, "duration": duration}))
    before = git.stored()
    done = _rollback(git, backups, "--auto-approve")
    assert done.returncode == code, done.stdout + done.stderr
    if code:
        assert "the backup does not have retryOptions.duration" in done.stdout
        assert git.stored() == before
    else:
        assert git.stored()["retryOptions"] == options


@pytest.fixture
def repository(git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a repository with manifests and an owner."""
    top = git.folder.parent
    (top / "reconciler.yaml").write_text(
        "manifests: [workflows]\nownership: {tag: team-a}\n", encoding="utf-8"
    )
    monkeypatch.chdir(top)
    return top


def test_a_secret_from_a_variable_that_is_not_set(
    git: Git, repository: Path, typed: Callable[..., Ended]
) -> None:
    """The workflow is blocked, and the variable is named; once it is set, its value is restored."""
    manifest = (
        "body:\n  name: flow\n  steps:\n    one:\n      imageId: 1\n      imageVersionId: 2\n"
        "      command: echo {}\n      parameters: {{env: {{LICENCE: !env TRAINING_LICENCE}}}}\n"
    )
    secret = {"TRAINING_LICENCE": "canary-licence"}
    for number in (1, 2):
        git.write(manifest.format(number))
        assert typed("apply", "--auto-approve", **secret).code == 0
    stored = git.stored()
    stored["steps"]["one"]["parameters"] = {"env": {}}
    git.server.store.replace(git.live(), stored)
    ended = typed("rollback", "--auto-approve")
    assert (ended.code, "warning" in ended.err, repository.is_dir()) == (4, False, True)
    assert (
        "the backup does not have steps.one.parameters.env.LICENCE; its manifest takes it from "
        "TRAINING_LICENCE, a variable that is not set: set it and run rollback again"
    ) in ended.out
    ended = typed("rollback", "--auto-approve", **secret)
    assert ended.code == 0, ended.out + ended.err
    one = git.stored()["steps"]["one"]
    assert (one["command"], one["parameters"]["env"]) == ("echo 1", {"LICENCE": "canary-licence"})
    assert "canary" not in ended.out + ended.err


def test_what_the_next_prune_deletes_again(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """A restored workflow that no manifest describes has a note, until its manifest is there again."""
    for name in ("x", "a", "b", "c"):
        git.write(body(name), f"{name}.yaml")
    assert typed("apply", "--auto-approve").code == 0
    git.remove("x.yaml")
    assert typed("apply", "--auto-approve", "--prune").code == 0
    kept = "no manifest in Git describes it, so the next apply --prune deletes it again; to keep it, restore"
    assert f"note: {kept}" in typed("rollback", "--auto-approve").out
    again = typed("rollback", "x").out
    assert f"note: x: {kept}" in again
    assert "No changes. 1 workflow is as in its backup." in again
    assert "to keep it, restore its manifest or run adopt NAME" in typed("plan").out
    git.write(body("x"), "x.yaml")
    assert (kept in typed("rollback", "x").out, repository.is_dir()) == (False, True)
