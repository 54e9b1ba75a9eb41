"""The sticky comment on a pull or merge request: added once, then replaced; others are never changed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from code_host import TOKEN, CodeHost
from processes import forked_command

from reconciler.comments import UpsertResult, find_thread, upsert_comment
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

MARKER = "<!-- peak-reconciler:plan -->"
PLAN = f"{MARKER}\n### Plan: 1 to create.\n"
SYSTEMS = ["github", "gitlab"]


def _upsert(host: CodeHost, system: str, text: str = PLAN, key: str = "plan", **changes: str) -> UpsertResult:
    return upsert_comment(find_thread(getattr(host, system)(**changes)), text, key)


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_comment_is_replaced_from_run_to_run(host: CodeHost, system: str) -> None:
    """The first run adds a comment, each further one replaces it, also where lines end as in a browser."""
    assert _upsert(host, system) is UpsertResult.ADDED
    host.comments[0]["body"] = host.comments[0]["body"].replace("\n", "\r\n")
    assert _upsert(host, system, f"{MARKER}\n### No changes.\n") is UpsertResult.REPLACED
    (body,) = host.bodies
    assert body.startswith(f"{MARKER}\n### No changes.\n\n[Written by this job](https://git")
    assert host.writes == ["POST", "PATCH" if system == "github" else "PUT"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_comment_of_someone_else_is_never_touched(host: CodeHost, system: str) -> None:
    """Whoever writes our marker into a comment of their own does not get the plan into it."""
    host.add_comment(PLAN, login="mallory", user=666)
    assert _upsert(host, system) is UpsertResult.ADDED
    assert host.bodies[0] == PLAN
    assert len(host.bodies) == 2


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_is_found_on_a_later_page(host: CodeHost, system: str) -> None:
    """All pages are looked through."""
    for number in range(250):
        host.add_comment(f"comment {number}")
    host.add_comment(PLAN)
    assert _upsert(host, system) is UpsertResult.REPLACED
    assert len(host.comments) == 251


def test_keys_distinguish_comments(host: CodeHost) -> None:
    """Each key has its comment, whatever marker the text came with; a key is a plain word."""
    assert [_upsert(host, "github", key=key) for key in ("plan", "plan-prod", "plan")] == [
        UpsertResult.ADDED,
        UpsertResult.ADDED,
        UpsertResult.REPLACED,
    ]
    assert [body.splitlines()[0] for body in host.bodies] == [MARKER, "<!-- peak-reconciler:plan-prod -->"]
    assert [body.count("<!--") for body in host.bodies] == [1, 1]
    for key in ("", "a b", "-->", "a\n", "x" * 65):
        with pytest.raises(UsageError, match="1 to 64 letters"):
            _upsert(host, "github", key=key)


def test_a_comment_fits(host: CodeHost) -> None:
    """A text of just the size that GitHub allows is posted, without a link; a longer one is not."""
    text = f"{MARKER}\n{'x' * (65_536 - len(MARKER) - 1)}"
    _upsert(host, "github", text)
    assert host.bodies == [text]
    with pytest.raises(ReconcilerError, match="65,537 bytes, more than the 65,536 allowed"):
        _upsert(host, "github", f"{text}x")


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("system", SYSTEMS)
def test_without_permission_it_says_what_is_needed(host: CodeHost, system: str, status: int) -> None:
    """The error of a refusal names the permission that the token needs, and not the token."""
    host.refuses = status
    with pytest.raises(ReconcilerError) as caught:
        _upsert(host, system)
    assert "pull-requests: write" in caught.value.hint or "scope api" in caught.value.hint
    assert TOKEN not in f"{caught.value.message}{caught.value.hint}"
    assert str(status) in caught.value.message


def test_a_token_in_the_text_is_not_posted(host: CodeHost) -> None:
    """Should the text hold the token, the comment does not."""
    _upsert(host, "github", f"{PLAN}{TOKEN}\n")
    assert TOKEN not in host.bodies[0]


@pytest.mark.parametrize(
    ("system", "variable", "value"),
    [
        ("github", "GITHUB_REF", "refs/heads/main"),
        ("github", "GITHUB_REF", "refs/pull/7/../8/merge"),
        ("github", "GITHUB_REPOSITORY", "org/flows/../other"),
        ("github", "GITHUB_TOKEN", ""),
        ("github", "GITHUB_API_URL", "http://api.example"),
        ("gitlab", "CI_MERGE_REQUEST_IID", ""),
        ("gitlab", "CI_MERGE_REQUEST_PROJECT_ID", "1/2"),
        ("gitlab", "GITLAB_TOKEN", ""),
        ("gitlab", "GITLAB_CI", ""),
    ],
)
def test_variables_that_name_no_thread(host: CodeHost, system: str, variable: str, value: str) -> None:
    """Where the variables name no request, no token or an address that is not safe, nothing is asked."""
    with pytest.raises(ReconcilerError):
        _upsert(host, system, **{variable: value})
    assert host.asked == []


@pytest.mark.parametrize("answer", [{"id": "x", "body": ""}, {"id": True, "body": ""}, {"id": 1}, "text"])
def test_answers_of_another_shape(host: CodeHost, answer: object) -> None:
    """Answers that are not what the API documents are an error that says so."""
    if isinstance(answer, dict):
        answer = {**answer, "user": {"login": "github-actions[bot]"}}
    host.comments.append(answer)  # type: ignore[arg-type]
    with pytest.raises(ReconcilerError):
        _upsert(host, "github")


def test_the_command(host: CodeHost, tmp_path: Path) -> None:
    """The command posts a file, and reports the result on standard error only."""
    file = tmp_path / "plan.md"
    file.write_text(PLAN)
    words = [*forked_command(), "comment"]
    env = {"PATH": os.environ["PATH"], **host.github()}

    def run(*more: object) -> subprocess.CompletedProcess[str]:
        asked = [*words, *map(str, more)]
        return subprocess.run(asked, env=env, capture_output=True, text=True, check=False, timeout=60)

    done = run(file, "--key", "plan-prod")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "the comment was added\n")
    assert host.bodies[0].startswith("<!-- peak-reconciler:plan-prod -->\n### Plan: 1 to create.")
    file.write_text("\n")
    empty = run(file, "--key", "plan-prod")
    assert (empty.returncode, "is empty" in empty.stderr, len(host.bodies)) == (3, True, 1)
    assert host.bodies[0].startswith("<!-- peak-reconciler:plan-prod -->\n### Plan: 1 to create.")
    endless = run("/dev/zero")
    assert (endless.returncode, "more than 16777216 bytes" in endless.stderr) == (3, True)
    missing = run(tmp_path / "missing")
    assert (missing.returncode, "no such file" in missing.stderr) == (3, True)
