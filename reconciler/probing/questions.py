"""Questions of a probe: the bodies that it writes, each to see how a platform keeps one thing.

Every body is a whole workflow without triggers, and its values are made up. The name of a step says which
question a read-back answers; no platform is known to change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.values import JsonObject, as_object

STEP: Final = "peak-reconciler-probe"
"""How the name of every step of a probe's workflow begins: what marks the workflow as a probe's."""

LONG_TEXT: Final = "x" * 5000
LONG_TAG: Final = "T" * 100
MANY_TAGS: Final = 12
LONG_NAME: Final = 300

_SPACED: Final = "  python  main.py --name 'Cafe\u0301' & echo b \r\nsecond\tline\n\n"
_DEFAULT_RETRIES: Final[JsonObject] = {"duration": 5, "numberOfRetries": 3, "exponentialBackoff": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """The ids that a tenant has, for steps that need some.

    Args:
        image: An image.
        version: A version of it.
        instance_type: An instance type.
    """

    image: int
    version: int
    instance_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One body to write, and to read back.

    Args:
        key: Its name, unique in the probe.
        top: The top-level fields besides the name and the steps.
        step: The fields of the step.
        parent: The fields of a step before it; `None` for no such step.
    """

    key: str
    top: JsonObject
    step: JsonObject
    parent: JsonObject | None = None

    def body(self, name: str, number: int) -> JsonObject:
        """Return the workflow `name` that asks it as the probe's `number`-th write."""
        steps: JsonObject = {}
        mark = f"{STEP}-{number}"
        step = dict(self.step)
        if self.parent is not None:
            before = f"{mark}-before"
            steps[before] = dict(self.parent)
            step |= {"parents": [before], "executionParameters": _after(before)}
        return {"name": name, **self.top, "steps": {**steps, mark: step}}


def standard_questions(ids: Ids) -> tuple[Question, ...]:
    """Return the questions about workflows and standard steps; the first one is a workflow with little."""
    plain: JsonObject = {
        "type": "standard",
        "imageId": ids.image,
        "imageVersionId": ids.version,
        "command": "python main.py",
    }
    repository: JsonObject = {"url": "https://example.com/probe.git/", "branch": "main"}
    silent = {key: value for key, value in plain.items() if key != "command"}
    resources: JsonObject = {"instanceTypeId": ids.instance_type, "storage": "10GB"}

    def ask(key: str, top: JsonObject | None = None, **step: object) -> Question:
        return Question(key=key, top=top or {}, step=as_object({**plain, **step}))

    return (
        ask("plain"),
        ask("metadata", {"metadata": {"allowConcurrentExecution": True}}),
        ask("plain-again"),
        Question(key="no-command", top={}, step=silent),
        ask("texts", command=_SPACED),
        ask("long-text", command=LONG_TEXT),
        ask("repository", repository={**repository, "token": "probe-credential"}),
        ask("no-branch", repository={"url": "https://example.com/probe.git"}),
        ask("other-branch", repository={"url": "https://example.com/probe.git", "branch": "probe"}),
        ask(
            "variables",
            parameters={
                "env": {"PROBE_A": "1", "PROBE_B": "b", "PROBE_C": "c", "PROBE_D": "d", "API_TOKEN": "probe"},
                "secrets": ["probe-secret-b", "probe-secret-a"],
            },
        ),
        ask("resources", resources=resources),
        ask(
            "retries",
            {
                "retryOptions": {
                    "duration": 7,
                    "numberOfRetries": 2,
                    "exponentialBackoff": True,
                    "exitCodes": [3, 1, 2],
                }
            },
            stepTimeout=1,
        ),
        ask(
            "step-retries",
            runConfiguration={
                "retryOptions": {
                    "duration": 7,
                    "numberOfRetries": 2,
                    "exponentialBackoff": True,
                    "exitCodes": [3, 1],
                },
                "skipConfiguration": {"skip": False, "skipDAG": True},
            },
        ),
        ask(
            "defaults",
            {"retryOptions": _DEFAULT_RETRIES, "metadata": {"allowConcurrentExecution": False}},
            clearImageCache=False,
            runConfiguration={"skipConfiguration": {"skip": False, "skipDAG": False}},
        ),
        ask("float", stepTimeout=100.0),
        ask("unknown-key", {"probeKey": 1}),
        ask("unknown-step-key", probeKey=1),
        ask("tags", {"tags": [{"name": "Probe-B"}, {"name": "probe-a"}]}),
        ask(
            "watcher-user",
            {"watchers": [{"user": "Probe@Example.com", "events": {"success": True, "fail": True}}]},
        ),
        ask(
            "watcher-webhook",
            {
                "watchers": [
                    {
                        "webhook": {"name": " Probe ", "url": "https://example.com/hook/", "payload": "{}"},
                        "events": {"fail": True, "runtimeExceeded": 7},
                    }
                ]
            },
        ),
        ask(
            "watcher-email",
            {
                "watchers": [
                    {
                        "email": {"name": "probe", "recipients": {"to": ["Probe@Example.com"]}},
                        "events": {"fail": True},
                    }
                ]
            },
        ),
        Question(
            key="conditions", top={}, step=plain, parent={**plain, "outputParameters": {"out": "o.txt"}}
        ),
        ask("nulls", {"tags": None, "metadata": None}, stepTimeout=None, parameters=None),
        ask("empties", {"tags": [], "watchers": [], "metadata": {}}, parameters={}, parents=[]),
    )


