"""Plans without --base: what the last apply says of where a difference comes from, through the whole tool."""

from __future__ import annotations

import copy
import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.emulator import parse_profiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flow_helpers import Ended, Git

_OWNED: Final = "version: 1\nmanifests: [workflows]\nownership: {tag: team-a}\n"


def _body(command: str, region: str = "emea") -> dict[str, Any]:
    step = {"imageId": 7, "imageVersionId": 8, "command": command, "parameters": {"env": {"REGION": region}}}
    return {"name": "flow", "steps": {"a": step}}


@pytest.fixture
def repository(git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with manifests that it owns, as the working directory."""
    top = git.folder.parent
    (top / "reconciler.yaml").write_text(_OWNED)
    monkeypatch.chdir(top)
    return top


def _edit(git: Git, body: dict[str, Any]) -> None:
    """Change the live workflow as somebody does in the UI: its tags stay."""
    git.client.create_or_update_workflow({**copy.deepcopy(body), "tags": git.stored()["tags"]})


def _origins(ended: Ended) -> dict[str, str | None]:
    (change,) = json.loads(ended.out)["changes"]
    return {field["path"][-1]: field.get("origin", "unknown") for field in change["fields"]}


@pytest.mark.parametrize(
    ("now", "live", "origins", "counts"),
    [
        (("x",), ("y",), {"command": "drift"}, "1 drift"),
        (("y",), ("x",), {"command": "git"}, "1 git"),
        (("x", "apac"), ("y",), {"command": "drift", "REGION": "git"}, "1 git, 1 drift"),
        (("z",), ("y",), {"command": "unknown"}, "1 unknown (plan --base REV shows more)"),
        (
            ("z", "apac"),
            ("y",),
            {"command": "unknown", "REGION": "unknown"},
            "2 unknown (plan --base REV shows more)",
        ),
    ],
)
def test_origins_since_the_last_apply(  # noqa: PLR0913, PLR0917 - a row of the table
    git: Git,
    repository: Path,
    typed: Callable[..., Ended],
    now: tuple[str, ...],
    live: tuple[str, ...],
    origins: dict[str, str],
    counts: str,
) -> None:
    """What only the tenant changed is drift, what only Git changed is git; what both changed is unknown."""
    assert repository.is_dir()
    git.write(_body("x"))
    assert typed("apply", "--auto-approve").code == 0
    git.write(_body(*now))
    if live != ("x",):
        _edit(git, _body(*live))
    assert _origins(typed("plan", "--format", "json")) == origins
    for output in ("text", "markdown"):
        shown = typed("plan", "--format", output).out
        assert [f"({word})" in shown for word in ("git", "drift")] == [
            word in origins.values() for word in ("git", "drift")
        ]
        assert f"Since the last apply: {counts}." in shown
    unknown = [*origins.values()].count("unknown")
    for word in ("git", "drift"):
        failing = typed("plan", "--fail-on", word)
        assert failing.code == 2 * (word in origins.values())
        assert ("so --fail-on" in failing.err) == bool(unknown)
    document = json.loads(typed("plan", "--format", "json").out)
    assert "base" not in document
    assert document["summary"].get("unknown", 0) == unknown


def test_a_live_change_after_a_capture_is_counted(
    git: Git, repository: Path, typed: Callable[..., Ended]
) -> None:
    """After a capture, the next live change has no mark; the last line counts it."""
    assert repository.is_dir()
    git.write(_body("x"))
    assert typed("apply", "--auto-approve").code == 0
    _edit(git, _body("y"))
    assert typed("capture", "flow", "--yes").code == 0
    _edit(git, _body("z"))
    assert _origins(typed("plan", "--format", "json")) == {"command": "unknown"}
    assert "Since the last apply: 1 unknown (plan --base REV shows more)." in typed("plan").out


def test_what_is_paused_or_gone_is_counted(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """A workflow deleted live, or paused there, is unknown; before the first apply, nothing is."""
    assert repository.is_dir()
    for name in ("flow", "other"):
        git.write({**_body("x"), "name": name}, f"{name}.yaml", paused=False)
    assert "Since" not in typed("plan").out
    assert typed("apply", "--auto-approve").code == 0
    git.client.delete_workflow(git.live("other"))
    text = typed("plan").out
    assert "Plan: 1 to create, 1 unchanged. Since the last apply: 1 unknown (plan --base" in text
    git.client.pause_workflow(git.live("flow"))
    assert "Since the last apply: 2 unknown (plan --base" in typed("plan").out


@pytest.mark.parametrize(
    ("configuration", "counted"), [("manifests: [workflows]\n", False), (f"{_OWNED}remember: false\n", True)]
)
def test_nothing_is_known_without_our_tags(
    git: Git, repository: Path, typed: Callable[..., Ended], configuration: str, counted: bool
) -> None:
    """A workflow that nobody owns, or without digests, has no origins; --fail-on drift says so."""
    (repository / "reconciler.yaml").write_text(configuration)
    git.write(_body("x"))
    assert typed("apply", "--auto-approve").code == 0
    git.client.patch_workflow(git.live(), command="y", step_names=["a"])
    assert _origins(typed("plan", "--format", "json")) == {"command": "unknown"}
    assert ("Since the last apply: 1 unknown" in typed("plan").out) == counted
    ended = typed("plan", "--fail-on", "drift")
    assert (ended.code, "note: the last apply does not show where 1 difference comes from" in ended.err) == (
        0,
        True,
    )


@pytest.mark.parametrize("side", ["live", "git", "owned-by-nobody"])
def test_a_webhook_that_is_added_again(
    git: Git, repository: Path, typed: Callable[..., Ended], side: str
) -> None:
    """A webhook deleted live gets a new URL, with a warning; one that is new in Git has none."""
    if side == "owned-by-nobody":
        (repository / "reconciler.yaml").write_text("manifests: [workflows]\n")
    hooked = {**_body("x"), "triggers": [{"webhook": True}]}
    git.write(_body("x") if side == "git" else hooked)
    assert typed("apply", "--auto-approve").code == 0
    git.write(hooked)
    if side != "git":
        git.client.create_or_update_workflow({**_body("x"), "tags": git.stored().get("tags", [])})
    ended = typed("plan", "--fail-on", "webhook")
    warning = {
        "live": "warning: its webhook was deleted live: it gets a new URL; the former one no longer works\n",
        "git": "",
        "owned-by-nobody": "warning: its webhook gets a new URL; if it had one before, that no longer works",
    }[side]
    assert (ended.code, warning in ended.out) == (2 if warning else 0, True)
    assert "warning" in ended.out or not warning
    assert ("URL" in typed("apply", "--auto-approve").out) == bool(warning)


@pytest.mark.parametrize("platform", ["all", "tags-strings", "tags-lower", "tag-length-cut=28"])
def test_platforms(git: Git, repository: Path, typed: Callable[..., Ended], platform: str) -> None:
    """On a platform that rewrites fields or cuts tags, drift is drift or unknown, never Git's."""
    assert repository.is_dir()
    git.server.profile = parse_profiles([platform])
    git.write(_body("x"))
    typed("apply", "--auto-approve")
    _edit(git, _body("y"))
    (change,) = json.loads(typed("plan", "--format", "json").out)["changes"]
    found = {field.get("origin") for field in change["fields"] if field["path"][-1] == "command"}
    assert found == ({None} if platform == "tag-length-cut=28" else {"drift"})


def test_a_rename_and_a_rollback(git: Git, repository: Path, typed: Callable[..., Ended]) -> None:
    """A new name is Git's change; after a rollback, the newer manifest is."""
    assert repository.is_dir()
    git.write(_body("x"))
    assert typed("apply", "--auto-approve").code == 0
    git.write({**_body("x"), "name": "new"}, renamedFrom=["flow"])
    assert _origins(typed("plan", "--format", "json")) == {"name": "git"}
    git.write(_body("y"))
    assert typed("apply", "--auto-approve").code == 0
    assert typed("rollback", "--auto-approve").code == 0
    assert _origins(typed("plan", "--format", "json")) == {"command": "git"}


@pytest.mark.parametrize("base", [(), ("--base", "HEAD")])
def test_a_saved_plan_has_the_origins(
    git: Git, repository: Path, typed: Callable[..., Ended], base: tuple[str, ...]
) -> None:
    """A plan file with origins is applied like any other, also where the next plan sees none."""
    git.write(_body("x"))
    assert typed("apply", "--auto-approve").code == 0
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *words], cwd=repository, check=True)
    _edit(git, _body("y"))
    assert typed("plan", "--save-plan", "plan.json", *base).code == 0
    saved = json.loads((repository / "plan.json").read_text(encoding="utf-8"))
    assert saved["changes"][0]["fields"][0]["origin"] == "drift"
    applied = typed("apply", "--plan", "plan.json", "--auto-approve")
    assert (applied.code, "(drift)" in applied.out) == (0, True)
    assert git.stored()["steps"]["a"]["command"] == "x"
