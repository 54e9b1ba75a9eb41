"""Files that look like manifests and are not read: they are named, and block the prune of their workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flow_helpers import Git, body

from reconciler.findings import Severity
from reconciler.plan import BlockedDelete, Delete
from reconciler.rules import check_paths

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ["a.yaml.disabled", "a.yaml.tmpl", "a.yml.bak", "a.YAML~", ".5.yaml", "a.json.orig", "a.yaml.1"]
_FLOW = "name: gone\nsteps: {one: {command: x}}\n"


@pytest.mark.parametrize("name", _NAMES)
def test_a_left_out_file_blocks_its_prune(git: Git, name: str) -> None:
    """The workflow that such a file names is not deleted; another orphan is."""
    git.owned_by("team-a", allow_deletes=2)
    for number in range(4):
        git.write(body(f"w{number}"), file=f"w{number}.yaml")
    git.write(body("gone"), file="gone.yaml")
    git.apply()
    git.remove("gone.yaml")
    git.remove("w0.yaml")
    (git.folder / name).write_text(_FLOW, encoding="utf-8")
    kinds = {action.name: action for action in git.plan().actions}
    assert isinstance(kinds["gone"], BlockedDelete)
    assert name in kinds["gone"].reason
    assert isinstance(kinds["w0"], Delete)


@pytest.mark.parametrize("name", _NAMES)
def test_validate_names_it(tmp_path: Path, name: str) -> None:
    """The check names the file; one that is something else is left alone."""
    (tmp_path / "flow.yaml").write_text(_FLOW, encoding="utf-8")
    (tmp_path / name).write_text(_FLOW, encoding="utf-8")
    (tmp_path / "notes.yaml.md").write_text("nothing", encoding="utf-8")
    (tmp_path / ".lint.yaml").write_text("rules: {}\n", encoding="utf-8")
    (finding,) = check_paths((str(tmp_path),), {}).findings
    assert (finding.file, finding.rule, finding.severity) == (
        str(tmp_path / name),
        "left-out-file",
        Severity.WARNING,
    )
