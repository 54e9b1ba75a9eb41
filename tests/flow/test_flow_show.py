"""`show`: what is saved reads as it did when it was made, in every format; anything else is a clear error."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import chdir
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import LIST, TOKEN, body, rich, step
from markdown_reader import read_markdown

from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flow_helpers import Ended, Git

    Typed = Callable[..., Ended]

_FORMATS = ("text", "json", "markdown", "html")
_OWNED = ("--ownership-tag", "team-a")
_PRUNE = ("--prune", "--allow-deletes", "9")
_SECRET = "canary-0123456789"


@pytest.fixture
def varied(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Return a Git whose plan creates, updates, rewires, renames, pauses, deletes, blocks and keeps."""
    monkeypatch.chdir(tmp_path)
    owned = {"tags": [{"name": owner_tag("team-a")}]}
    store = git.server.store
    for made in (
        body("same", **owned),
        body("updated", command="echo old", **owned),
        {"name": "rewired", "steps": {"load": step(), "fit": step(parents=["load"])}, **owned},
        body("before", **owned),
        body("paused", **owned),
        body("gone", **owned),
        body("kept", tags=[*owned["tags"], {"name": "reconciler-protected"}]),
        body("someone's"),
    ):
        store.create(made)
    git.write(body("same"), "same.yaml")
    scheduled = body("updated", command="echo new", triggers=[{"cron": "0 5 * * *"}])
    git.write(scheduled, "updated.yaml")
    steps = {"load": step(), "check": step(parents=["load"]), "fit": step(parents=["check"])}
    git.write({"name": "rewired", "steps": steps}, "rewired.yaml")
    git.write(body("after"), "after.yaml", renamedFrom=["before"])
    git.write(body("paused"), "paused.yaml", paused=True)
    secret = {"url": "https://github.com/a/b", "branch": "main", "token": _SECRET}
    git.write(rich("new", steps={"one": step(repository=secret)}), "new.yaml")
    return git


def _files(folder: Path) -> list[str]:
    return [f"--output={name}={folder / f'result.{name}'}" for name in _FORMATS]


def _changes(document: str) -> list[dict[str, Any]]:
    """Return the changes of a plan but for what a plan file has otherwise: secrets and times."""
    return [{**change, "body": None, "next_run": None} for change in json.loads(document)["changes"]]


def _entries(page: str) -> list[str]:
    """Return the entries of a page but for those that a record does not name."""
    entries = _of(page).split('<div class="entry" ')[1:]
    return [entry.strip() for entry in entries if "unchanged" not in entry]


def _of(page: str) -> str:
    """Return the entries of a page, without its facts."""
    return page[page.index("<main>") : page.index('<p id="none"')]


def test_a_plan_file_reads_like_its_plan(varied: Git, typed: Typed, tmp_path: Path) -> None:
    """Every change of a plan file is shown as the plan showed it, in all formats."""
    words = (varied.folder, *_OWNED, *_PRUNE, *_files(tmp_path), "--save-plan", tmp_path / "saved.json")
    planned = typed("plan", *words)
    assert planned.code in {0, 4}, planned.err
    shown = {name: typed("show", tmp_path / "saved.json", "--format", name).out for name in _FORMATS}
    made = {name: (tmp_path / f"result.{name}").read_text(encoding="utf-8") for name in _FORMATS}
    changes, _, _ = re.sub(r" +first run: .*\n", "", made["text"]).rpartition("\n\n")
    assert changes in shown["text"]
    assert _changes(shown["json"]) == _changes(made["json"])
    assert set(re.findall(r"<summary>.*?</summary>", shown["markdown"])) <= set(
        re.findall(r"<summary>.*?</summary>", made["markdown"])
    )
    assert "flowchart LR" in shown["markdown"]
    read_markdown(shown["markdown"])
    for page in (shown["html"], made["html"]):
        assert [_of(page).count(f"<title>{name}</title>") for name in ("check", "fit")] == [1, 2]
    assert _SECRET not in "".join((*shown.values(), *made.values(), planned.out, planned.err))


def test_a_run_record_reads_like_its_run(varied: Git, typed: Typed, tmp_path: Path) -> None:
    """The results of a run are in its record as the run showed them; as JSON it is the record itself."""
    varied.server.faults = (f"422-message@PUT{LIST}2",)
    record = tmp_path / "run.json"
    words = (varied.folder, *_OWNED, *_PRUNE, "--auto-approve", "--run-record", record)
    applied = typed("apply", *words, *_files(tmp_path))
    assert applied.code == 1
    shown = {name: typed("show", record, "--format", name).out for name in _FORMATS}
    made = {name: (tmp_path / f"result.{name}").read_text(encoding="utf-8") for name in _FORMATS}
    assert made["text"].strip() in shown["text"]
    assert json.loads(shown["json"]) == json.loads(record.read_text(encoding="utf-8"))
    assert json.loads(made["json"]) == json.loads(shown["json"])["report"]
    assert _entries(shown["html"]) == _entries(made["html"])
    comments = [
        text.rpartition("| --- |\n")[2].partition("<details><summary>1 unchanged")[0]
        for text in (shown["markdown"], made["markdown"])
    ]
    assert comments[0].rstrip() == comments[1].rstrip()
    results = {item["name"]: item for item in json.loads(made["json"])["results"]}
    assert results["new"]["status"] == "done"
    assert results["new"]["seconds"] >= 0
    assert results["gone"]["status"] == "not_tried"
    assert results["gone"]["seconds"] is None
    assert _SECRET not in "".join((*shown.values(), *made.values()))


