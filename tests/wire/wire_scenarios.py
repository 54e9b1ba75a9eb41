"""The calls that both clients make: several for each documented method, on a tenant with known content.

`WORKFLOW` is the ID of the first workflow in the emulator; `EXECUTION` a placeholder for the last execution.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

WORKFLOW = 1
EXECUTION = "<the execution>"

FULL: dict[str, Any] = {
    "name": "alpha",
    "metadata": {"allowConcurrentExecution": True},
    "triggers": [{"cron": "0 1 * * *"}, {"webhook": True}],
    "watchers": [
        {"user": "someone", "events": {"success": True, "fail": False, "runtimeExceeded": 10}},
        {
            "webhook": {"name": "hook", "url": "https://example.com/hook", "payload": "{}"},
            "events": {"fail": True},
        },
    ],
    "retryOptions": {"duration": 7, "numberOfRetries": 2, "exponentialBackoff": True, "exitCodes": [1]},
    "tags": [{"name": "red"}, {"name": "blue"}],
    "steps": {
        "load": {
            "type": "standard",
            "imageId": 11,
            "imageVersionId": 12,
            "command": "echo load",
            "resources": {"instanceTypeId": 21, "storage": "10GB"},
            "repository": {"url": "https://example.com/r.git", "branch": "main", "token": "credential"},
            "parameters": {"env": {"A": "1", "B": "2"}, "secrets": ["s"]},
            "stepTimeout": 600,
            "clearImageCache": True,
        },
        "train": {"imageId": 11, "imageVersionId": 12, "command": "echo train", "parents": ["load"]},
    },
}
SMALL: dict[str, Any] = {
    "name": "small",
    "steps": {"only": {"imageId": 11, "imageVersionId": 12, "command": "x"}},
}
OTHER_STEPS: dict[str, Any] = {
    "name": "others",
    "steps": {
        "call": {"type": "http", "method": "post", "url": "https://example.com", "payload": "{}"},
        "query": {
            "type": "sql",
            "sqlQueryPath": "/x.sql",
            "parameters": {"env": {"A": "1"}},
            "parents": ["call"],
        },
        "export": {"type": "export", "schema": "s", "table": "t", "sortBy": "c", "parents": ["query"]},
    },
}


@dataclass(frozen=True)
class Scenario:
    """One call, and the tenant that receives it.

    Attributes:
        name: The special property of the call.
        method: The client's method.
        arguments: The arguments by name.
        given: The bodies of the workflows in the tenant.
        executions: The number of executions of the first workflow.
        profile: The emulator's profile.
        faults: The emulator's faults.
    """

    name: str
    method: str
    arguments: dict[str, Any] = field(default_factory=dict)
    given: tuple[dict[str, Any], ...] = ()
    executions: int = 0
    profile: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method}: {self.name}"


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a copy of `body` with top-level keys changed."""
    return {**copy.deepcopy(body), **changes}


def _many(count: int) -> tuple[dict[str, Any], ...]:
    return tuple(changed(SMALL, name=f"small-{number}") for number in range(count))


def _webhook_only() -> dict[str, Any]:
    return changed(FULL, triggers=[{"webhook": True}])


def _lists() -> list[Scenario]:
    three = _many(3)
    filters: dict[str, Any] = {
        "workflow_status": ["Draft", "Available"],
        "last_execution_status": ["Success"],
        "last_modified_by": ["someone", "else"],
        "name": "small 1",
    }
    pages = {"page_size": 2, "page_number": 2}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("all", {}),
        ("all, by pages of two", {"page_size": 2}),
        ("all, a page number that is not used", pages),
        ("all, every filter", filters),
        *((f"all, by {key}", {key: value}) for key, value in filters.items()),
        ("an empty name", {"name": ""}),
        ("first page", {"return_iterator": False}),
        ("second page", {**pages, "return_iterator": False}),
        ("a page, every filter", {**filters, **pages, "return_iterator": False}),
    ]
    every = Scenario(
        "a page, every kind", "list_workflows", {"return_iterator": False}, (FULL, SMALL, OTHER_STEPS), 1
    )
    return [*(Scenario(name, "list_workflows", arguments, three) for name, arguments in calls), every]


