"""Files that commands write stand in directories that others may write into, too."""

from __future__ import annotations

import os
import secrets
import stat
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
    """A plan file is 0600 whatever stood there before, and no part of it stays behind."""
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
