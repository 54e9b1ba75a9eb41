"""Spellings: values that mean the same to a platform, as bodies of workflows."""

from __future__ import annotations

from typing import Any, Final


def workflow(*steps: dict[str, Any], **top: Any) -> dict[str, Any]:
    """Return a workflow with the given fields and the given steps, called `a`, `b` and so on."""
    named = dict(zip("abcdef", steps or ({},), strict=False))
    return {"name": "w", "steps": named, **top}


def with_cron(text: str) -> Any:
    """Return a workflow with a schedule."""
    return workflow(triggers=[{"cron": text}])


def with_user(address: str) -> Any:
    """Return a workflow with a user to notify."""
    return workflow(watchers=[{"user": address, "events": {"fail": True}}])


def with_email(*addresses: str) -> Any:
    """Return a workflow with recipients of an e-mail."""
    return workflow(watchers=[{"email": {"name": "Team", "recipients": {"to": list(addresses)}}}])


def with_condition(value: Any, word: str = "equals") -> Any:
    """Return a workflow with a condition."""
    rows = [{"condition": word, "stepName": "a", "paramName": "rows", "value": value}]
    return workflow({"executionParameters": {"conditional": rows}})


def with_env(value: Any) -> Any:
    """Return a workflow with a variable."""
    return workflow({"parameters": {"env": {"A": value}}})


def with_status(condition: str, status: str) -> Any:
    """Return a workflow with a condition on a parent."""
    rows = [{"condition": condition, "parents": ["a"], "status": [status]}]
    return workflow({"executionParameters": {"parentStatus": rows}})


EQUAL: Final[dict[str, tuple[Any, ...]]] = {
    "cron": tuple(
        map(
            with_cron,
            [
                "0 6 * * mon-FRI",
                " 0  6 * * MON-FRI ",
                "0 6 * * 1-5",
                "00 06 * * 1-5",
                "0 6 ? * 1-5",
                "0 0 6 ? * MON-FRI",
                "0 0 6 ? * 2-6 *",
                "0 0 6 * * mon-fri *",
            ],
        )
    ),
    "cron: Sunday": tuple(map(with_cron, ["0 6 * * 0", "0 6 * * 7", "0 6 * * sun", "0 0 6 ? * 1"])),
    "cron: lists": tuple(map(with_cron, ["0 6 * jan,3 1,FRI", "0 6 * 3,1 fri,mon", "0 0 6 ? MAR,1 2,6"])),
    "cron: the nth weekday": tuple(map(with_cron, ["0 0 0 ? * 6#3 *", "0 0 0 ? * fri#3"])),
    "cron: the last weekday": tuple(map(with_cron, ["0 0 0 ? * 6L", "0 0 0 ? * fril *"])),
    "cron: steps": tuple(map(with_cron, ["*/5 * * * 1/2", "*/5  * * * mon/2"])),
    "user": tuple(map(with_user, ["Jane.Doe@Example.com", "jane.doe@example.com"])),
    "recipients": (with_email("A@x.org", "b@x.org"), with_email("B@X.org", "a@x.org", "A@X.ORG")),
    "tags": (workflow(tags=[{"name": "Finance"}, {"name": "b"}]), workflow(tags=["B", "FINANCE", "finance"])),
    "text": tuple(workflow({"command": text}) for text in ("a\nb\n", "a\nb", "a\nb\r\n", "a\nb\n\n")),
    "variable": tuple(map(with_env, ["x", "x\n"])),
    "variable: number": tuple(map(with_env, ["30", 30, 30.0])),
    "type": (workflow({"type": "http", "url": "u"}), workflow({"type": "HTTP", "url": "u"})),
    "standard": (workflow({"imageId": 1}), workflow({"type": "STANDARD", "imageId": 1})),
    "method": tuple(workflow({"type": "http", "method": text}) for text in ("post", "POST", "Post")),
    "sort order": tuple(workflow({"type": "export", "sortOrder": text}) for text in ("desc", "DESC")),
    "auth": tuple(workflow({"type": "http", "auth": {"type": text}}) for text in ("basic", "Basic")),
    "condition": (with_condition("0"), with_condition("0", "EQUALS"), with_condition(0)),
    "parent status": (with_status("all-of", "success"), with_status("ALL-OF", "SUCCESS")),
    "number": tuple(workflow({"stepTimeout": number}) for number in (3600, 3600.0, "3600", "3600.0")),
    "fraction": tuple(workflow(retryOptions={"duration": number}) for number in (7.5, "7.5", "7.50")),
    "exit codes": tuple(workflow(retryOptions={"exitCodes": codes}) for codes in ([1, 2], ["2", 1.0, "1"])),
    "boolean": tuple(workflow({"clearImageCache": value}) for value in (True, "true", "True")),
    "storage": tuple(
        workflow({"resources": {"storage": size}}) for size in ("20GB", "20 gb", 20, "20", 20.0)
    ),
    "concurrency": (workflow(metadata={"allowConcurrentExecution": False}), workflow()),
}
"""Bodies that mean the same."""