def _writes() -> list[Scenario]:
    with_policy = changed(FULL, triggers=[{"webhook": True, "webhookPolicy": "generate"}])
    cases = {
        "everything": FULL,
        "little": SMALL,
        "other steps": OTHER_STEPS,
        "a policy": with_policy,
        "nothing": {},
    }
    twins = (SMALL, SMALL)
    upsert = "create_or_update_workflow"
    return [
        *(Scenario(name, "create_workflow", {"body": body}) for name, body in cases.items()),
        *(
            Scenario(name, "update_workflow", {"workflow_id": WORKFLOW, "body": body}, (FULL,))
            for name, body in cases.items()
        ),
        Scenario("none there", "update_workflow", {"workflow_id": 9, "body": SMALL}),
        *(Scenario(f"new, {name}", upsert, {"body": body}) for name, body in cases.items()),
        *(
            Scenario(f"known, {name}", upsert, {"body": body}, (body,))
            for name, body in cases.items()
            if body
        ),
        Scenario("part of a name", upsert, {"body": changed(SMALL, name="small-")}, _many(2)),
        Scenario(
            "second page", upsert, {"body": changed(SMALL, name="small-")}, (*_many(105), _named("small-"))
        ),
        Scenario("twins", upsert, {"body": SMALL}, twins),
        Scenario("lost answer", "create_workflow", {"body": SMALL}, faults=("503-after:x1@POST",)),
        Scenario("answered with 429", "create_workflow", {"body": SMALL}, faults=("429:x1@POST",)),
        Scenario("refused", "create_workflow", {"body": SMALL}, faults=("422@POST",)),
    ]


def _named(name: str) -> dict[str, Any]:
    return changed(SMALL, name=name)


def _others() -> list[Scenario]:
    one = {"workflow_id": WORKFLOW}
    request = {
        "params": {"global": {"k": "v"}, "stepWise": {"load": {"k": "w"}}},
        "stepsToRun": [{"stepName": "load"}],
    }
    simple = ["describe_workflow", "delete_workflow", "pause_workflow", "execute_workflow"]
    return [
        *(Scenario("there", method, one, (FULL,)) for method in [*simple, "resume_workflow"]),
        *(Scenario("none there", method, {"workflow_id": 9}) for method in [*simple, "resume_workflow"]),
        Scenario("little", "describe_workflow", one, (SMALL,)),
        Scenario("other steps", "describe_workflow", one, (OTHER_STEPS,)),
        Scenario("started", "describe_workflow", one, (FULL,), executions=1),
        Scenario("body", "execute_workflow", {**one, "body": request}, (FULL,)),
        Scenario("empty body", "execute_workflow", {**one, "body": {}}, (FULL,)),
        Scenario("full queue", "execute_workflow", one, (FULL,), faults=("queue-full:x1",)),
        Scenario("read again", "describe_workflow", one, (FULL,), faults=("503:x1@GET/workflows/*",)),
        Scenario("all", "list_resources"),
        Scenario("all", "get_default_resource"),
    ]


def _executions() -> list[Scenario]:
    one: dict[str, Any] = {"workflow_id": WORKFLOW}
    run: dict[str, Any] = {**one, "execution_id": EXECUTION}
    step: dict[str, Any] = {**run, "step_name": "load"}
    dates = {"date_from": "2020-01-01T00:00:00.000Z", "date_to": "2999-01-01T00:00:00.000Z"}
    more: dict[str, Any] = {"status": ["Success", "Failed"], "count": 2}
    pages = {"page_size": 1, "page_number": 2, "return_iterator": False}
    spoke = frozenset({"spoke"})
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("all", "list_executions", one),
        ("all, by pages of two", "list_executions", {**one, "page_size": 2}),
        ("all, every filter", "list_executions", {**one, **dates, **more}),
        ("second page", "list_executions", {**one, **pages}),
        ("a page, every filter", "list_executions", {**one, **dates, **more, **pages}),
        ("there", "get_execution_details", run),
        ("none there", "get_execution_details", {**run, "execution_id": "none"}),
        ("first", "get_execution_logs", step),
        ("next", "get_execution_logs", {**step, "next_token": "f/00000002/s"}),
        ("no such step", "get_execution_logs", {**step, "step_name": "none"}),
        ("saved", "get_execution_logs", {**step, "save": True}),
        ("saved to a name", "get_execution_logs", {**step, "save": True, "file_name": "x.log"}),
    ]
    return [
        *(Scenario(name, method, arguments, (FULL,), executions=3) for name, method, arguments in calls),
        *(
            Scenario(f"of a spoke: {name}", method, arguments, (FULL,), executions=1, profile=spoke)
            for name, method, arguments in calls
            if method == "get_execution_logs"
        ),
    ]


