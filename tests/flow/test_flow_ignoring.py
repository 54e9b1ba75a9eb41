"""Ignored fields stay as they are live, also where that is not at all, and where the platform hides them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from flow_helpers import Git, body, step

_OWN = {"retryOptions": {"numberOfRetries": 1, "exitCodes": [1]}}

MANIFEST: dict[str, Any] = body(
    metadata={"allowConcurrentExecution": True},
    retryOptions={"duration": 20, "numberOfRetries": 2},
    steps={"one": step(stepTimeout=60, runConfiguration=_OWN), "two": step(outputParameters={"a": "a.txt"})},
)

IGNORED: dict[str, str] = {
    "metadata": "metadata",
    "metadata.allowConcurrentExecution": "metadata",
    "retryOptions": "retryOptions",
    "retryOptions.duration": "retryOptions.duration",
    "steps.one.runConfiguration": "steps.one.runConfiguration",
    "steps.one.runConfiguration.retryOptions": "steps.one.runConfiguration",
    "steps.one.runConfiguration.retryOptions.exitCodes": "steps.one.runConfiguration.retryOptions.exitCodes",
    "steps.one.stepTimeout": "steps.one.stepTimeout",
    "steps.two.outputParameters": "steps.two.outputParameters",
}
"""Ignored paths, each with what is removed by hand."""


def _without(path: str) -> dict[str, Any]:
    """Return `MANIFEST` without a field."""
    changed: Any = copy.deepcopy(MANIFEST)
    *above, last = path.split(".")
    holder = changed
    for part in above:
        holder = holder[part]
    del holder[last]
    return dict(changed)


def _stored(git: Git, path: str) -> Any:
    found: Any = git.stored()
    for part in path.split("."):
        found = (found or {}).get(part)
    return found


@pytest.mark.parametrize("others", [False, True], ids=["alone", "with-others"])
@pytest.mark.parametrize("ignored", IGNORED)
def test_ignored_field_removed_by_hand_stays_away(git: Git, ignored: str, *, others: bool) -> None:
    """An update of something else does not bring back what somebody removed from the live workflow."""
    if others:
        git.write({**MANIFEST, "name": "other"}, "other.yaml")
    git.write(MANIFEST, ignore=[ignored])
    git.done()
    removed = IGNORED[ignored]
    git.client.update_workflow(git.live(), {**_without(removed), "tags": git.stored().get("tags")})
    git.is_clean()
    changed = copy.deepcopy(MANIFEST)
    changed["steps"]["one"]["command"] = "echo new"
    git.write(changed, ignore=[ignored])
    git.done()
    assert _stored(git, removed) in (None, {})
    assert git.stored()["steps"]["one"]["command"] == "echo new"


@pytest.mark.parametrize(
    ("profile", "ignored", "kept"),
    [
        ("metadata-hidden", "metadata", "metadata"),
        ("metadata-hidden", "metadata.allowConcurrentExecution", "metadata"),
        ("retry-hidden", "retryOptions", "retryOptions"),
        ("retry-hidden", "retryOptions.duration", "retryOptions.duration"),
        ("step-retry-hidden", "steps.one.runConfiguration", "steps.one.runConfiguration"),
        ("step-retry-hidden", "steps.one.runConfiguration.retryOptions", "steps.one.runConfiguration"),
    ],
)
def test_ignored_field_that_is_hidden_is_sent_again(git: Git, profile: str, ignored: str, kept: str) -> None:
    """What was sent and is not returned is known to be there: an update of something else keeps it."""
    git.server.profile = frozenset({profile})
    git.write(MANIFEST, ignore=[ignored])
    git.done()
    before = _stored(git, kept)
    assert before
    changed = copy.deepcopy(MANIFEST)
    changed["steps"]["one"]["command"] = "echo new"
    git.write(changed, ignore=[ignored])
    git.done()
    assert _stored(git, kept) == before
