"""Files that commands write, in directories that others may write into, too."""

from __future__ import annotations

import os
import secrets
import stat
import time
from pathlib import Path

import pytest

from reconciler.errors import ReconcilerError
from reconciler.files import write_text


def test_a_planted_link_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link under the very name of the part leads nowhere: its file is untouched, and nothing is written."""
    victim = tmp_path / "victim"
    victim.write_text("untouched", encoding="utf-8")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    (tmp_path / ".peak-reconciler-guessed.part").symlink_to(victim)
    with pytest.raises(ReconcilerError, match="cannot be written: file exists"):
        write_text(tmp_path / "plan.json", "the plan", private=True)
    assert victim.read_text(encoding="utf-8") == "untouched"
    assert not (tmp_path / "plan.json").exists()


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    """A plan file is 0600 whatever was there before, and no part of the old file stays."""
    (tmp_path / f".peak-reconciler-{os.getpid()}.part").symlink_to(tmp_path / "victim")
    plan = tmp_path / "plan.json"
    plan.write_text("old", encoding="utf-8")
    plan.chmod(0o644)
    write_text(plan, "new", private=True)
    assert (plan.read_text(encoding="utf-8"), stat.S_IMODE(plan.stat().st_mode)) == ("new", 0o600)
    assert not (tmp_path / "victim").exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_hyphen_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever means standard output gets no file of that name instead."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReconcilerError, match="is not a file name"):
        write_text(Path("-"), "the plan")
    assert list(tmp_path.iterdir()) == []


def _part(directory: Path, name: str = ".peak-reconciler-0123456789abcdef.part", age: float = 3600.0) -> Path:
    """Return a partial file that was written to `age` seconds ago."""
    path = directory / name
    path.write_text("half", encoding="utf-8")
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    """The next run that writes to a directory removes the partial files that are left there."""
    left = [_part(tmp_path), _part(tmp_path, f".peak-reconciler-{'f' * 16}.part")]
    write_text(tmp_path / "plan.json", "new")
    assert [path.exists() for path in left] == [False, False]
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    "name",
    [
        ".peak-reconciler-0123456789ABCDEF.part",
        ".peak-reconciler-0123.part",
        ".peak-reconciler-0123456789abcdef.part.json",
        "a.peak-reconciler-0123456789abcdef.part",
        "0123456789abcdef.part",
        "plan.json.tmp",
    ],
)
def test_no_file_of_others_is_removed(tmp_path: Path, name: str) -> None:
    """A file with another name stays, however old."""
    other = _part(tmp_path, name)
    write_text(tmp_path / "plan.json", "new")
    assert other.exists()


def test_no_file_in_use_is_removed(tmp_path: Path) -> None:
    """A partial file that another run may still write, a link and a directory of such a name stay."""
    young = _part(tmp_path, age=60.0)
    victim = _part(tmp_path, "victim")
    link = tmp_path / f".peak-reconciler-{'a' * 16}.part"
    link.symlink_to(victim)
    directory = tmp_path / f".peak-reconciler-{'b' * 16}.part"
    directory.mkdir()
    for path in (link, directory):
        os.utime(path, (0.0, 0.0), follow_symlinks=False)
    write_text(tmp_path / "plan.json", "new")
    assert [young.exists(), victim.exists(), link.is_symlink(), directory.is_dir()] == [True] * 4