KEYWORDS: dict[str, Any] = {
    "name": "beta",
    "repository": "https://example.com/other.git",
    "branch": "dev",
    "token": "other",
    "command": "echo other",
    "image_id": 31,
    "image_version_id": 32,
    "instance_type_id": 23,
    "storage": "20GB",
    "step_timeout": 60,
    "clear_image_cache": True,
}
_FALSY: dict[str, Any] = {"step_timeout": 0, "clear_image_cache": False, "command": "", "image_id": 0}
_BODIES: dict[str, dict[str, Any]] = {
    "name": {"name": "beta"},
    "tags": {"tags": [{"name": "green"}]},
    "watchers": {"watchers": []},
    "cron": {"triggers": [{"cron": "0 2 * * *"}]},
    "webhook": {"triggers": [{"webhook": True}]},
    "webhook, policy": {"triggers": [{"webhook": True, "webhookPolicy": "generate"}]},
    "retryOptions": {"retryOptions": {"duration": 9}},
    "metadata": {"metadata": {"allowConcurrentExecution": False}},
    "a step": {"steps": {"load": {"command": "echo body", "resources": {"storage": "20GB"}}}},
    "a new step": {"steps": {"new": {"imageId": 11, "imageVersionId": 12, "command": "new"}}},
    "env": {"steps": {"load": {"parameters": {"env": {"A": "9", "C": "3"}}}}},
    "env of a step without": {"steps": {"train": {"parameters": {"env": {"A": "9"}}}}},
    "a list in a step": {"steps": {"load": {"parameters": {"secrets": []}}, "train": {"parents": []}}},
    "an object over a scalar": {"steps": {"load": {"command": {"odd": 1}}}},
    "a scalar over an object": {"steps": {"load": {"resources": None}}},
    "null as steps": {"steps": None},
}
_PROFILES = ("env-map", "nulls", "empties", "token-masked", "token-omitted", "token-null", "token-empty")
_MORE_PROFILES = (
    "unknown-fields",
    "metadata-hidden",
    "retry-hidden",
    "retry-spread",
    "defaults-filled",
    "floats",
)


def _patches() -> list[Scenario]:
    calls: list[tuple[str, dict[str, Any]]] = [
        *((f"{key}", {key: value}) for key, value in KEYWORDS.items()),
        *((f"{key} of a step", {key: value, "step_names": ["train"]}) for key, value in KEYWORDS.items()),
        *((f"{key}={value!r}", {key: value, "name": "beta"}) for key, value in _FALSY.items()),
        ("every keyword", KEYWORDS),
        ("every keyword, both steps", {**KEYWORDS, "step_names": ["load", "train"]}),
        *((f"body: {name}", {"body": body}) for name, body in _BODIES.items()),
        ("body and keyword", {"body": _BODIES["a step"], "command": "echo keyword", "storage": "30GB"}),
        ("body and keyword of a step", {"body": _BODIES["a step"], "image_id": 31, "step_names": ["load"]}),
        ("a value that equals the ID", {"image_id": WORKFLOW}),
        ("unknown step", {"image_id": 31, "step_names": ["none"]}),
        ("new step by name", {"body": _BODIES["a new step"], "image_id": 31, "step_names": ["new"]}),
        ("no step", {"image_id": 31, "step_names": []}),
        ("nothing", {}),
        ("nothing, but steps", {"step_names": ["load"]}),
    ]
    method = "patch_workflow"
    one = {"workflow_id": WORKFLOW}
    return [
        *(Scenario(name, method, {**one, **arguments}, (FULL,)) for name, arguments in calls),
        *(
            Scenario(f"server: {name}", method, {**one, "name": "beta"}, (FULL,), profile=frozenset({name}))
            for name in (*_PROFILES, *_MORE_PROFILES)
        ),
        Scenario("webhook first", method, {**one, "image_id": 31}, (_webhook_only(),)),
        Scenario("little there", method, {**one, "image_id": 31}, (SMALL,)),
        Scenario("other steps", method, {**one, "name": "beta"}, (OTHER_STEPS,)),
        Scenario("none there", method, {"workflow_id": 9, "name": "beta"}),
    ]


SCENARIOS: tuple[Scenario, ...] = (*_lists(), *_writes(), *_others(), *_executions(), *_patches())
"""All scenarios."""
