"""A plan in several formats from one run: text for the log, Markdown for a comment, counts for GitLab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flow_helpers import body, run

if TYPE_CHECKING:
    from pathlib import Path

    from flow_helpers import Git


def test_several_formats_and_the_saved_plan_in_one_run(git: Git, tmp_path: Path) -> None:
    """Each file has its format, standard output the text, and the plan file is written, too."""
    git.write(body())
    words = [f"--output={name}={tmp_path / name}" for name in ("markdown", "json", "gitlab")]
    ended = run(git, "plan", *words, "--save-plan", str(tmp_path / "saved"), "--detailed-exitcode")
    assert ended.returncode == 2
    assert ended.stdout.endswith("Plan: 1 to create.\n")
    assert "<b>create</b> <code>flow</code>" in (tmp_path / "markdown").read_text()
    assert json.loads((tmp_path / "json").read_text())["summary"]["create"] == 1
    assert json.loads((tmp_path / "gitlab").read_text()) == {"create": 1, "update": 0, "delete": 0}
    assert run(git, "apply", "--plan", str(tmp_path / "saved")).returncode == 0


def test_a_file_of_the_printed_format_takes_its_place(git: Git, tmp_path: Path) -> None:
    """A bare FILE has the format of `--format`, and nothing is printed; the bound holds in the file."""
    for number in range(40):
        git.write(body(f"flow-{number}", tags=[{"name": "x" * 200}]), f"{number}.yaml")
    file = tmp_path / "plan.md"
    ended = run(git, "plan", "--format=markdown", f"--output={file}", "--max-markdown-bytes=4096")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert file.stat().st_size <= 4096
    assert "### Plan: 40 to create." in file.read_text()
    assert "**Cut to fit:**" in file.read_text()


def test_a_refused_plan_is_shown_and_not_saved(git: Git, tmp_path: Path) -> None:
    """What refuses the whole plan is in every format; the plan file is not written."""
    git.env["RECONCILER_MAX_CHANGE_RATIO"] = "0.1"
    git.write(body())
    git.done()
    git.write(body(command="other"))
    markdown, saved = tmp_path / "plan.md", tmp_path / "saved"
    ended = run(git, "plan", f"--output=markdown={markdown}", "--save-plan", str(saved))
    assert ended.returncode == 4
    assert "blocked: " in ended.stdout
    assert "**Blocked:** `" in markdown.read_text()
    assert not saved.exists()


def test_formats_that_there_are_not(git: Git) -> None:
    """A format that no plan has, or a bound too small for the counts, is wrong usage."""
    git.write(body())
    ended = run(git, "plan", "--output=sarif=x")
    assert (ended.returncode, "Formats: text, json, markdown, html, gitlab." in ended.stderr) == (64, True)
    ended = run(git, "plan", "--output==x")
    assert (ended.returncode, "--output =x names no format" in ended.stderr) == (64, True)
    assert run(git, "plan", "--max-markdown-bytes=100").returncode == 64
