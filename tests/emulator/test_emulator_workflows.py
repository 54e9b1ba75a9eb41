"""Workflows: create, replace, describe, list, delete, pause, resume, and refused bodies."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from emulator_helpers import body, step

if TYPE_CHECKING:
    from emulator_helpers import Api, Clock

    from reconciler.emulator.server import EmulatorServer


def test_created_workflow_is_described_as_sent(api: Api) -> None:
    """The sent body comes back, with what the platform adds: image names, status, times, empty lists."""
    number = api.create(
        body(
            metadata={"allowConcurrentExecution": True},
            retryOptions={"duration": 7},
            steps={
                "one": step(
                    parameters={"env": {"KEY": "value", "OTHER": "x"}},
                    repository={"url": "https://example.com/code", "token": "name-of-token"},
                )
            },
        )
    )
    shown = api.get(str(number))
    assert shown == {
        "id": number,
        "name": "flow",
        "createdAt": "2020-09-13T12:26:40.000Z",
        "updatedAt": "2020-09-13T12:26:40.000Z",
        "status": "Available",
        "steps": {
            "one": {
                **step(),
                "imageName": "workflow-python",
                "imageVersion": "1.0.100",
                "parameters": {"env": [{"KEY": "value"}, {"OTHER": "x"}]},
                "repository": {"url": "https://example.com/code", "token": "name-of-token"},
            }
        },
        "triggers": [],
        "watchers": [],
        "tags": [],
        "metadata": {"allowConcurrentExecution": True},
        "retryOptions": {"duration": 7},
    }


def test_stored_body_is_exactly_what_was_sent(api: Api, server: EmulatorServer) -> None:
    """The store has the unchanged body, with nulls, unknown keys and the webhook's policy."""
    sent = body(tags=None, extra={"a": [1, None]}, triggers=[{"webhook": True, "webhookPolicy": "generate"}])
    number = api.create(sent)
    assert server.store.workflows() == {number: sent}


def test_described_workflow_can_be_sent_back(api: Api) -> None:
    """The answer of a describe is accepted as a replacement and reads back equal, except the webhook."""
    number = api.create(
        body(
            triggers=[{"cron": "0 0 * * *"}, {"webhook": True}],
            tags=[{"name": "a"}],
            steps={"one": step(parameters={"env": {"K": "v"}})},
        )
    )
    before = api.get(str(number))
    api.put(number, before)
    after = api.get(str(number))
    assert after["triggers"][0] == before["triggers"][0]
    assert {**after, "triggers": []} == {**before, "triggers": []}


def test_replacement_is_full_but_keeps_the_name(api: Api, clock: Clock) -> None:
    """A PUT without tags removes them; without a name it keeps the old one, and changes only `updatedAt`."""
    number = api.create(body("keep-me", tags=[{"name": "a"}]))
    clock.advance(60)
    assert api.put(number, {"steps": {"two": step()}}) == {"id": number, "triggers": []}
    shown = api.get(str(number))
    assert (shown["name"], shown["tags"], list(shown["steps"])) == ("keep-me", [], ["two"])
    assert (shown["createdAt"], shown["updatedAt"]) == (
        "2020-09-13T12:26:40.000Z",
        "2020-09-13T12:27:40.000Z",
    )
    api.put(number, body("renamed"))
    assert api.get(str(number))["name"] == "renamed"


@pytest.mark.parametrize(
    ("policy", "kept"),
    [({"webhookPolicy": "preserve"}, True), ({"webhookPolicy": "generate"}, False), ({}, False)],
)
def test_webhook_is_kept_only_with_preserve(api: Api, policy: dict[str, str], kept: bool) -> None:
    """A replacement creates a new webhook UUID unless the policy is `preserve`."""
    created = api.send("POST", "", json=body(triggers=[{"webhook": True}])).json()
    old = created["triggers"][0]["webhook"]
    assert str(uuid.UUID(old)) == old
    answered = api.put(created["id"], body(triggers=[{"webhook": True, **policy}]))
    assert (answered["triggers"][0]["webhook"] == old) is kept
    assert api.get(str(created["id"]))["triggers"] == answered["triggers"]


