from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from client_helpers import BODY, TOKEN, RawServer, client, http

import reconciler.client
from reconciler.client import Session, Workflow, get_client
from reconciler.client.exceptions import (
    AmbiguousNameError,
    ConflictException,
    MissingEnvironmentVariableException,
    NotFoundException,
)
from reconciler.client.session import default_session
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidParameterException

_DOCUMENTED = {
    "create_or_update_workflow": ["body"],
    "create_workflow": ["body"],
    "delete_workflow": ["workflow_id"],
    "describe_workflow": ["workflow_id"],
    "execute_workflow": ["workflow_id", "body=None"],
    "get_default_resource": [],
    "get_execution_details": ["workflow_id", "execution_id"],
    "get_execution_logs": [
        "workflow_id",
        "execution_id",
        "step_name",
        "next_token=None",
        "save=False",
        "file_name=None",
    ],
    "list_executions": [
        "workflow_id",
        "date_from=None",
        "date_to=None",
        "page_size=None",
        "page_number=None",
        "return_iterator=True",
    ],
    "list_resources": [],
    "list_workflows": [
        "workflow_status=None",
        "last_execution_status=None",
        "last_modified_by=None",
        "page_size=None",
        "page_number=None",
        "name=None",
        "return_iterator=True",
    ],
    "patch_workflow": [
        "workflow_id",
        "body=None",
        "name=None",
        "repository=None",
        "branch=None",
        "token=None",
        "command=None",
        "image_id=None",
        "image_version_id=None",
        "instance_type_id=None",
        "storage=None",
        "step_timeout=None",
        "clear_image_cache=None",
        "step_names=None",
    ],
    "update_workflow": ["workflow_id", "body"],
}


def _query(server: EmulatorServer) -> list[tuple[str, str]]:
    return list(server.requests[-1].query)


def _make(api: Workflow, name: str, **changes: Any) -> int:
    answer = api.create_workflow({**BODY, "name": name, **changes})
    assert isinstance(answer["id"], int)
    return answer["id"]


@pytest.mark.parametrize("name", sorted(_DOCUMENTED))
def test_documented_signature(name: str) -> None:
    """Every documented method has the documented parameters, in their order, with their defaults."""
    parameters = list(inspect.signature(getattr(Workflow, name)).parameters.values())[1:]
    shown = [p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters]
    assert shown[: len(_DOCUMENTED[name])] == _DOCUMENTED[name]
    beyond = parameters[len(_DOCUMENTED[name]) :]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is None for p in beyond)


def test_exports() -> None:
    """The package exports the client, its constructor and the session, and says what it is."""
    assert {"Session", "Workflow", "get_client"} <= {*reconciler.client.__all__}
    assert all(hasattr(reconciler.client, name) for name in reconciler.client.__all__)
    assert "knows nothing of manifests" in (reconciler.client.__doc__ or "").replace("\n", " ")


def test_get_client_takes_a_session_and_nothing_else() -> None:
    """`get_client` uses the session it is given, and refuses what is none."""
    with Session(TOKEN, env={}) as session:
        assert get_client(session).session is session
    with pytest.raises(TypeError, match="expected a Session, got str"):
        get_client("token")  # type: ignore[arg-type]


def test_get_client_makes_one_default_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a session the environment's is used, one for all clients; without a token that is an error."""
    with pytest.raises(MissingEnvironmentVariableException, match="PEAK_AUTH_TOKEN"):
        get_client()
    monkeypatch.setenv("API_KEY", TOKEN)
    assert get_client().session is get_client().session is default_session()
    default_session().close()


def test_create_describe_delete(server: EmulatorServer, api: Workflow) -> None:
    """A created workflow can be described under the ID that was answered, and is gone once deleted."""
    created = api.create_workflow(BODY)
    identity = created["id"]
    assert isinstance(identity, int)
    assert server.requests[0].body == BODY, "a create sends the body as it is"
    described = api.describe_workflow(identity)
    assert (described["id"], described["name"]) == (identity, "alpha")
    assert api.delete_workflow(identity) == {}
    with pytest.raises(NotFoundException):
        api.describe_workflow(identity)


def test_update_keeps_webhook_urls(server: EmulatorServer, api: Workflow) -> None:
    """An update preserves the URL of a webhook that states no policy, and rotates it only when asked to."""
    identity = _make(api, "alpha")

    def webhook() -> object:
        triggers: Any = api.describe_workflow(identity)["triggers"]
        return next(trigger["webhook"] for trigger in triggers if trigger.get("webhook"))

    before = webhook()
    given = {**BODY, "triggers": [{"webhook": True}]}
    assert api.update_workflow(identity, given)["id"] == identity
    assert server.requests[-1].body == {**BODY, "triggers": [{"webhook": True, "webhookPolicy": "preserve"}]}
    assert given["triggers"] == [{"webhook": True}], "the caller's body is left alone"
    assert webhook() == before
    api.update_workflow(identity, {**BODY, "triggers": [{"webhook": True, "webhookPolicy": "generate"}]})
    assert webhook() != before


