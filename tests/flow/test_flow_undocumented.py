"""Fields of the API that nobody has documented: an update keeps them, or says what became of them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Git, body, statuses, step

from reconciler.plan import Method

if TYPE_CHECKING:
    from reconciler.apply import Report

LIVE: dict[str, Any] = body(
    priority="high",
    triggers=[{"cron": "0 6 * * *"}],
    steps={"one": step(stepTimeout=50, shellPath="/bin/sh"), "two": step(shellPath="/bin/ash")},
)
NAMED = "priority, steps.one.shellPath, steps.two.shellPath"

PATCH = {"patch": {"name": "flow", "stepNames": ["one"], "set": {"command": "echo new"}}}
ADDING = body(
    triggers=[{"cron": "0 6 * * *"}],
    steps={"one": step("echo new", stepTimeout=50), "two": step()},
)
REMOVING = body(triggers=[{"cron": "0 6 * * *"}], steps={"one": step("echo new"), "two": step()})

MANIFESTS = {"patch-manifest": PATCH, "patch": ADDING, "replacement": REMOVING}


@pytest.fixture(params=sorted(MANIFESTS))
def manifest(request: pytest.FixtureRequest, git: Git) -> dict[str, Any]:
    """Return a manifest that changes a command of the live workflow `LIVE`, by either method."""
    git.server.store.create(copy.deepcopy(LIVE))
    git.write(MANIFESTS[request.param])
    return MANIFESTS[request.param]


def _notes(report: Report) -> str:
    return " ".join(note for result in report.results for note in result.notes)


def _undocumented(git: Git) -> list[Any]:
    stored = git.stored()
    return [
        stored.get("priority"),
        *(each.get("shellPath") for each in stored["steps"].values()),
    ]


def test_undocumented_fields_survive_an_update(git: Git, manifest: dict[str, Any]) -> None:
    """They are sent back by each method, as the plan says, and are never a difference."""
    action = git.action()
    assert action.method is (Method.CREATE_OR_UPDATE if manifest is REMOVING else Method.PATCH)
    assert f"{NAMED} is not documented: it is sent back as it is" in " ".join(action.notes)
    assert action.warnings == ()
    assert _notes(git.done()) == ""
    assert _undocumented(git) == ["high", "/bin/sh", "/bin/ash"]
    assert git.stored()["steps"]["one"]["command"] == "echo new"
    assert len(git.writes()) == 1


@pytest.mark.parametrize("status", ["400", "422"])
def test_refused_undocumented_fields_are_left_out_once(
    git: Git, manifest: dict[str, Any], status: str
) -> None:
    """An API that refuses what it returns gets the update once more without, and the report names it."""
    git.server.profile = frozenset({f"unknown-keys-refused={status}", f"unknown-step-keys-refused={status}"})
    report = git.done()
    assert f"the API refused {NAMED}, which is not documented" in _notes(report)
    assert len(git.writes()) == 2
    assert git.stored()["steps"]["one"]["command"] == "echo new", manifest
    git.is_clean()


def test_undocumented_fields_that_the_platform_drops_are_named(git: Git, manifest: dict[str, Any]) -> None:
    """What was sent back and is gone afterwards is in the report."""
    git.server.profile = frozenset({"unknown-keys-dropped", "unknown-step-keys-dropped"})
    report = git.done()
    assert f"the platform did not keep {NAMED}, which is not documented" in _notes(report)
    assert len(git.writes()) == 1, manifest


def test_another_refusal_fails_as_before(git: Git, manifest: dict[str, Any]) -> None:
    """What is refused for another reason is tried once without the undocumented fields, and fails."""
    git.server.profile = frozenset({"tag-count-refused=1"})
    tags = {"tags": [{"name": "a"}, {"name": "b"}]}
    patch = manifest.get("patch")
    git.write({"patch": {**patch, "body": tags}} if patch else {**manifest, **tags})
    report = git.apply()
    assert statuses(report) == {"flow": "failed"}
    assert len(git.writes()) == 2
    assert _undocumented(git) == ["high", "/bin/sh", "/bin/ash"]


def test_step_that_changes_its_type_loses_its_undocumented_fields(git: Git) -> None:
    """A step of another type is another step: the plan warns of what goes with the old one."""
    git.server.store.create(body(steps={"one": step(shellPath="/bin/sh")}))
    git.write(body(steps={"one": {"type": "http", "method": "get", "url": "https://example.com"}}))
    assert "this drops fields that are not documented: steps.one.shellPath" in git.action().warnings
    git.done()
    assert "shellPath" not in git.stored()["steps"]["one"]
