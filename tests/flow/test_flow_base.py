"""Plans with --base: each difference is attributed to Git or to the tenant, and may fail the command."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from strategies import DEPTH

from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from flow_helpers import Ended, Git

_OWNER = "team-a"
_ABSENT = "-"
_OWNED_TAGS = [{"name": owner_tag(_OWNER)}]


def _body(command: str, **more: Any) -> dict[str, Any]:
    step = {"type": "standard", "imageId": 7, "imageVersionId": 8, **more}
    if command != _ABSENT:
        step["command"] = command
    return {"name": "flow", "steps": {"a": step}}


def _run(folder: Path, *words: str) -> str:
    author = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    done = subprocess.run(["git", *author, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _commit(folder: Path, message: str = "next") -> str:
    _run(folder, "add", "-A")
    _run(folder, "commit", "-q", "--allow-empty", "-m", message)
    return _run(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty repository around the manifests, as the working directory."""
    top = git.folder.parent
    _run(top, "init", "-q", "-b", "main")
    (top / "reconciler.yaml").write_text(f"manifests: [workflows]\nownership: {{tag: {_OWNER}}}\n")
    monkeypatch.chdir(top)
    _commit(top, "empty")
    return top


def _state(git: Git, command: str | None) -> None:
    if command is None:
        (git.folder / "flow.yaml").unlink(missing_ok=True)
    else:
        git.write(_body(command))


_PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "drift.md"
_ROW: Final = re.compile(r"^\| (x|absent) \| .*\|$", re.MULTILINE)
_KINDS: Final = ("git", "drift", "conflict")
_OUTPUTS: Final = ("text", "markdown", "html", "gitlab")


def _rows() -> list[tuple[str, ...]]:
    """Return the table of the guide: three sides, field, workflow, mark, and an exit code for each kind."""
    text = _PAGE.read_text(encoding="utf-8")
    return [tuple(cell.strip(" `") for cell in row[0].strip("|").split("|")) for row in _ROW.finditer(text)]


def test_the_table_of_the_guide_is_complete() -> None:
    """It has a row for each side equal to another one, changed and absent."""
    sides = {row[:3] for row in _rows()}
    assert {(base, now) for base, now, _ in sides} == {*product(["x", "absent"], repeat=2), ("x", "y")}
    for base, now in {row[:2] for row in sides}:
        wanted = {base, now, "absent", "x" if base == now == "absent" else "y"}
        assert wanted <= {live for *before, live in sides if tuple(before) == (base, now)}
    assert len(sides) == len(_rows()) == 15


@pytest.mark.parametrize("row", _rows(), ids=lambda row: "-".join(row[:3]))
@pytest.mark.parametrize("subject", ["field", "workflow"])
def test_the_table_of_the_guide(
    git: Git, repository: Path, typed: Callable[..., Ended], subject: str, row: tuple[str, ...]
) -> None:
    """Each format says what the row says, and the exit codes are those of the row."""
    base, now, live, of_field, of_workflow, mark, *codes = row
    action = of_field if subject == "field" else of_workflow
    absent = {"absent": _ABSENT if subject == "field" else None}
    git.write({**_body("k"), "name": "kept"}, "kept.yaml")
    git.server.store.create({**_body("k"), "name": "kept", "tags": _OWNED_TAGS})
    _state(git, absent.get(base, base))
    _commit(repository)
    _state(git, absent.get(now, now))
    if subject == "field" or live != "absent":
        git.server.store.create({**_body(absent.get(live, live) or ""), "tags": _OWNED_TAGS})
    words = ("plan", "--base", "HEAD", "--prune", "--allow-deletes", "1")
    files = [word for name in _OUTPUTS for word in ("--output", f"{name}=plan.{name}")]
    ended = typed(*words, "--format", "json", "--detailed-exitcode", *files)
    assert ended.code == (2 if mark else 0)
    document = json.loads(ended.out)
    assert {kind: document["summary"][kind] for kind in _KINDS} == {
        kind: int(kind == mark) for kind in _KINDS
    }
    found = [
        (change["action"], change.get("origin") or change["fields"][0]["origin"])
        for change in document["changes"]
    ]
    assert found == ([(action, mark)] if mark else [])
    for name in ("text", "markdown", "html"):
        shown = (repository / f"plan.{name}").read_text(encoding="utf-8")
        marked = {found[1] for found in re.finditer(r"(?:\(|>|, )(git|drift|conflict)[)<\n]", shown)}
        assert marked == ({mark} if mark else set()), name
    counts = json.loads((repository / "plan.gitlab").read_text(encoding="utf-8"))
    assert sum(counts.values()) == bool(mark)
    for kind, code in zip(_KINDS, codes, strict=True):
        if kind == mark or (DEPTH > 1 and code == "0"):
            assert typed(*words, "--fail-on", kind).code == int(code)
    if not mark or DEPTH > 1:
        others = ",".join(kind for kind in _KINDS if kind != mark)
        assert typed(*words, "--fail-on", others).code == 0