def test_create_or_update_by_exact_name(server: EmulatorServer, api: Workflow) -> None:
    """The exact name decides: a name that merely contains it is another workflow."""
    other = _make(api, "alpha-2")
    first = api.create_or_update_workflow(BODY)["id"]
    assert first != other
    assert api.create_or_update_workflow({**BODY, "tags": []})["id"] == first
    assert server.requests[-1].method == "PUT"
    sent: Any = server.requests[-1].body
    assert sent["triggers"][1] == {"webhook": True, "webhookPolicy": "preserve"}


def test_create_or_update_sends_a_create_as_it_is(server: EmulatorServer, api: Workflow) -> None:
    """A workflow that is created gets no policy added: there is no URL yet that could be kept."""
    api.create_or_update_workflow(BODY)
    assert (server.requests[-1].method, server.requests[-1].body) == ("POST", BODY)


def test_create_or_update_looks_at_all_pages(server: EmulatorServer, api: Workflow) -> None:
    """A name that is only found on the second page is updated, not created again."""
    wanted = _make(api, "x")
    for number in range(110):
        _make(api, f"x{number:03}")
    pages_before = len(server.requests)
    assert api.create_or_update_workflow({**BODY, "name": "x"})["id"] == wanted
    listed = [dict(request.query) for request in server.requests[pages_before:] if request.method == "GET"]
    assert [page["pageNumber"] for page in listed] == ["1", "2"]


def test_create_or_update_refuses_an_ambiguous_name(server: EmulatorServer, api: Workflow) -> None:
    """Two live workflows of the name are an error that has their IDs, and nothing is written."""
    ids = sorted([_make(api, "twin"), _make(api, "twin")])
    with pytest.raises(AmbiguousNameError, match=f"`twin`: IDs .*{ids[0]}.*") as caught:
        api.create_or_update_workflow({**BODY, "name": "twin"})
    assert str(ids[1]) in caught.value.message
    assert server.requests[-1].method == "GET"


def test_create_or_update_leaves_a_missing_name_to_the_server(server: EmulatorServer, api: Workflow) -> None:
    """A body without a name is posted and refused there; a name that is no text is refused here."""
    with pytest.raises(Exception, match="400"):
        api.create_or_update_workflow({"steps": {}})
    assert [request.method for request in server.requests] == ["POST"]
    with pytest.raises(InvalidParameterException, match="must be text"):
        api.create_or_update_workflow({"name": 5})


def test_list_workflows_walks_all_pages(server: EmulatorServer, api: Workflow) -> None:
    """The iterator asks for one page after the other, and only when it gets there."""
    names = {f"w{number}" for number in range(7)}
    for name in names:
        _make(api, name)
    server.clear_requests()
    listed = api.list_workflows(page_size=3)
    assert server.requests == []
    assert {workflow["name"] for workflow in listed} == names
    assert [dict(request.query)["pageNumber"] for request in server.requests] == ["1", "2", "3"]


def test_list_workflows_one_page(server: EmulatorServer, api: Workflow) -> None:
    """Without the iterator the requested page is returned as the server sent it."""
    for number in range(5):
        _make(api, f"w{number}")
    page = api.list_workflows(page_size=2, page_number=2, return_iterator=False)
    assert (page["pageNumber"], page["pageCount"], page["workflowsCount"]) == (2, 3, 5)
    assert _query(server) == [("pageSize", "2"), ("pageNumber", "2")]
    assert len(list(api.list_workflows(page_size=2, page_number=2))) == 5, "the iterator ignores page_number"


def test_list_workflows_filters(server: EmulatorServer, api: Workflow) -> None:
    """Each filter becomes its query parameter, a list repeated, and what is not given is not sent."""
    api.list_workflows(
        ["Draft", "Paused"], ["Success"], ["me", "you"], 10, 1, "some name", return_iterator=False
    )
    assert sorted(_query(server)) == [
        ("lastExecutionStatus", "Success"),
        ("lastModifiedBy", "me"),
        ("lastModifiedBy", "you"),
        ("pageNumber", "1"),
        ("pageSize", "10"),
        ("searchTerm", "some name"),
        ("workflowStatus", "Draft"),
        ("workflowStatus", "Paused"),
    ]
    api.list_workflows(return_iterator=False)
    assert _query(server) == []