def test_preserve_creates_a_missing_webhook(api: Api) -> None:
    """`preserve` on a workflow without a webhook creates one."""
    number = api.create(body(triggers=[{"cron": "* * * * *"}]))
    answered = api.put(number, body(triggers=[{"webhook": True, "webhookPolicy": "preserve"}]))
    assert len(str(uuid.UUID(answered["triggers"][0]["webhook"]))) == 36


def test_empty_triggers_are_not_returned(api: Api) -> None:
    """Triggers come back in order, cron ones with their next execution; empty and false ones do not."""
    number = api.create(body(triggers=[{}, {"cron": "0 0 * * *"}, {"webhook": False}, {"webhook": True}]))
    cron, webhook = api.get(str(number))["triggers"]
    assert cron == {"cron": "0 0 * * *", "scheduled": "2020-09-14T00:00:00.000Z"}
    assert list(webhook) == ["webhook"]


def test_listed_workflow_has_the_documented_fields(api: Api) -> None:
    """The list shows the short form, with the last execution if there is one."""
    number = api.create(body(tags=[{"name": "a"}]))
    (shown,) = api.get()["workflows"]
    assert set(shown) == {"id", "name", "createdAt", "updatedAt", "status", "triggers", "tags"}
    execution = api.execute(number)
    (shown,) = api.get()["workflows"]
    assert shown["lastExecution"]["executionId"] == execution
    assert shown["lastExecution"]["status"] == "Running"
    assert shown["status"] == "Running"


def test_list_is_paged_from_one(api: Api, server: EmulatorServer) -> None:
    """Pages have every workflow once, their position, 25 items by default, and none past the end."""
    for number in range(30):
        server.store.create(body(f"flow-{number}"))
    first = api.get()
    assert {key: first[key] for key in first if key != "workflows"} == {
        "pageCount": 2,
        "pageNumber": 1,
        "pageSize": 25,
        "workflowsCount": 30,
    }
    names = [
        flow["name"] for page in (1, 2, 3, 4) for flow in api.get(pageSize=10, pageNumber=page)["workflows"]
    ]
    assert names == [f"flow-{number}" for number in range(30)]


def test_empty_list_has_one_page(api: Api) -> None:
    """A tenant without workflows answers one empty page."""
    assert api.get() == {
        "pageCount": 1,
        "pageNumber": 1,
        "pageSize": 25,
        "workflowsCount": 0,
        "workflows": [],
    }


@pytest.mark.parametrize(
    "query", [{"pageSize": "0"}, {"pageNumber": "x"}, {"pageSize": "-1"}, {"pageSize": "9" * 99}]
)
def test_invalid_page_is_refused(api: Api, query: dict[str, str]) -> None:
    """A page's number and size must be whole numbers from 1."""
    answer = api.send("GET", "", params=query)
    assert (answer.status_code, "whole number" in answer.json()["detail"]) == (400, True)


def test_search_finds_every_name_that_contains_the_term(api: Api, server: EmulatorServer) -> None:
    """`searchTerm` matches any part of the name, in any case."""
    for name in ("Sales", "presales-daily", "stock"):
        server.store.create(body(name))
    assert [flow["name"] for flow in api.get(searchTerm="sales")["workflows"]] == ["Sales", "presales-daily"]
    assert api.get(searchTerm="nothing")["workflowsCount"] == 0


def test_filters_may_be_repeated_and_combined(api: Api, server: EmulatorServer, clock: Clock) -> None:
    """The three filters accept several values; only workflows that pass all filters are listed."""
    draft, paused, failed, available = (
        server.store.create(sent, by=by)
        for sent, by in [
            ({"name": "draft"}, "a@example.com"),
            (body("paused"), "b@example.com"),
            (body("failed", steps={"one": step("exit 2")}), "a@example.com"),
            (body("available"), "c@example.com"),
        ]
    )
    server.store.set_paused(paused, paused=True)
    server.store.execute(failed)
    clock.advance(5)

    def found(**query: Any) -> list[int]:
        return [flow["id"] for flow in api.get(**query)["workflows"]]

    assert found(workflowStatus=["Draft", "Paused"]) == [draft, paused]
    assert found(workflowStatus="Draft,Paused") == [draft, paused]
    assert found(workflowStatus="Available") == [failed, available]
    assert found(lastExecutionStatus="Failed") == [failed]
    assert found(lastModifiedBy=["a@example.com", "b@example.com"]) == [draft, paused, failed]
    assert found(lastModifiedBy="a@example.com", workflowStatus="Draft") == [draft]
    api.put(draft, {})
    assert found(lastModifiedBy="api-user@example.com") == [draft]


