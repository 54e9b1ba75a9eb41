"""Canaries: a secret in every place, on both sides of every action, is in no output and no file."""

from __future__ import annotations

import copy
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from leak_helpers import CANARIES, GITHUB_TOKEN, Stage, secretive

from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACES = (
    "load.repository.token", "query.repository.token",
    "tell.auth.clientSecret", "basic.auth.password", "key.auth.apiKey", "bearer.auth.bearerToken",
    "load.parameters.env.API_TOKEN", "query.parameters.env.DB_PASSWORD",
    "tell.headers.absolute.Authorization", "tell.headers.absolute.X-Api-Key",
    "load.parameters.env.LOOKS", "load.command", "tell.payload",
)  # fmt: skip
"""Where the canaries are, below `steps`: by field, by name and by looks."""

_Body = dict[str, Any]


def _side(prefix: str) -> _Body:
    """Return a workflow with a canary in every place, of the live side or of Git's."""
    whole = secretive(prefix, tags=[{"name": owner_tag("team-a")}] if prefix else [])
    steps, secret = whole["steps"], CANARIES[f"{prefix}password"]
    steps["load"]["parameters"]["env"] |= {"API_TOKEN": secret, "LOOKS": GITHUB_TOKEN}
    steps["query"]["parameters"]["env"]["DB_PASSWORD"] = secret
    steps["tell"]["headers"]["absolute"] |= {"Authorization": f"Bearer {secret}", "X-Api-Key": secret}
    steps["load"]["command"] = f"{prefix} run {GITHUB_TOKEN}"
    steps["tell"]["payload"] = json.dumps({"key": GITHUB_TOKEN, "side": prefix})
    return whole


def _without_fields(whole: _Body) -> _Body:
    for name, step in whole["steps"].items():
        for key in ("auth", "headers", "parameters"):
            step.pop(key, None)
        step.get("repository", {}).pop("token", None)
        if name == "load":
            step["command"] = "x"
    return whole


def _without_steps(whole: _Body) -> _Body:
    return {**whole, "steps": {"one": {"imageId": 1, "imageVersionId": 2, "command": "x"}}}


_ACTIONS: dict[str, Callable[[_Body], _Body | None]] = {
    "change": lambda whole: whole,
    "removed fields": _without_fields,
    "removed steps": _without_steps,
    "delete": lambda _: None,
}
_CREATES = ("create", "rename")
_OUTPUTS = (
    ("plan",), ("plan", "--show-bodies"), ("plan", "--format", "json"),
    ("plan", "--format", "markdown", "--show-bodies"), ("plan", "--save-plan", "plan.json"),
    ("status", "--format", "json"),
    ("apply", "--auto-approve", "--show-bodies", "--run-record", "record.json", "--format", "json",
     "--output", "html=apply.html"),
    ("show", "plan.json", "--show-bodies", "--output", "html=show.html", "--output", "json=show.json"),
    ("show", "record.json", "--show-bodies", "--output", "html=run.html", "--output", "markdown=run.md"),
    ("show", ".reconciler/backups", "--show-bodies", "--output", "html=backups.html"),
    ("rollback", "--list", "--format", "json"),
    ("rollback", "secretive", "--auto-approve", "--show-bodies"),
)  # fmt: skip


@pytest.mark.parametrize("action", [*_ACTIONS, *_CREATES])
def test_no_canary_comes_out(stage: Stage, action: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Every action, with a canary in every place of both sides, through every output and file."""
    stage.put("reconciler.yaml", "manifests: [workflows]\nownership: {tag: team-a}\n")
    kept = {"name": "kept", "steps": {"one": {"imageId": 1, "imageVersionId": 2}}}
    stage.put("workflows/kept.yaml", json.dumps({"body": kept}))
    if action != "create":
        stage.server.store.create(_side("old-"))
    manifest: _Body = {"body": _ACTIONS.get(action, lambda whole: whole)(copy.deepcopy(_side("")))}
    if action == "rename":
        manifest = {"body": {**_side(""), "name": "renamed"}, "reconcile": {"renamedFrom": ["secretive"]}}
    if manifest["body"] is not None:
        stage.put("workflows/secretive.yaml", json.dumps(manifest))
    prune = ("--prune", "--allow-deletes", "1") if action == "delete" else ()
    for words in _OUTPUTS:
        options = prune if words[0] in {"plan", "apply"} else ()
        allowed = {0, 3} if words[0] == "show" else {0, 4, 64}
        assert stage.run(*words, *options) in allowed, words
    sent = [request.method for request in stage.server.requests if request.method != "GET"]
    expected = {"create": "POST", "delete": "DELETE"}.get(action, "PUT")
    assert expected in sent, "the action took place"
    assert action == "create" or any("backups" in name for name in stage.written())
    sides = 1 if action in {"create", "delete"} else 2
    files = len(stage.written())
    with capfd.disabled():
        sys.stdout.write(f"{len(_PLACES)} places, {sides} sides, {len(_OUTPUTS)} outputs, {files} files\n")
