"""The page of the Python API: its snippets run on an emulated tenant, and it names only what exists."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from markdown_pages import ROOT, fences

from reconciler import operations
from reconciler.emulator import EmulatorServer

_PAGE = ROOT / "docs" / "reference" / "python-api.md"


def test_the_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who types the whole page into one session sees no error."""
    shutil.copytree(ROOT / "examples" / "workflows", tmp_path / "workflows")
    monkeypatch.chdir(tmp_path)
    with EmulatorServer(step_seconds=0) as server:
        monkeypatch.setenv("PEAK_API_URL", server.url)
        monkeypatch.setenv("PEAK_AUTH_TOKEN", "any")
        session: dict[str, object] = {}
        for fence in fences(_PAGE, "python"):
            exec(compile(fence.text, fence.place, "exec"), session)  # noqa: S102 - our own page
        assert {record.name for record in server.store.records()} >= {"scoring"}


def test_every_operation_is_named() -> None:
    """The table has operations that can be imported."""
    table = _PAGE.read_text(encoding="utf-8").split("## Operations")[1]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named
    assert named <= set(operations.__all__)