def long_tag(length: int) -> JsonObject:
    """Return the top-level fields of a workflow with a tag of `length` characters."""
    return {"tags": [{"name": LONG_TAG[:length]}]}


def many_tags(count: int) -> JsonObject:
    """Return the top-level fields of a workflow with `count` tags."""
    return {"tags": [{"name": f"probe-{number}"} for number in range(count)]}


def other_questions() -> tuple[Question, ...]:
    """Return the questions about steps that are not standard."""
    address = "https://example.com/probe/"

    def http(key: str, **fields: object) -> Question:
        step = {"type": "http", "method": "get", "url": address, **fields}
        return Question(key=key, top={}, step=as_object(step))

    return (
        http(
            "headers",
            headers={"absolute": {"X-Probe": "probe", "Accept": "text/plain"}, "secrets": ["probe-secret"]},
            auth={"type": "no-auth"},
        ),
        http("payload", method="post", payload=" {} "),
        http("basic", auth={"type": "basic", "username": "probe", "password": "probe-secret"}),
        http(
            "oauth",
            auth={
                "type": "oauth",
                "clientId": "probe",
                "clientSecret": "probe-secret",
                "authUrl": "https://example.com/auth/",
            },
        ),
        http("api-key", auth={"type": "api-key", "apiKey": "probe-secret"}),
        http("bearer", auth={"type": "bearer-token", "bearerToken": "probe-secret"}),
        Question(key="sql", top={}, step={"type": "sql", "sqlQueryPath": " probe.sql "}),
        Question(
            key="export",
            top={},
            step={
                "type": "export",
                "schema": "probe",
                "table": "probe",
                "sortBy": "probe",
                "sortOrder": "asc",
                "compression": False,
            },
        ),
    )


def odd_name(name: str) -> str:
    """Return `name` with capital letters, spaces, and a letter that is not in Unicode's composed form."""
    return f"{name}  Odd Cafe\u0301 "


def long_name(name: str) -> str:
    """Return `name` made `LONG_NAME` characters long."""
    return name.ljust(LONG_NAME, "n")


def _after(parent: str) -> JsonObject:
    return {
        "conditional": [{"condition": "equals", "stepName": parent, "paramName": "out", "value": "10"}],
        "parentStatus": [{"condition": "all-of", "parents": [parent], "status": ["success"]}],
    }