def test_names_are_not_unique(api: Api) -> None:
    """Two workflows may have the same name."""
    assert api.create(body("twin")) != api.create(body("twin"))


def test_pause_and_resume(api: Api) -> None:
    """A paused workflow cannot be executed, stays paused when replaced, and can be resumed."""
    number = api.create(body())
    assert api.send("POST", f"{number}/pause").json() == {}
    api.put(number, body())
    assert api.get(str(number))["status"] == "Paused"
    assert api.send("POST", f"{number}/execute").status_code == 409
    assert api.send("POST", f"{number}/resume").json() == {}
    assert api.get(str(number))["status"] == "Available"


def test_workflow_without_steps_is_a_draft(api: Api) -> None:
    """A workflow without steps is a draft and cannot be executed."""
    number = api.create({"name": "empty", "steps": None})
    assert api.get(str(number))["status"] == "Draft"
    assert api.send("POST", f"{number}/execute").status_code == 409


def test_delete_is_refused_during_an_execution(api: Api, clock: Clock) -> None:
    """A running workflow cannot be deleted; one without a running execution can."""
    number = api.create(body())
    api.execute(number)
    assert api.send("DELETE", str(number)).status_code == 409
    clock.advance(2)
    assert api.send("DELETE", str(number)).json() == {}
    assert api.send("GET", str(number)).status_code == 404
    assert api.get()["workflowsCount"] == 0


def test_store_changes_are_visible_in_the_api(api: Api, server: EmulatorServer) -> None:
    """Python creates, replaces and deletes in the store without a request; the API shows it at once."""
    number = server.store.create(body("created"))
    server.store.replace(number, body("changed"))
    assert api.get(str(number))["name"] == "changed"
    server.store.delete(number)
    assert api.send("GET", str(number)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "99"),
        ("PUT", "99"),
        ("DELETE", "99"),
        ("POST", "99/pause"),
        ("POST", "99/resume"),
        ("POST", "99/execute"),
        ("GET", "executions/99"),
        ("GET", "99/executions/abc"),
        ("GET", "99/executions/abc/logs?stepName=one"),
        ("GET", "abc"),
        ("PATCH", "99"),
        ("GET", "/nowhere"),
    ],
)
def test_unknown_paths_are_answered_in_json(api: Api, method: str, path: str) -> None:
    """An unknown ID is 404, an unknown path 404 and an unknown method 405: each with a `detail`."""
    answer = api.send(method, path, json={})
    assert answer.status_code == (405 if method == "PATCH" else 404)
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"name": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"name": "a", "x": 1e999}', "too large"),
        (b"[1]", "JSON object"),
        (b"", "JSON object"),
        (b"{}", "name is required"),
        (b'{"name": ""}', "name is required"),
        (b'{"name": 5}', "name is required"),
        (b'{"name": "a", "steps": []}', "steps must be a mapping"),
        (b'{"name": "a", "steps": {"one": 1}}', "must be a mapping"),
        (b'{"name": "a", "tags": {}}', "tags must be a list"),
        (b'{"name": "a", "x": ' + b"[" * 70 + b"]" * 70 + b"}", "levels deep"),
    ],
)
def test_invalid_body_is_refused(api: Api, sent: bytes, words: str) -> None:
    """A body that is not a workflow is answered with 400 and the reason, and nothing is stored."""
    answer = api.send("POST", "", data=sent)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert api.get()["workflowsCount"] == 0