def test_the_result_of_an_apply_says_what_failed_first(varied: Git, typed: Typed, tmp_path: Path) -> None:
    """A page and a comment begin with what failed and why, then what was skipped, then what is verified."""
    varied.server.faults = (f"422-message@PUT{LIST}2",)
    typed("apply", varied.folder, *_OWNED, *_PRUNE, "--auto-approve", *_files(tmp_path))
    page = _of((tmp_path / "result.html").read_text(encoding="utf-8"))
    words = re.findall(r'<span class="word \w+">([\w ]+)</span>', page)
    assert words == sorted(words, key=["failed", "blocked", "skipped", "done", "unchanged"].index)
    assert set(words) >= {"failed", "skipped", "done"}
    assert "created, verified" in page
    assert "<strong>Error:</strong>" in page
    comment = (tmp_path / "result.markdown").read_text(encoding="utf-8")
    assert comment.startswith("<!-- peak-reconciler:apply -->\n### Applied: ")
    assert "<details open><summary><b>failed</b>" in comment
    assert "- **Error:** `" in comment


def test_the_result_needs_a_place(varied: Git, typed: Typed, tmp_path: Path) -> None:
    """A file that cannot be written is an error before anything is changed."""
    ended = typed(
        "apply", varied.folder, "--auto-approve", "--output", f"html={tmp_path / 'none' / 'x.html'}"
    )
    assert (ended.code, ended.out) == (1, "")
    assert "x.html cannot be written: its directory does not exist" in ended.err
    assert not [entry for entry in varied.server.requests if entry.method != "GET"]


def test_rollback_and_reconcile_write_their_results(git: Git, typed: Typed, tmp_path: Path) -> None:
    """The other commands that apply have the same files; a dry run writes its plan."""
    page, record = tmp_path / "x.html", tmp_path / "x.json"
    git.write(body(command="echo old"))
    words = (git.folder, f"--output=html={page}", f"--output=json={record}")
    assert typed("reconcile", *words, "--dry-run").code == 2
    assert json.loads(record.read_text(encoding="utf-8"))["summary"]["create"] == 1
    assert ">create</span> <strong>flow</strong>" in page.read_text(encoding="utf-8")
    assert typed("reconcile", *words).code == 0
    assert json.loads(record.read_text(encoding="utf-8"))["summary"]["done"] == 1
    git.write(body(command="echo new"))
    with chdir(tmp_path):
        assert typed("apply", git.folder, "--auto-approve").code == 0
        assert typed("rollback", "--auto-approve", *words[1:]).code == 0
    assert "updated, verified" in page.read_text(encoding="utf-8")


