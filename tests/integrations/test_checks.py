"""Files that users copy pass the tools for their kind: schemas, security of workflows, shell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GITHUB = sorted((ROOT / "examples" / "ci" / "github").glob("*.yml"))
SCRIPTS = sorted((ROOT / "integrations").rglob("*.sh"))


@pytest.mark.parametrize(
    "words",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *GITHUB],
        [
            "check-jsonschema",
            "--builtin-schema",
            "vendor.gitlab-ci",
            "examples/ci/gitlab/peak-reconciler.gitlab-ci.yml",
        ],
        ["zizmor", "--offline", "--no-progress", "--persona", "pedantic", "action.yml", *GITHUB],
        ["shellcheck", *SCRIPTS],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}".replace(str(ROOT), ""),
)
def test_tool_finds_no_problem(words: list[object]) -> None:
    """Schema, security and shell checks find no problem."""
    done = subprocess.run(
        [BIN / str(words[0]), *map(str, words[1:])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", [ROOT / "action.yml", *GITHUB], ids=lambda file: file.name)
def test_no_expression_in_shell_and_every_action_pinned(file: Path) -> None:
    """No external value is written into a script, and every action is pinned by its commit."""
    text = file.read_text()
    for found in re.findall(r"uses: (.*)", text):
        own = found == f"your-org/peak-reconciler@{'0' * 40}"
        assert own or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", found), found
    whole = yaml.safe_load(text)
    steps = whole["runs"]["steps"] if "runs" in whole else []
    for step in steps:
        assert re.fullmatch(r'exec "\$GITHUB_ACTION_PATH/integrations/github/\w+\.sh"', step["run"])


def test_scripts_can_be_run() -> None:
    """The scripts that the action starts are executable."""
    assert len(SCRIPTS) == 3
    assert [script.name for script in SCRIPTS if not script.stat().st_mode & 0o100] == []


def test_the_pre_commit_hook() -> None:
    """The hook's command checks the given files, and skips those that are not manifests."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    read = re.compile(hook["files"])
    assert all(map(read.search, ("a.yaml", "b/C.YML", "d.json", "e.yaml.j2", "f.json.j2")))
    assert not any(map(read.search, ("part.sh", "yaml.txt", "a.j2")))
    left_out = re.compile(hook["exclude"])
    assert left_out.search("reconciler.yaml")
    assert left_out.search("team/.pre-commit-config.yaml")
    files = [str(file) for file in sorted((ROOT / "examples" / "workflows").iterdir())]
    assert not any(map(left_out.search, files))
    words = [str(BIN / hook["entry"].split()[0]), *hook["entry"].split()[1:], *files]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "3 valid manifests in 3 files; no problems found\n")
