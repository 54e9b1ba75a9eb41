"""Executions: their course by the clock, lists, filters, logs and downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from emulator_helpers import body, step

if TYPE_CHECKING:
    from emulator_helpers import Api, Clock

    from reconciler.emulator.server import EmulatorServer


def _statuses(api: Api, number: int, execution: str) -> dict[str, str]:
    details = api.get(f"{number}/executions/{execution}")
    return {"": details["status"], **{item["name"]: item["status"] for item in details["steps"]}}


def test_execution_follows_the_graph_by_the_clock(api: Api, clock: Clock) -> None:
    """Steps start when their parents have finished, independent ones in parallel."""
    number = api.create(
        body(
            steps={
                "last": step(parents=["left", "right"]),
                "left": step(parents=["first"]),
                "right": step(parents=["first"]),
                "first": step(),
            }
        )
    )
    execution = api.execute(number)
    expected = [
        ("Running", "Running", "Pending", "Pending", "Pending"),
        ("Running", "Success", "Running", "Running", "Pending"),
        ("Running", "Success", "Success", "Success", "Running"),
        ("Success", "Success", "Success", "Success", "Success"),
    ]
    for row in expected:
        assert _statuses(api, number, execution) == dict(
            zip(("", "first", "left", "right", "last"), row, strict=True)
        )
        clock.advance(1)


def test_details_give_times_and_nodes(api: Api, clock: Clock) -> None:
    """Details show when the execution and its steps started and ended, and their node IDs."""
    number = api.create(body(steps={"one": step(), "two": step(parents=["one"])}))
    execution = api.execute(number)
    clock.advance(1.5)
    details = api.get(f"{number}/executions/{execution}")
    assert (details["runId"], details["executedAt"], details["finishedAt"]) == (
        execution,
        "2020-09-13T12:26:40.000Z",
        None,
    )
    one, two = details["steps"]
    assert (one["startedAt"], one["finishedAt"]) == ("2020-09-13T12:26:40.000Z", "2020-09-13T12:26:41.000Z")
    assert (two["startedAt"], two["finishedAt"]) == ("2020-09-13T12:26:41.000Z", None)
    assert one["nodeId"] != two["nodeId"]
    clock.advance(1)
    assert api.get(f"{number}/executions/{execution}")["finishedAt"] == "2020-09-13T12:26:42.000Z"


def test_failing_command_fails_the_execution(api: Api, clock: Clock) -> None:
    """`exit 3` fails its step; descendants do not run, independent steps do; `exit 0` succeeds."""
    number = api.create(
        body(
            steps={
                "bad": step("exit 3"),
                "after": step(parents=["bad"]),
                "far": step(parents=["after"]),
                "good": step("exit 0"),
            }
        )
    )
    execution = api.execute(number)
    clock.advance(9)
    assert _statuses(api, number, execution) == {
        "": "Failed",
        "bad": "Failed",
        "after": "NotRun",
        "far": "NotRun",
        "good": "Success",
    }
    assert api.get(str(number))["lastExecution"]["status"] == "Failed"


def test_skipped_steps_do_not_run(api: Api, clock: Clock) -> None:
    """`skip` skips one step and runs its descendants; `skipDAG` skips the descendants as well."""

    def skipping(**configuration: bool) -> dict[str, Any]:
        return step(runConfiguration={"skipConfiguration": configuration})

    number = api.create(
        body(
            steps={
                "alone": skipping(skip=True),
                "next": step(parents=["alone"]),
                "whole": skipping(skip=False, skipDAG=True),
                "below": step(parents=["whole"]),
            }
        )
    )
    execution = api.execute(number)
    clock.advance(1)
    assert _statuses(api, number, execution) == {
        "": "Success",
        "alone": "Skipped",
        "next": "Success",
        "whole": "Skipped",
        "below": "Skipped",
    }


def test_steps_to_run_restrict_the_execution(api: Api, clock: Clock) -> None:
    """Only the chosen steps run, with their descendants when `runDAG` is true."""
    chain = {"a": step(), "b": step(parents=["a"]), "c": step(parents=["b"]), "d": step()}
    number = api.create(body(steps=chain))
    execution = api.execute(number, {"stepsToRun": [{"stepName": "b", "runDAG": True}]})
    clock.advance(3)
    assert _statuses(api, number, execution) == {
        "": "Success",
        "a": "Skipped",
        "b": "Success",
        "c": "Success",
        "d": "Skipped",
    }
    execution = api.execute(number, {"stepsToRun": [{"stepName": "b"}]})
    clock.advance(3)
    assert _statuses(api, number, execution)["c"] == "Skipped"
    answer = api.send("POST", f"{number}/execute", json={"stepsToRun": [{"stepName": "zz"}]})
    assert (answer.status_code, "zz" in answer.json()["detail"]) == (400, True)


def test_second_execution_is_refused_unless_concurrency_is_allowed(api: Api, clock: Clock) -> None:
    """A running workflow cannot be executed again (409), unless its metadata allows it."""
    single, several = api.create(body()), api.create(body(metadata={"allowConcurrentExecution": True}))
    api.execute(single)
    assert api.send("POST", f"{single}/execute").status_code == 409
    clock.advance(2)
    api.execute(single)
    assert api.execute(several) != api.execute(several)
    assert len(api.get(f"executions/{several}")["executions"]) == 2


def test_cycle_of_parents_cannot_run(api: Api) -> None:
    """A cycle of parents is refused on execute; unknown parents are ignored."""
    number = api.create(
        body(steps={"a": step(parents=["b"]), "b": step(parents=["a"]), "c": step(parents=["x"])})
    )
    answer = api.send("POST", f"{number}/execute")
    assert (answer.status_code, "a, b" in answer.json()["detail"]) == (422, True)


def test_executions_are_listed_newest_first(api: Api, clock: Clock) -> None:
    """The list of executions is paged, newest first, with the documented keys."""
    number = api.create(body())
    started = []
    for _ in range(3):
        started.append(api.execute(number))
        clock.advance(60)
    page = api.get(f"executions/{number}", pageSize=2)
    assert [execution["executionId"] for execution in page["executions"]] == [started[2], started[1]]
    assert (page["pageCount"], page["pageNumber"], page["pageSize"], page["workflowId"]) == (2, 1, 2, number)
    assert page["executions"][0]["duration"] == 1.0
    second = api.get(f"executions/{number}", pageSize=2, pageNumber=2)
    assert [execution["executionId"] for execution in second["executions"]] == [started[0]]


def test_executions_are_filtered(api: Api, clock: Clock) -> None:
    """Executions are filtered by date, statuses and count; an invalid date is refused."""
    number = api.create(body())
    first = api.execute(number)
    clock.advance(86_400)
    api.put(number, body(steps={"one": step("exit 1")}))
    second = api.execute(number)
    clock.advance(60)
    api.put(number, body(steps={"one": step()}))
    third = api.execute(number)

    def found(**query: Any) -> list[str]:
        return [
            execution["executionId"] for execution in api.get(f"executions/{number}", **query)["executions"]
        ]

    assert found(dateFrom="2020-09-14") == [third, second]
    assert found(dateTo="2020-09-13T23:00:00.000Z") == [first]
    assert found(dateFrom="2020-09-14T14:26:40+02:00", dateTo="2020-09-14T12:27:00") == [second]
    assert found(statuses=["Failed", "Running"]) == [third, second]
    assert found(statuses="Success") == [first]
    assert found(count=1) == [third]
    assert api.send("GET", f"executions/{number}?dateFrom=yesterday").status_code == 400


def test_logs_are_paged_by_token(api: Api, clock: Clock) -> None:
    """Logs come in pages; the last page has a token as well, and the page after it is empty."""
    number = api.create(body(steps={"one": step(repository={"url": "https://example.com/org/code.git"})}))
    execution = api.execute(
        number, {"params": {"global": {"a": "1"}, "stepWise": {"one": {"b": "2"}, "x": {}}}}
    )
    clock.advance(2)
    path, token, messages, stamps = f"{number}/executions/{execution}/logs", "", list[str](), list[int]()
    while True:
        page = api.get(path, stepName="one", nextToken=token)
        assert page["stepRunStatus"] == "Success"
        if not page["logs"]:
            break
        token = page["nextToken"]
        messages += [entry["message"] for entry in page["logs"]]
        stamps += [entry["timestamp"] for entry in page["logs"]]
    assert messages == [
        "Cloning into 'code'...",
        "Switched to branch 'main'",
        "Using image workflow-python:1.0.100",
        "Parameter a=1",
        "Parameter b=2",
        "Running: echo hi",
        "hi",
        "Step one finished with exit code 0",
    ]
    assert stamps == sorted(stamps)
    assert stamps[0] == 1_600_000_000_000


def test_logs_grow_while_the_step_runs(api: Api, clock: Clock) -> None:
    """A pending step has no logs, a running one has some; the token continues with the later lines."""
    number = api.create(body(steps={"one": step(), "two": step(parents=["one"])}))
    path = f"{number}/executions/{api.execute(number)}/logs"
    assert api.get(path, stepName="two")["stepRunStatus"] == "Pending"
    assert api.get(path, stepName="two")["logs"] == []
    clock.advance(1.3)
    first = api.get(path, stepName="two")
    clock.advance(1)
    rest = api.get(path, stepName="two", nextToken=first["nextToken"])
    assert (first["stepRunStatus"], rest["stepRunStatus"]) == ("Running", "Success")
    assert [len(first["logs"]), len(rest["logs"])] == [2, 2]


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"stepName": "zz"}, 404), ({"stepName": "one", "nextToken": "made up"}, 400)],
)
def test_logs_need_a_known_step_and_a_valid_token(api: Api, query: dict[str, str], status: int) -> None:
    """Logs need a step of the execution, and a token issued by the API."""
    number = api.create(body())
    answer = api.send("GET", f"{number}/executions/{api.execute(number)}/logs", params=query)
    assert answer.status_code == status


def test_every_kind_of_step_logs(api: Api, clock: Clock) -> None:
    """HTTP, SQL and export steps run and log as well; a step that did not run has no logs."""
    number = api.create(
        body(
            steps={
                "http": {"type": "http", "method": "post", "url": "https://example.com"},
                "sql": {"type": "sql", "sqlQueryPath": "a.sql"},
                "export": {"type": "export", "schema": "s", "table": "t", "sortBy": "c"},
                "bad": step("exit 1"),
                "never": step(parents=["bad"]),
            }
        )
    )
    path = f"{number}/executions/{api.execute(number)}"
    clock.advance(2)
    first = {
        name: api.get(f"{path}/logs", stepName=name)["logs"] for name in ("http", "sql", "export", "never")
    }
    assert first["http"][0]["message"] == "POST https://example.com"
    assert first["sql"][0]["message"] == "Running query a.sql"
    assert first["export"][0]["message"] == "Exporting s.t"
    assert first["never"] == []
    assert [item["stepType"] for item in api.get(path)["steps"]][:3] == ["http", "sql", "export"]


def test_logs_can_be_downloaded_without_a_token(api: Api, clock: Clock) -> None:
    """A download URL is signed: it needs no header, and a changed one is refused."""
    number = api.create(body())
    path = f"{number}/executions/{api.execute(number)}/logs/download"
    clock.advance(2)
    address = api.get(path, stepName="one")["downloadUrl"]
    del api.session.headers["Authorization"]
    answer = api.session.get(address, timeout=10)
    assert answer.text.splitlines()[-1] == "Step one finished with exit code 0"
    assert api.session.get(address + "0", timeout=10).status_code == 403


def test_spoke_logs_are_read_by_node_and_time(api: Api, server: EmulatorServer, clock: Clock) -> None:
    """A spoke tenant says so in its metadata; its logs are read by node and time, and have no status."""
    assert "spokeDetails" not in api.get("/tenant-management/api/v1/external/tenants/tenant-metadata")
    server.profile = frozenset({"spoke"})
    metadata = api.get("/tenant-management/api/v1/external/tenants/tenant-metadata")
    assert metadata["spokeDetails"]["domain"]
    number = api.create(body())
    execution = api.execute(number)
    clock.advance(2)
    (one,) = api.get(f"{number}/executions/{execution}")["steps"]
    query = {"logSource": one["nodeId"], "startTime": one["startedAt"], "endTime": one["finishedAt"]}
    page = api.get("/spoke/api/v1/logs/workflow", **query)
    assert (len(page["logs"]), "stepRunStatus" in page) == (4, False)
    assert (
        api.get("/spoke/api/v1/logs/workflow", **{**query, "endTime": one["startedAt"]})["logs"]
        == page["logs"][:1]
    )
    assert api.get("/spoke/api/v1/logs/workflow", **query, nextToken=page["nextToken"])["logs"] == []
    assert api.send("GET", "/spoke/api/v1/logs/workflow?logSource=no.one").status_code == 404


def test_deleting_a_workflow_deletes_its_executions(api: Api, clock: Clock) -> None:
    """The executions of a deleted workflow are deleted with it."""
    number = api.create(body())
    execution = api.execute(number)
    clock.advance(2)
    api.send("DELETE", str(number))
    assert api.send("GET", f"{number}/executions/{execution}").status_code == 404