def test_a_new_manifest_for_a_live_workflow(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """Without a manifest at the base, what is live and what Git states both are new: they conflict."""
    _state(git, "x")
    git.server.store.create({**_body("y"), "tags": _OWNED_TAGS})
    document = json.loads(typed("plan", "--base", "HEAD", "--format", "json").out)
    (field,) = document["changes"][0]["fields"]
    assert (field["path"], field["origin"]) == (["steps", "a", "command"], "conflict")
    assert repository.is_dir()


def test_secrets_and_pauses(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """A pause has an origin as well, and a value from the environment is the same at both commits."""
    text = (
        "body:\n  name: flow\n  steps:\n    a:\n      type: standard\n      imageId: 7\n"
        "      imageVersionId: 8\n      parameters: {env: {KEY: !env KEY}}\n      command: COMMAND\n"
    )
    git.write(text + "reconcile: {paused: true}\n")
    _commit(repository)
    git.write(text.replace("COMMAND", "new") + "reconcile: {paused: true}\n")
    step = {
        "type": "standard",
        "imageId": 7,
        "imageVersionId": 8,
        "command": "COMMAND",
        "parameters": {"env": {"KEY": "old"}},
    }
    git.server.store.create({"name": "flow", "steps": {"a": step}, "tags": _OWNED_TAGS})
    ended = typed("plan", "--base", "HEAD", "--format", "json", KEY="hunter-22")
    fields = json.loads(ended.out)["changes"][0]["fields"]
    assert {tuple(field["path"]): field["origin"] for field in fields} == {
        ("reconcile", "paused"): "drift",
        ("steps", "a", "command"): "git",
        ("steps", "a", "parameters", "env", "KEY"): "drift",
    }
    assert "hunter-22" not in ended.out + ended.err


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_a_secret_that_becomes_a_plain_value(
    git: Git, repository: Path, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    """What came through `!env` at the base is not shown, though the field is plain now; the new value is."""
    text = "name: flow\nsteps: {a: {imageId: 7, imageVersionId: 8, parameters: {env: {LICENCE: %s}}}}\n"
    (git.folder / "flow.yaml").write_text(text % "!env TRAINING_LICENCE", encoding="utf-8")
    base = _commit(repository)
    monkeypatch.setenv("TRAINING_LICENCE", "old-canary-1")
    assert typed("apply", "--auto-approve").code == 0
    monkeypatch.delenv("TRAINING_LICENCE")
    (git.folder / "flow.yaml").write_text(text % "trial-2", encoding="utf-8")
    _commit(repository)
    assert "old-canary-1" in typed("plan", "--format", output).out
    shown = typed("plan", "--base", base, "--format", output).out
    assert "old-canary-1" not in shown
    assert "(sensitive)" in shown
    assert "trial-2" in shown


def test_the_configuration_of_the_base_is_used(
    git: Git, repository: Path, typed: Callable[..., Ended]
) -> None:
    """Manifests that moved between two commits are found at both, with what they include."""
    old = repository / "flows"
    old.mkdir()
    (repository / "reconciler.yaml").write_text(f"manifests: [flows]\nownership: {{tag: {_OWNER}}}\n")
    (old / "run.sh").write_text("x")
    (old / "flow.yaml").write_text(
        "name: flow\nsteps: {a: {type: standard, imageId: 7, imageVersionId: 8, command: !file run.sh}}\n"
    )
    _commit(repository)
    (repository / "reconciler.yaml").write_text(f"manifests: [workflows]\nownership: {{tag: {_OWNER}}}\n")
    _state(git, "x")
    git.server.store.create({**_body("edited"), "tags": _OWNED_TAGS})
    document = json.loads(typed("plan", "--base", "HEAD", "--format", "json").out)
    assert document["summary"]["drift"] == 1
    assert document["base"] == _run(repository, "rev-parse", "HEAD")[:12]


def test_the_merge_base_counts(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """What the other branch changed meanwhile is no change of this branch."""
    _state(git, "x")
    start = _commit(repository)
    _state(git, "theirs")
    _commit(repository)
    _run(repository, "checkout", "-q", "-b", "mine", start)
    _state(git, "mine")
    _commit(repository)
    git.server.store.create({**_body("theirs"), "tags": _OWNED_TAGS})
    document = json.loads(typed("plan", "--base", "main", "--format", "json").out)
    assert document["base"] == start[:12]
    assert document["summary"]["conflict"] == 1


def test_auto_takes_the_event(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """In CI the base comes from the event of the run; elsewhere the message names what to do."""
    _state(git, "x")
    before = _commit(repository)
    _state(git, "y")
    after = _commit(repository)
    git.server.store.create({**_body("x"), "tags": _OWNED_TAGS})
    event = repository.parent / "event.json"
    events: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"pull_request": {"base": {"sha": before}}}, {"GITHUB_EVENT_PATH": str(event)}),
        ({"before": before, "after": after}, {"GITHUB_EVENT_PATH": str(event)}),
        ({}, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": before}),
        ({}, {"CI_COMMIT_BEFORE_SHA": before}),
    ]
    for content, env in events:
        event.write_text(json.dumps(content))
        document = json.loads(typed("plan", "--base", "auto", "--format", "json", **env).out)
        assert (document["base"], document["summary"]["git"]) == (before[:12], 1)
    ended = typed("plan", "--base", "auto", CI_COMMIT_BEFORE_SHA="0" * 40)
    assert ended.code == 64
    assert "--base origin/main" in ended.err


def test_a_run_record_names_its_commit(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """The record of an apply is a base: what changed in Git since is git, the rest drift."""
    _state(git, "x")
    commit = _commit(repository)
    assert typed("apply", "--auto-approve", "--run-record", "last.json").code == 0
    _state(git, "y")
    document = json.loads(typed("plan", "--base", "last.json", "--format", "json").out)
    assert (document["base"], document["summary"]["git"]) == (commit[:12], 1)
    (repository / "other.json").write_text("[1]")
    ended = typed("plan", "--base", "other.json")
    assert (ended.code, "not a run record" in ended.err) == (64, True)


def test_an_apply_that_is_behind_is_refused(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """A checkout without the commits of the base would undo them: nothing is written."""
    _state(git, "x")
    old = _commit(repository)
    _state(git, "y")
    _commit(repository)
    _run(repository, "checkout", "-q", old)
    ended = typed("apply", "--auto-approve", "--base", "main")
    assert ended.code == 4
    assert "--allow-older" in ended.err
    assert git.writes() == []
    ended = typed("apply", "--auto-approve", "--base", "main", "--allow-older")
    assert ended.code == 0
    assert "(drift)" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--base", "nowhere"), "unknown git revision 'nowhere'"),
        (("--base", "--upload-pack=x"), "is not a git revision"),
        (("--fail-on", "conflict"), "needs --base REV; for example --base origin/main"),
        (("--fail-on", "everything"), "unknown kind"),
    ],
)
def test_refusals(
    git: Git, repository: Path, typed: Callable[..., Ended], words: tuple[str, ...], said: str
) -> None:
    """A revision or a kind that does not exist is a usage error that says so."""
    _state(git, "x")
    ended = typed("plan", *words)
    assert (ended.code, repository.is_dir()) == (64, True)
    assert said in ended.err


def test_outside_of_a_repository(
    git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a repository, and with manifests outside of it, the message says so."""
    _state(git, "x")
    monkeypatch.chdir(git.folder.parent)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(git.folder.parent.parent))
    ended = typed("plan", git.folder, "--base", "HEAD")
    assert ended.code == 64
    assert "not a git repository" in ended.err
    inside = git.folder.parent / "repo"
    inside.mkdir()
    _run(inside, "init", "-q", "-b", "main")
    _commit(inside)
    monkeypatch.chdir(inside)
    ended = typed("plan", git.folder, "--base", "HEAD")
    assert ended.code == 64
    assert "is outside" in ended.err


def test_a_shallow_clone_is_named(
    git: Git, repository: Path, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A clone that lacks the history says how to fetch it."""
    _state(git, "x")
    first = _commit(repository)
    _state(git, "y")
    _commit(repository)
    clone = tmp_path / "clone"
    _run(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(clone))
    monkeypatch.chdir(clone)
    ended = typed("plan", "--base", first)
    assert ended.code == 64
    assert "fetch-depth: 0" in ended.err


def test_kinds(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """Each kind of change fails the command where it occurs, and no other one does."""
    git.server.store.create({**_body("x", stepTimeout=3600), "tags": _OWNED_TAGS})
    _state(git, "y")
    found = {
        kind
        for kind in (
            "create",
            "update",
            "replace",
            "rename",
            "delete",
            "pause",
            "webhook",
            "blocked",
            "orphaned",
        )
        if typed("plan", "--fail-on", kind).code == 2
    }
    assert (found, repository.is_dir()) == ({"update", "replace"}, True)


def test_names_at_the_base(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """Names in place of ids at the base are those ids: an image that differs live only is drift."""
    named = {"image": {"name": "workflow-python", "version": "1.0.200"}, "command": "x"}
    git.write({"name": "flow", "steps": {"a": named}})
    base = _commit(repository)
    git.server.store.create({**_body("x", imageId=200), "tags": _OWNED_TAGS})
    done = typed("plan", "--base", base, "--format", "json")
    origins = {".".join(field["path"]): field["origin"] for field in _fields(done)}
    assert origins == {"steps.a.imageId": "drift", "steps.a.imageVersionId": "drift"}


def _fields(done: Ended) -> list[dict[str, Any]]:
    (change,) = json.loads(done.out)["changes"]
    fields: list[dict[str, Any]] = change["fields"]
    return fields
