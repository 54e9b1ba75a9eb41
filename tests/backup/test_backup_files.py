"""Backups as files: whole or not at all, for their owner only, without secrets, whatever the name."""

from __future__ import annotations

import base64
import json
import os
import re
import resource
import stat
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from forms import live_of

from reconciler.backup import (
    BackupWriter,
    KnownBackups,
    RunIdentity,
    new_run_id,
    read_backups,
    select_backups,
)
from reconciler.errors import InvalidInputError, ReconcilerError, UsageError
from reconciler.schema import is_valid
from reconciler.secrecy import Redactor, SecretFields, omit_secrets
from reconciler.workflow import Live

if TYPE_CHECKING:
    from pathlib import Path

_NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
_KNOWN = "canary-known-1f4b"
_GITHUB = "ghp_" + "a1B2" * 9


def _store(
    directory: Path, run: str = "20260131T120000Z-abcdef", secrets: tuple[str, ...] = ()
) -> BackupWriter:
    made_by = RunIdentity(id=run, tenant="https://service.peak.ai", stage="prod")
    return BackupWriter(directory, made_by, Redactor.of(secrets), lambda: _NOW)


def _live(name: str = "flow", identity: int = 1, **fields: Any) -> Live:
    body = {"id": identity, "name": name, "steps": {"one": {"type": "standard", "command": "x"}}, **fields}
    return live_of(body, identity, name)


def test_a_backup_is_a_file_of_its_own(tmp_path: Path) -> None:
    """The file is valid by its schema, only its owner may read it, and it is found and read again."""
    directory = tmp_path / ".reconciler" / "backups"
    path = _store(directory).save(_live(status="Paused"), "update", SecretFields())
    assert path == directory / "20260131T120000Z-abcdef" / "1-flow.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (tmp_path / ".reconciler" / ".gitignore").read_text(encoding="ascii") == "*\n"
    assert is_valid(json.loads(path.read_text(encoding="utf-8")), "backup")
    (run,) = read_backups(directory)
    (backup,) = run.backups
    assert (backup.id, backup.name, backup.paused, backup.reason) == (1, "flow", True, "update")
    assert backup.body.raw["steps"] == {"one": {"type": "standard", "command": "x"}}


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    """Partial files in the folders of earlier runs are removed, and their backups stay."""
    folder = tmp_path / "20260130T120000Z-abcdef"
    folder.mkdir()
    left, kept = folder / ".peak-reconciler-0123456789abcdef.part", folder / "1-flow.json"
    for path in (left, kept):
        path.write_text("half", encoding="utf-8")
    os.utime(left, (0.0, 0.0))
    _store(tmp_path).check()
    assert (left.exists(), kept.exists()) == (False, True)


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "/",
        "..",
        "",
        "x" * 10_000,
        "ünï\u202e\x1b[31m",
        "a\x00b",
        "CON",
        "-rf",
        "a/b\\c",
    ],
)
def test_hostile_names(tmp_path: Path, name: str) -> None:
    """Whatever a workflow is called, its backup is one file in the run's directory."""
    path = _store(tmp_path / "backups").save(_live(name), "update", SecretFields())
    assert path.parent == tmp_path / "backups" / "20260131T120000Z-abcdef"
    assert re.fullmatch(r"1-[a-z0-9-]{1,60}\.json", path.name)
    (run,) = read_backups(tmp_path / "backups")
    assert [backup.name for backup in run.backups] == [name]


def test_the_first_backup_of_a_run_stays(tmp_path: Path) -> None:
    """A workflow that a run writes twice keeps what was there before the run."""
    store = _store(tmp_path)
    store.save(_live(), "update", SecretFields())
    path = store.save(_live(tags=[{"name": "new"}]), "update", SecretFields())
    assert "new" not in path.read_text(encoding="utf-8")


def test_many_at_once(tmp_path: Path) -> None:
    """Backups that are written at once are all whole."""
    store = _store(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: store.save(_live(f"w{number}", number), "update", SecretFields()), range(40)
            )
        )
    (run,) = read_backups(tmp_path)
    assert (len(run.backups), run.broken) == (40, ())
    assert not list(tmp_path.rglob("*.part"))