def test_pause_and_resume(server: EmulatorServer, api: Workflow) -> None:
    """A paused workflow is `Paused` until it is resumed; both answer an empty object."""
    identity = _make(api, "alpha")
    assert api.pause_workflow(identity) == {}
    assert api.describe_workflow(identity)["status"] == "Paused"
    assert api.resume_workflow(identity) == {}
    assert api.describe_workflow(identity)["status"] == "Available"
    assert [r.body for r in server.requests if r.path.endswith(("/pause", "/resume"))] == [{}, {}]


def test_execute_with_and_without_body(server: EmulatorServer, api: Workflow) -> None:
    """A run is started with the given parameters, or with none."""
    identity = _make(api, "alpha")
    body: Any = {"params": {"global": {"k": "v"}}, "stepsToRun": [{"stepName": "load", "runDAG": True}]}
    assert isinstance(api.execute_workflow(identity, body)["executionId"], str)
    assert server.requests[-1].body == body
    api.execute_workflow(identity)
    assert server.requests[-1].body == {}


def test_executions(server: EmulatorServer, api: Workflow) -> None:
    """Executions are listed over all pages or by page, with every filter, and described in detail."""
    identity = _make(api, "alpha")
    started = {api.execute_workflow(identity)["executionId"] for _ in range(3)}
    assert {run["executionId"] for run in api.list_executions(identity, page_size=2)} == started
    page = api.list_executions(
        identity,
        "2020-01-01T00:00:00.000Z",
        "2999-01-01T00:00:00.000Z",
        2,
        1,
        return_iterator=False,
        status=["Success", "Failed"],
        count=2,
    )
    assert (page["workflowId"], page["pageNumber"]) == (identity, 1)
    assert sorted(_query(server)) == [
        ("count", "2"),
        ("dateFrom", "2020-01-01T00:00:00.000Z"),
        ("dateTo", "2999-01-01T00:00:00.000Z"),
        ("pageNumber", "1"),
        ("pageSize", "2"),
        ("statuses", "Failed"),
        ("statuses", "Success"),
    ]
    execution_id = min(map(str, started))
    details: Any = api.get_execution_details(identity, execution_id)
    assert (details["runId"], {step["name"] for step in details["steps"]}) == (
        execution_id,
        {"load", "train"},
    )


def test_resources(api: Workflow) -> None:
    """The instance types come as a list, the default resources as an object."""
    assert all("id" in resource for resource in api.list_resources())
    assert set(api.get_default_resource()) == {"instanceTypeId", "storage"}


def test_conflict_while_running() -> None:
    """A workflow that runs cannot be deleted: the server's 409 comes as `ConflictException`."""
    with EmulatorServer(step_seconds=3600.0) as server, client(server.url).session as session:
        api = get_client(session)
        identity = _make(api, "alpha")
        api.execute_workflow(identity)
        with pytest.raises(ConflictException):
            api.delete_workflow(identity)


@pytest.mark.parametrize(
    "call",
    [
        lambda api, bad: api.describe_workflow(bad),
        lambda api, bad: api.delete_workflow(bad),
        lambda api, bad: api.list_executions(bad, return_iterator=False),
        lambda api, bad: api.get_execution_details(1, bad),
    ],
)
@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_cannot_lead_elsewhere(
    server: EmulatorServer, api: Workflow, call: Callable[[Workflow, str], object], bad: str
) -> None:
    """An ID that is empty or dots is refused before anything is sent: it would be another endpoint."""
    with pytest.raises(InvalidParameterException, match="invalid ID"):
        call(api, bad)
    assert server.requests == []


def test_an_id_is_one_part_of_the_path() -> None:
    """Whatever an ID holds is percent-encoded and stays one part of the path."""
    with RawServer(http(200, {"steps": []})) as raw, client(raw.url).session as session:
        get_client(session).get_execution_details(1, "a/../b?c#d")
    assert raw.requests[0].target == "/workflows/api/v1/workflows/1/executions/a%2F..%2Fb%3Fc%23d"


@pytest.mark.parametrize(
    "value", [{"name": float("nan")}, {"name": object()}, {"name": {1, 2}}], ids=["nan", "object", "set"]
)
def test_a_body_that_is_not_json(server: EmulatorServer, api: Workflow, value: Any) -> None:
    """A body that JSON cannot say is refused before anything is sent."""
    with pytest.raises(InvalidParameterException, match="the body is not JSON"):
        api.create_workflow(value)
    assert server.requests == []
