"""Bounds over a whole run: many files, each within its own bounds, are too much together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from manifest_helpers import load, workflow, write

from reconciler.manifests import file_findings
from reconciler.rules import check_paths, load_checked

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.findings import Finding


def _bombs(folder: Path) -> Path:
    """Write thirty small files that expand to 1,000 values each."""
    for number in range(30):
        lists = "".join(
            f"x-{level}: &l{level} [{', '.join([f'*l{level - 1}' if level else 'x'] * 10)}]\n"
            for level in range(3)
        )
        write(folder / f"{number:02}.yaml", lists + workflow(f"w{number}"))
    return folder


@pytest.mark.parametrize("limit", ["MAX_RUN_VALUES", "MAX_RUN_CHARACTERS"])
def test_the_bound_is_named_and_reading_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Past a bound of the run nothing more is read; the message names the bound and the file."""
    folder = _bombs(tmp_path)
    assert load(folder).valid
    monkeypatch.setattr(file_findings, limit, 5_000)
    for result in (check_paths((str(folder),), {}), load(folder), load_checked((str(folder),), {})):
        found: tuple[Finding, ...] = result.findings
        assert [finding.rule for finding in found] == ["too-large"]
        assert result.files < 10
        assert found[0].message.startswith("more than 5000 ")
        assert found[0].file.endswith(f"{result.files - 1:02}.yaml")


def test_bounds_with_worker_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many files, that are checked in several processes, the bound is the same."""
    for number in range(450):
        write(tmp_path / f"{number:03}.yaml", workflow(f"w{number}"))
    monkeypatch.setattr(file_findings, "MAX_RUN_VALUES", 500)
    result = check_paths((str(tmp_path),), {})
    assert [finding.rule for finding in result.findings] == ["too-large"]
    assert result.files == 101