def test_backups_in_every_shape(
    git: Git, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One backup, those of a run and all of them are shown, with their bodies, and no secret in them."""
    monkeypatch.chdir(tmp_path)
    for command in ("echo one", "echo two", "echo three"):
        for name in ("a", "b"):
            secret = {"url": "https://github.com/a/b", "branch": "main", "token": _SECRET}
            git.write({"name": name, "steps": {"one": step(command, repository=secret)}}, f"{name}.yaml")
        assert typed("apply", git.folder, "--auto-approve").code == 0
    everything = tmp_path / ".reconciler" / "backups"
    run = max(everything.glob("2*"))
    (one,) = run.glob("*-a.json")
    listed = typed("rollback", "--list", "--output", "html=list.html", "--output", "json=list.json")
    assert listed.out == typed("show", everything).out
    assert json.loads((tmp_path / "list.json").read_text(encoding="utf-8"))["runs"][0]["id"] == run.name
    assert "4 backups of 2 runs." in (tmp_path / "list.html").read_text(encoding="utf-8")
    for path, backups, runs in ((one, 1, 1), (run, 2, 1), (everything, 4, 2)):
        text = typed("show", path).out
        assert text.count("before its update") == backups
        assert ("echo two" in text) == (backups == 1)
        assert "echo two" in typed("show", path, "--show-bodies").out
        found = json.loads(typed("show", path, "--format", "json", "--show-bodies").out)["runs"]
        assert [len(found), sum(len(item["backups"]) for item in found)] == [runs, backups]
        assert found[0]["backups"][0]["body"]["steps"]["one"]["command"] == "echo two"
        for name in ("markdown", "html"):
            shown = typed("show", path, "--format", name).out
            assert "before update" in shown
            assert "echo two" in shown
            assert _SECRET not in shown + text


def test_a_plan_file_of_another_version(git: Git, typed: Typed, tmp_path: Path) -> None:
    """A plan file of another version, or an edited one, gives the message that `apply --plan` gives."""
    git.write(body())
    saved = tmp_path / "plan.json"
    assert typed("plan", git.folder, "--save-plan", saved).code == 0
    plan = json.loads(saved.read_text(encoding="utf-8"))
    for edited in ({**plan, "format_version": 99}, {**plan, "tenant": "https://evil.example"}):
        saved.write_text(json.dumps(edited), encoding="utf-8")
        shown, applied = typed("show", saved), typed("apply", git.folder, "--plan", saved)
        assert (shown.code, shown.out, shown.err) == (4, "", applied.err)
    record = tmp_path / "run.json"
    record.write_text(json.dumps({"format_version": 2, "run_id": "x", "who": {}, "requests": []}))
    assert "run.json has format 2; this version reads format 1" in typed("show", record).err


_NONE_OF_THESE: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)),
    "yaml": b"name: x\n",
    "list": b"[1, 2]",
    "object": b'{"a": 1}',
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a key twice": b'{"a": 1, "a": 2}',
    "plan": b'{"format_version": 1, "digest": "x", "manifests": 1, "changes": {}}',
    "record": b'{"format_version": 1, "run_id": [], "who": 1, "requests": "\\u001b[31m"}',
    "backup": b'{"format_version": 1, "run": 1, "left_out": {}, "body": []}',
    "numbers": b'{"format_version": 1e999, "run_id": 1, "who": 1, "requests": 1}',
}


@pytest.mark.parametrize("name", _NONE_OF_THESE)
def test_anything_else_is_an_error(name: str, typed: Typed, tmp_path: Path) -> None:
    """A file that is none of these is refused in words, whatever is in it."""
    file = tmp_path / "file\x1b[31m"
    file.write_bytes(_NONE_OF_THESE[name])
    ended = typed("show", file)
    assert ended.code in {3, 4}
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert "unexpected" not in ended.err
    assert "\x1b" not in ended.err


def test_no_file_and_no_backups(typed: Typed, tmp_path: Path) -> None:
    """A path that is missing, and a directory without backups, are named."""
    assert "none cannot be shown: no such file or directory" in typed("show", tmp_path / "none").err
    assert typed("show", tmp_path).code == 3
    (tmp_path / "x.json").write_text("{}")
    assert "holds no backups: " in typed("show", tmp_path).err


def test_a_hostile_record_stays_text(git: Git, typed: Typed, tmp_path: Path) -> None:
    """What somebody wrote into a record is shown as text in every format, and a secret put in is masked."""
    git.write(body())
    record = tmp_path / "run.json"
    assert typed("apply", git.folder, "--auto-approve", "--run-record", record).code == 0
    nasty = "</details><script>alert(1)</script>\n\n# @pwned \x1b[31m\u202e"
    value = json.loads(record.read_text(encoding="utf-8"))
    change: dict[str, Any] = value["plan"]["changes"][0]
    change |= {"name": nasty, "file": nasty, "line": 10**30, "warnings": [nasty]}
    change["fields"] = [
        {"path": ["steps", nasty], "before": nasty, "after": {nasty: nasty}, "sensitive": False}
    ]
    change["body"]["steps"] = {nasty: {"parents": [nasty], "repository": {"token": _SECRET}}}
    value["plan"] |= {"refusal": nasty, "summary": {"unchanged": 10**18}}
    value["plan"]["orphaned"] = [{"name": nasty, "id": 1}]
    value["report"]["results"][0] |= {"name": "another", "action": "blocked", "error": nasty}
    value |= {"error": nasty, "who": {**value["who"], "actor": nasty}}
    record.write_text(json.dumps(value), encoding="utf-8")
    for name in _FORMATS:
        ended = typed("show", record, "--format", name, "--show-bodies")
        assert ended.code == 0, ended.err
        assert not {"\x1b", "\u202e"} & set(ended.out)
        assert name == "json" or _SECRET not in ended.out
        assert name != "markdown" or "script" not in read_markdown(ended.out).tags
    assert "<script>alert" not in typed("show", record, "--format", "html").out
    record.write_text(json.dumps({**value, "plan": {**value["plan"], "base": nasty}}), encoding="utf-8")
    assert "run.json is not a run record: " in typed("show", record).err


def test_the_origin_is_saved(git: Git, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan with a base is saved with its origins, shown with them, and applied."""
    monkeypatch.chdir(tmp_path)
    git.write(body(command="echo old"))
    author = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], check=True)
    assert typed("apply", git.folder, "--auto-approve").code == 0
    git.write(body(command="echo new"))
    words = ("--save-plan", "saved.json", "--format", "markdown")
    planned = typed("plan", git.folder, "--base", "HEAD", *words)
    assert planned.code == 0
    assert "| update | git |" in planned.out
    assert "(git)" in typed("show", "saved.json").out
    assert (
        json.loads(typed("show", "saved.json", "--format", "json").out)["changes"][0]["fields"][0]["origin"]
        == "git"
    )
    record = typed("apply", git.folder, "--plan", "saved.json", "--run-record", "run.json")
    assert record.code == 0, record.err
    assert TOKEN not in typed("show", "run.json", "--format", "json").out
