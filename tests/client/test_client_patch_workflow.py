from __future__ import annotations

from typing import Any

import pytest
from client_helpers import BODY

from reconciler.client import Workflow
from reconciler.client.exceptions import NotFoundException
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidParameterException

_PROFILES: list[frozenset[str]] = [
    frozenset(),
    frozenset({"env-map"}),
    frozenset({"nulls"}),
    frozenset({"empties"}),
    frozenset({"token-masked"}),
    frozenset({"token-omitted"}),
    frozenset({"token-null"}),
    frozenset({"token-empty"}),
    frozenset({"unknown-fields", "nulls", "env-map", "token-masked"}),
]


@pytest.fixture
def identity(api: Workflow, server: EmulatorServer) -> int:
    """Return the ID of a workflow with everything in it."""
    retry: Any = {"duration": 7, "numberOfRetries": 2}
    created = api.create_workflow(
        {**BODY, "retryOptions": retry, "metadata": {"allowConcurrentExecution": True}}
    )
    server.clear_requests()
    assert isinstance(created["id"], int)
    return created["id"]


def _sent(server: EmulatorServer) -> Any:
    assert [request.method for request in server.requests] == ["GET", "PUT"]
    return server.requests[-1].body


@pytest.mark.parametrize("profile", _PROFILES, ids=lambda profile: "+".join(sorted(profile)) or "plain")
def test_patch_keeps_the_rest(
    server: EmulatorServer, api: Workflow, identity: int, profile: frozenset[str]
) -> None:
    """However the server returns a workflow, a patch of its name sends everything else back as it was."""
    server.profile = profile
    # A mask is never sent back: the patch must state what is behind it.
    stated: Any = {"token": "vault-name", "step_names": ["load"]} if "token-masked" in profile else {}
    assert api.patch_workflow(identity, name="beta", **stated)["id"] == identity
    sent = _sent(server)
    assert sent["name"] == "beta"
    future = {"futureMode": "trigger-v2"} if "unknown-fields" in profile else {}
    assert sent["triggers"] == [
        {"cron": "0 1 * * *", **future},
        {"webhook": True, "webhookPolicy": "preserve", **future},
    ]
    assert sent["tags"] == BODY["tags"]
    assert sent["retryOptions"]["duration"] == 7
    assert sent["metadata"]["allowConcurrentExecution"] is True
    load = sent["steps"]["load"]
    assert load["parameters"]["env"] == {"A": "1", "B": "2"}
    assert ("token" in load["repository"]) != bool(profile & {"token-omitted", "token-null", "token-empty"})
    assert "imageName" not in load
    assert "imageVersion" not in load
    assert "None" not in repr(sent)
    assert ("futureMode" in load) == ("futureMode" in sent) == ("unknown-fields" in profile)


@pytest.mark.parametrize(
    ("keyword", "value", "path"),
    [
        ("repository", "https://example.com/other.git", ("repository", "url")),
        ("branch", "dev", ("repository", "branch")),
        ("token", "other", ("repository", "token")),
        ("command", "echo", ("command",)),
        ("image_id", 3, ("imageId",)),
        ("image_version_id", 4, ("imageVersionId",)),
        ("instance_type_id", 22, ("resources", "instanceTypeId")),
        ("storage", "20GB", ("resources", "storage")),
        ("step_timeout", 0, ("stepTimeout",)),
        ("clear_image_cache", False, ("clearImageCache",)),
    ],
)
def test_patch_by_keyword(  # noqa: PLR0913, PLR0917 - three of them are parameters
    server: EmulatorServer, api: Workflow, identity: int, keyword: str, value: Any, path: tuple[str, ...]
) -> None:
    """A keyword changes every step, or those that are named, also when it is `False` or `0`."""
    options: dict[str, Any] = {keyword: value}
    api.patch_workflow(identity, **options)
    for step in _sent(server)["steps"].values():
        for part in path:
            step = step[part]  # noqa: PLW2901 - walks down
        assert step == value
    server.clear_requests()
    api.update_workflow(identity, {**BODY})
    server.clear_requests()
    api.patch_workflow(identity, **options, step_names=["train"])
    assert _sent(server)["steps"]["load"]["command"] == "echo load"


def test_patch_by_body(server: EmulatorServer, api: Workflow, identity: int) -> None:
    """A body changes what it states, adds steps, and gives way to keywords."""
    body: Any = {
        "tags": [{"name": "blue"}],
        "steps": {"load": {"parameters": {"env": {"A": "9"}}, "command": "body"}, "new": {"command": "n"}},
    }
    api.patch_workflow(identity, body, command="keyword", step_names=["load"])
    sent = _sent(server)
    assert sent["tags"] == [{"name": "blue"}]
    assert sent["steps"]["load"]["parameters"] == {"env": {"A": "9", "B": "2"}, "secrets": ["s"]}
    assert [sent["steps"][name]["command"] for name in ("load", "train", "new")] == [
        "keyword",
        "echo train",
        "n",
    ]


def test_patch_of_nothing_sends_nothing(server: EmulatorServer, api: Workflow) -> None:
    """With neither a body nor a keyword not even the workflow is asked for."""
    nothings: list[dict[str, Any]] = [{}, {"body": {}}, {"step_names": ["load"]}]
    for arguments in nothings:
        with pytest.raises(InvalidParameterException, match="nothing to change"):
            api.patch_workflow(1, **arguments)
    assert server.requests == []


def test_patch_of_unknown_steps_writes_nothing(server: EmulatorServer, api: Workflow, identity: int) -> None:
    """An unknown step name is refused after the describe, and the steps that there are named."""
    with pytest.raises(InvalidParameterException, match="`nope`; its steps: `load`, `train`"):
        api.patch_workflow(identity, image_id=3, step_names=["nope"])
    assert [request.method for request in server.requests] == ["GET"]


def test_patch_of_no_workflow(api: Workflow) -> None:
    """A workflow that does not exist is not found."""
    with pytest.raises(NotFoundException):
        api.patch_workflow(99, name="x")
