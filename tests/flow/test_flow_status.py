"""`status` as a user types it: one line for each workflow, in sync or not, and how its last run went."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from flow_helpers import TENANTS, Ended, Git, body, rich, step

if TYPE_CHECKING:
    from collections.abc import Callable


def _all_kinds(git: Git) -> None:
    """Make a tenant and a Git with a workflow of every status."""
    for name in ("differs", "synced", "failed"):
        command = "exit 1" if name == "failed" else "echo 1"
        git.write(body(name, command), f"{name}.yaml", paused=name == "synced")
    git.done()
    git.write(body("differs", "echo 2"), "differs.yaml")
    git.write(body("missing"), "missing.yaml")
    git.write(body("blocked"), "blocked.yaml", id=77)
    git.server.store.create(body("unmanaged"))
    git.server.store.execute(git.live("failed"), {})
    git.server.store.execute(git.live("unmanaged"), {})
    git.time.sleep(10)


def _cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def test_one_line_each(git: Git, typed: Callable[..., Ended]) -> None:
    """Each workflow has a line with its sync state, status and last run; a blocked one also its reason."""
    _all_kinds(git)
    git.server.clear_requests()
    ended = typed("status", git.folder, "--show-unmanaged")
    assert (ended.code, ended.err) == (4, "")
    started = "2020-09-13T12:26:40Z"
    ids = {name: str(git.live(name)) for name in ("differs", "failed", "synced", "unmanaged")}
    head, *rows, reason, legend, summary = ended.out.splitlines()
    heads = ["SYNC", "WORKFLOW", "LAST 10", "LAST EXECUTION", "STARTED", "DURATION", "STATUS", "ID"]
    assert _cells(head) == heads
    assert [_cells(row) for row in rows] == [
        ["blocked", "blocked", "-", "-", "-", "-", "-", "-"],
        ["out of sync", "differs", "-", "-", "-", "-", "Available", ids["differs"]],
        ["missing", "missing", "-", "-", "-", "-", "-", "-"],
        ["in sync", "failed", "F", "Failed", started, "1 s", "Available", ids["failed"]],
        ["in sync", "synced", "-", "-", "-", "-", "Paused", ids["synced"]],
        ["unmanaged", "unmanaged", "S", "Success", started, "1 s", "Available", ids["unmanaged"]],
    ]
    assert legend == "LAST 10, the latest on the right: S Success, F Failed, R running, O other."
    assert reason == "blocked: blocked: no live workflow has the id 77, which reconcile.id pins"
    assert summary == "2 in sync, 1 out of sync, 1 missing, 1 blocked, 1 unmanaged. 1 last execution failed."
    assert git.writes() == []


def test_only_some(git: Git, typed: Callable[..., Ended]) -> None:
    """`--only` shows workflows in some states and counts all; `--target` leaves the others out."""
    _all_kinds(git)
    words = ("status", git.folder, "--format", "json")
    for states, names in (
        ("out-of-sync,failed", ["differs", "failed"]),
        ("in-sync", ["failed", "synced"]),
        ("missing, blocked", ["blocked", "missing"]),
    ):
        document = json.loads(typed(*words, "--only", states).out)
        assert [item["name"] for item in document["workflows"]] == names
        assert document["summary"]["synced"] == 2
    text = typed("status", git.folder, "--only", "missing").out
    assert text.endswith("1 last execution failed. 1 of 5 shown.\n")
    targeted = json.loads(typed(*words, "--target", "s*").out)
    assert [item["name"] for item in targeted["workflows"]] == ["synced"]
    refused = typed("status", git.folder, "--only", "working")
    assert (refused.code, "known are in-sync" in refused.err) == (64, True)


def test_a_page(git: Git, typed: Callable[..., Ended]) -> None:
    """A page and a comment have each workflow under its state, with the reason of a blocked one."""
    _all_kinds(git)
    page, comment = (git.folder.parent / name for name in ("status.html", "status.md"))
    files = (f"--output=html={page}", f"--output=markdown={comment}")
    assert typed("status", git.folder, *files).code == 4
    shown = page.read_text(encoding="utf-8")
    assert shown.count('<div class="entry"') == 5
    assert '<div class="entry" data-words="in-sync">' in shown
    assert "last execution Failed" in shown
    failed = shown.index('<div class="entry" data-words="in-sync · failed">')
    assert failed == shown.index('<div class="entry"'), "it comes first"
    assert '<span class="fact bad">failed</span>' in shown
    assert 'data-word="failed" class="bad"><b>1</b> failed</button>' in shown
    assert "reconcile.id pins" in shown
    assert "which reconcile.id pins`" in comment.read_text(encoding="utf-8")
    assert "1 in sync</summary>" in comment.read_text(encoding="utf-8")


def test_json(git: Git, typed: Callable[..., Ended]) -> None:
    """The JSON of the status has the documented keys, and null where there is nothing."""
    _all_kinds(git)
    document = json.loads(typed("status", git.folder, "--format", "json").out)
    assert document["summary"] == {
        "synced": 2,
        "differs": 1,
        "missing": 1,
        "blocked": 1,
        "orphaned": 0,
        "unmanaged": 0,
    }
    by_name = {item["name"]: item for item in document["workflows"]}
    (run,) = git.server.store.executions(git.live("failed"))
    assert by_name["failed"] == {
        "name": "failed",
        "id": git.live("failed"),
        "sync": "synced",
        "reason": None,
        "status": "Available",
        "last_execution": {
            "id": run.id,
            "status": "Failed",
            "executed_at": "2020-09-13T12:26:40.000Z",
            "duration_seconds": 1.0,
        },
        "history": [
            {
                "id": run.id,
                "status": "Failed",
                "started_at": "2020-09-13T12:26:40.000Z",
                "finished_at": "2020-09-13T12:26:41.000Z",
                "duration_seconds": 1.0,
            }
        ],
        "next_run": None,
        "next_run_computed": False,
        "next_run_zone": None,
        "modified_at": "2020-09-13T12:26:40.000Z",
        "modified_by": None,
        "owners": [],
        "file": str(git.folder / "failed.yaml"),
        "line": 1,
    }
    assert by_name["missing"]["last_execution"] is None


@pytest.mark.parametrize(("change", "code"), [("echo 1", 0), ("echo 2", 2)])
def test_exit_codes(git: Git, typed: Callable[..., Ended], change: str, code: int) -> None:
    """With --detailed-exitcode a difference is 2, and only then."""
    git.write(body("flow", "echo 1"))
    git.done()
    git.write(body("flow", change))
    assert typed("status", git.folder, "--detailed-exitcode").code == code
    assert typed("status", git.folder).code == 0


@pytest.mark.parametrize("profile", ["all", "all+token-empty", "nulls"])
def test_however_it_reads_back(git: Git, typed: Callable[..., Ended], profile: str) -> None:
    """What was applied is in sync, however the platform reads it back."""
    git.server.profile = TENANTS[profile]
    git.write(rich())
    git.done()
    ended = typed("status", git.folder, "--detailed-exitcode")
    assert (ended.code, _cells(ended.out.splitlines()[1])) == (
        0,
        ["in sync", "rich", "-", "-", "2020-09-14T06:00:00Z", "Available", "1"],
    )


def test_hostile_text(git: Git, typed: Callable[..., Ended]) -> None:
    """Names and secrets reach no terminal as they are."""
    git.write(body("a\x1b[31m\nb", steps={"one": step(repository={"token": "canary-1"})}))
    git.server.store.create(body("canary-1 \u202e\x1b[2J"))
    for words in (["text"], ["json"]):
        ended = typed("status", git.folder, "--show-unmanaged", "--format", *words)
        assert all(line.isprintable() for line in (ended.out + ended.err).splitlines())


def test_an_invalid_manifest(git: Git, typed: Callable[..., Ended]) -> None:
    """An invalid manifest is 3, and nothing is asked of the tenant."""
    git.write({"name": "flow", "steps": {"one": {"comand": "x"}}})
    ended = typed("status", git.folder)
    assert (ended.code, ended.out) == (3, "")
    assert git.server.requests == []