def test_what_was_not_overwritten_leaves_nothing(tmp_path: Path) -> None:
    """A backup that is discarded, and the check before a run, leave no file and no directory of the run."""
    store = _store(tmp_path / "backups")
    store.check()
    store.discard(store.save(_live(), "update", SecretFields()))
    assert read_backups(tmp_path / "backups") == []
    assert list((tmp_path / "backups").glob("2*")) == []


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in place of the directory is an error before anything is written."""
    (tmp_path / "backups").write_text("", encoding="ascii")
    for act in (_store(tmp_path / "backups").check, lambda: _store(tmp_path / "backups" / "below").check()):
        with pytest.raises(ReconcilerError, match="no backup can be written to") as caught:
            act()
        assert "--backup-dir" in caught.value.hint


def test_a_full_disk(tmp_path: Path) -> None:
    """A backup that does not fit fails, and leaves nothing half-written."""
    store = _store(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(ReconcilerError, match="no backup can be written"):
            store.save(_live(), "update", SecretFields())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".gitignore"] == []


_SECRETS: dict[str, tuple[dict[str, Any], str]] = {
    "token": ({"steps": {"one": {"repository": {"url": "u", "token": "canary-value"}}}}, "canary-value"),
    "auth": ({"steps": {"one": {"type": "http", "auth": {"apiKey": "canary-value"}}}}, "canary-value"),
    "env name": (
        {"steps": {"one": {"parameters": {"env": {"DB_PASSWORD": "canary-value"}}}}},
        "canary-value",
    ),
    "env list": (
        {"steps": {"one": {"parameters": {"env": [{"DB_PASSWORD": "canary-value"}]}}}},
        "canary-value",
    ),
    "header": (
        {"steps": {"one": {"type": "http", "headers": {"absolute": {"Authorization": "canary-value"}}}}},
        "canary-value",
    ),
    "known": ({"steps": {"one": {"command": f"run --key {_KNOWN}"}}}, _KNOWN),
    "known in a list": ({"steps": {"one": {"parents": [f"a-{_KNOWN}"]}}}, _KNOWN),
    "known in a watcher": (
        {"watchers": [{"webhook": {"name": "w", "url": f"https://x/{_KNOWN}"}, "events": {"fail": True}}]},
        _KNOWN,
    ),
    "known in a tag": ({"tags": [{"name": f"t-{_KNOWN}"}]}, _KNOWN),
    "looks": ({"steps": {"one": {"command": f"curl -H {_GITHUB} https://x"}}}, _GITHUB),
    "url": ({"steps": {"one": {"command": "psql postgres://me:canary-value@db/x"}}}, "canary-value"),
}


@pytest.mark.parametrize("kind", _SECRETS)
def test_no_secret_is_in_a_backup(tmp_path: Path, kind: str) -> None:
    """Whatever is a secret, by its field, its name, its value or its looks, is left out and named."""
    fields, secret = _SECRETS[kind]
    path = _store(tmp_path, secrets=(_KNOWN,)).save(_live(**fields), "update", SecretFields())
    text = path.read_text(encoding="utf-8")
    for form in (secret, base64.b64encode(secret.encode()).decode(), urllib.parse.quote(secret, safe="")):
        assert form not in text
    if kind != "known in a tag":
        (left,) = json.loads(text)["left_out"]
        assert left["why"]


def test_names_of_secrets_stay() -> None:
    """The names of secrets that the platform keeps are no secrets, nor is what merely sounds like one."""
    steps = {
        "one": {
            "type": "http",
            "parameters": {"secrets": ["DB_PASSWORD"], "env": {"DAYS": "30"}},
            "headers": {"secrets": {"X-Key": "partner"}, "absolute": {"Accept": "text/plain"}},
        }
    }
    body, left = omit_secrets({"name": "a", "steps": steps}, SecretFields(), Redactor())
    assert (body, left) == ({"name": "a", "steps": steps}, ())


def test_fields_that_git_says_are_secret(tmp_path: Path) -> None:
    """What came through `!env` in the manifest is left out of the backup of the live workflow, too."""
    env = {"parameters": {"env": {"MODE": "canary-value", "DAYS": "3"}}}
    sensitive = SecretFields(frozenset({("steps", "one", "parameters", "env", "MODE")}))
    path = _store(tmp_path).save(_live(steps={"one": env}), "update", sensitive)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["body"]["steps"]["one"]["parameters"]["env"] == {"DAYS": "3"}
    assert document["left_out"] == [
        {"path": ["steps", "one", "parameters", "env", "MODE"], "why": "a secret field"}
    ]


def test_what_is_asked_for(tmp_path: Path) -> None:
    """A run, a name, or nothing: all of the run, the newest of the name, or the latest run."""
    for run, names in (("20260101T000000Z-000001", "ab"), ("20260102T000000Z-000002", "bc")):
        for number, name in enumerate(names):
            _store(tmp_path, run).save(
                _live(name, ord(name), tags=[{"name": str(number)}]), "update", SecretFields()
            )
    runs = read_backups(tmp_path)

    def found(*asked: str) -> list[tuple[str, str]]:
        return [
            (backup.run[-1], backup.name)
            for backup in select_backups(KnownBackups(directory=tmp_path, runs=tuple(runs)), asked)
        ]

    assert found() == [("2", "b"), ("2", "c")]
    assert found("20260101T000000Z-000001") == [("1", "a"), ("1", "b")]
    assert found("a", "b") == [("1", "a"), ("2", "b")]
    with pytest.raises(UsageError, match="no run and no workflow"):
        found("zzz")
    with pytest.raises(UsageError, match="there are no backups"):
        select_backups(KnownBackups(directory=tmp_path, runs=()), ())


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format_version": 2}', '{"format_version": 1}', "[" * 100_000, "\x00"]
)
def test_broken_backups(tmp_path: Path, text: str) -> None:
    """A file that is no backup is named, keeps no other run from being used, and is never half-used."""
    _store(tmp_path).save(_live(), "update", SecretFields())
    bad = tmp_path / "20260201T000000Z-ffffff"
    bad.mkdir()
    (bad / "1-flow.json").write_text(text, encoding="utf-8")
    runs = read_backups(tmp_path)
    assert "1-flow.json" in runs[0].broken[0]
    with pytest.raises(InvalidInputError, match=r"1-flow\.json"):
        select_backups(KnownBackups(directory=tmp_path, runs=tuple(runs)), ())
    assert [
        backup.name
        for backup in select_backups(KnownBackups(directory=tmp_path, runs=tuple(runs)), ("flow",))
    ] == ["flow"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"command": "x"', f'"command": {"[" * 300}{"]" * 300}', "it is nested too deeply"),
        ('"command": "x"', '"command": NaN', "it is not JSON"),
        ('"command": "x"', '"command": "x", "command": "y"', "it is not JSON"),
        ('"left_out": []', '"left_out": [{"path": [], "why": "x"}]', "left_out[0].path must not be empty"),
    ],
)
def test_backups_made_to_harm(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A backup that nests without end, is no strict JSON or names no place is refused before it is used."""
    path = _store(tmp_path).save(_live(), "update", SecretFields())
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    (run,) = read_backups(tmp_path)
    assert run.broken == (f"{path}: not a usable backup: {said}",)


def test_two_runs_make_the_directory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that another run makes between the look and the making is as good as an own one."""
    _store(tmp_path / ".reconciler" / "backups", "first").save(_live(), "update", SecretFields())
    monkeypatch.setattr("pathlib.Path.exists", lambda _path: False)
    path = _store(tmp_path / ".reconciler" / "backups", "second").save(_live(), "update", SecretFields())
    assert path.is_file()


def test_run_ids_sort_by_time() -> None:
    """The id of a later run sorts after that of an earlier one, and two of one second differ."""
    later = _NOW.replace(microsecond=1000)
    assert new_run_id(_NOW) < new_run_id(later)
    assert new_run_id(_NOW) != new_run_id(_NOW)
