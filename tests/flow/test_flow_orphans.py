"""Orphans without --prune: listed by plan, apply and status, and compared with what would be created."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import LIST, Ended, Git, body, kinds

from reconciler.client import Workflow
from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Callable

_OWNER = "team-a"
_OWNED = ("--ownership-tag", _OWNER)
_TAGS = [{"name": owner_tag(_OWNER)}]
_NIGHTLY = [{"cron": "0 6 * * *"}]


def _tenant(git: Git) -> None:
    """Make an owned workflow with a manifest, one without, and two that others or nobody owns."""
    git.write(body("kept"), "kept.yaml")
    for name, tags in (
        ("kept", _TAGS),
        ("gone", _TAGS),
        ("theirs", [{"name": owner_tag("team-b")}]),
        ("nobodys", []),
    ):
        git.server.store.create(body(name, tags=tags))


def _hide_tags_in_the_list(patch: pytest.MonkeyPatch) -> None:
    whole = Workflow.list_workflows

    def without_tags(self: Workflow, **options: Any) -> Any:
        page: Any = whole(self, **options)
        return {
            **page,
            "workflows": [{k: v for k, v in item.items() if k != "tags"} for item in page["workflows"]],
        }

    patch.setattr(Workflow, "list_workflows", without_tags)


def _creates(git: Git, name: str, **fields: Any) -> tuple[str, ...]:
    """Return the warnings of the create of `name`."""
    git.write(body(name, **fields), "new.yaml")
    (create,) = (action for action in git.plan().actions if action.name == name)
    assert kinds(git.plan())[name] == "create"
    return create.warnings


def test_every_output_lists_them(git: Git, typed: Callable[..., Ended]) -> None:
    """Text, JSON and Markdown of a plan, an apply and a status say *orphaned*, of what is owned only."""
    _tenant(git)
    identity = git.live("gone")
    line = f"orphaned: gone (id {identity}): owned by this repository, no manifest in Git any more"
    for words in (("plan",), ("apply", "--auto-approve")):
        ended = typed(*words, git.folder, *_OWNED)
        assert ended.code == 0
        assert line in ended.out
        assert "No changes. 1 workflow matches Git. 1 orphaned." in ended.out
        assert "theirs" not in ended.out + ended.err
    document = json.loads(typed("plan", git.folder, *_OWNED, "--format", "json").out)
    assert document["orphaned"] == [{"name": "gone", "id": identity}]
    assert document["summary"]["orphaned"] == 1
    assert document["changes"] == []
    markdown = typed("plan", git.folder, *_OWNED, "--format", "markdown").out
    assert "1 orphaned" in markdown
    assert f"`gone` (id {identity})" in markdown
    states = json.loads(typed("status", git.folder, *_OWNED, "--format", "json").out)["workflows"]
    assert {item["name"]: item["sync"] for item in states} == {"kept": "synced", "gone": "orphaned"}
    assert typed("plan", git.folder, *_OWNED, "--detailed-exitcode").code == 0
    assert git.writes() == []


def test_a_selection_and_a_prune_list_no_others(git: Git, typed: Callable[..., Ended]) -> None:
    """A target leaves other orphans out; with --prune they are deletes, and not listed twice."""
    _tenant(git)
    assert "orphaned" not in typed("plan", git.folder, *_OWNED, "--target", "kept").out
    git.owned_by(_OWNER, allow_deletes=1)
    plan = git.plan()
    assert kinds(plan) == {"gone": "delete", "kept": "unchanged"}
    assert plan.orphaned == ()


def test_a_part_of_the_manifests_makes_no_orphans(git: Git, typed: Callable[..., Ended]) -> None:
    """With a PATH below what the configuration names, other workflows have a manifest elsewhere."""
    _tenant(git)
    git.write(body("gone"), "gone.yaml")
    configuration = git.folder.parent / "reconciler.yaml"
    configuration.write_text(f"manifests: [workflows]\nownership: {{tag: {_OWNER}}}\n", encoding="utf-8")
    for command in ("plan", "status"):
        assert "gone" not in typed(command, git.folder / "kept.yaml", "--config", configuration).out


@pytest.mark.parametrize("profile", ["documented", "tags-hidden"])
def test_requests(git: Git, profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An orphan is known from the list; a workflow is read only where the list does not show its owner."""
    _tenant(git)
    git.owned_by(_OWNER, prune=False)
    git.server.clear_requests()
    if profile == "tags-hidden":
        _hide_tags_in_the_list(monkeypatch)
    assert [item.name for item in git.plan().orphaned] == ["gone"]
    read = {request.path for request in git.server.requests if request.path.startswith(LIST)} - {LIST}
    shown = ["kept"] if profile == "documented" else ["kept", "gone", "theirs", "nobodys"]
    assert read == {f"{LIST}{git.live(name)}" for name in shown}


def test_a_rename_is_hinted_at(git: Git) -> None:
    """A create that is nearly equal to an orphan says so without --prune, also outside of the selection."""
    git.owned_by(_OWNER, prune=False)
    git.server.store.create(body("nightly-report", tags=_TAGS, triggers=_NIGHTLY))
    (warning,) = _creates(git, "report-by-night", triggers=_NIGHTLY)
    assert 'reconcile: {renamedFrom: ["nightly-report"]}' in warning
    assert warning.endswith("otherwise both run on the same schedule")
    assert _creates(git, "other", steps={"a": {"imageId": 7, "imageVersionId": 8, "command": "y"}}) == ()


@pytest.mark.parametrize(
    ("name", "cron", "owner", "hinted"),
    [
        ("nightly-reprot", "0 6 * * *", None, True),
        ("Nightly_Report", "0 0 6 * * ? *", None, True),
        ("nightly-reprot", "0 7 * * *", None, False),
        ("weekly-forecast", "0 6 * * *", None, False),
        ("nightly-reprot", "0 6 * * *", "team-b", False),
    ],
)
def test_a_misspelt_name(git: Git, name: str, cron: str, owner: str | None, hinted: bool) -> None:
    """A similar name with the same schedule is no quiet twin of a workflow that nobody else owns."""
    tags = [] if owner is None else [{"name": owner_tag(owner)}]
    steps = {"other": {"imageId": 7, "imageVersionId": 8, "command": "y"}}
    git.server.store.create(body("nightly-report", steps=steps, tags=tags, triggers=_NIGHTLY))
    git.server.clear_requests()
    warnings = _creates(git, name, triggers=[{"cron": cron}])
    assert [f'"nightly-report" (id {git.live("nightly-report")})' in text for text in warnings] == (
        [True] if hinted else []
    )
    assert not any(request.path.startswith(f"{LIST}1") for request in git.server.requests)
