"""The comparison of two recordings of the same call, as a list of short lines, one for each difference.

Lines look like `GET /path query pageNumber: absent -> 1` and `PUT /path body steps.x.command: "a" -> "b"`:
the public client's value, an arrow, this project's value.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

ABSENT = "absent"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Recording:
    """The requests and the outcome of one call of one client.

    Attributes:
        requests: In their order: method, path, query, body.
        raised: The name of the exception that the call raised; None when it returned.
        result: The value that the call returned.
        files: The names and content of the files that it wrote.
    """

    requests: list[dict[str, Any]]
    raised: str | None
    result: Any
    files: list[str]


def differences(sdk: Recording, ours: Recording) -> list[str]:
    """Return the differences of two recordings; empty when they are equal."""
    sdk, ours = _plain(sdk), _plain(ours)
    found = _request_differences(sdk.requests, ours.requests)
    if sdk.raised != ours.raised:
        found.append(f"outcome: {sdk.raised or 'returned'} -> {ours.raised or 'returned'}")
    elif sdk.raised is None:
        found += _value_differences("result", sdk.result, ours.result)
    found += _value_differences("files", sdk.files, ours.files)
    return found


def _plain(recording: Recording) -> Recording:
    """Return `recording` with random values replaced by their number of first appearance."""
    text = json.dumps(vars(recording))
    for pattern in (_UUID, _SIGNATURE):
        for number, value in enumerate(dict.fromkeys(pattern.findall(text))):
            text = text.replace(value, f"<{number}>")
    return Recording(**json.loads(text))


def _request_differences(sdk: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[str]:
    found = []
    theirs, own = ([f"{request['method']} {request['path']}" for request in asked] for asked in (sdk, ours))
    matcher = SequenceMatcher(a=theirs, b=own, autojunk=False)
    for kind, start, end, own_start, own_end in matcher.get_opcodes():
        if kind == "equal":
            for one, other in zip(sdk[start:end], ours[own_start:own_end], strict=True):
                found += _pair_differences(one, other)
        else:
            found += [f"{name}: sent -> not sent" for name in theirs[start:end]]
            found += [f"{name}: not sent -> sent" for name in own[own_start:own_end]]
    return found


def _pair_differences(sdk: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    name = f"{sdk['method']} {sdk['path']}"
    found = []
    for key in sorted({key for key, _ in (*sdk["query"], *ours["query"])}):
        values = [
            ",".join(value for name, value in request["query"] if name == key)
            if any(name == key for name, _ in request["query"])
            else ABSENT
            for request in (sdk, ours)
        ]
        if values[0] != values[1]:
            found.append(f"{name} query {key}: {values[0]} -> {values[1]}")
    bodies = [ABSENT if request["body"] is None else request["body"] for request in (sdk, ours)]
    return found + _value_differences(f"{name} body", *bodies)


def _value_differences(where: str, sdk: Any, ours: Any) -> list[str]:
    if isinstance(sdk, dict) and isinstance(ours, dict):
        separator = "." if not where.endswith((" body", "result")) else " "
        return [
            line
            for key in sorted({**sdk, **ours})
            for line in _value_differences(
                f"{where}{separator}{key}", sdk.get(key, ABSENT), ours.get(key, ABSENT)
            )
        ]
    if json.dumps(sdk) == json.dumps(ours):
        return []
    return [f"{where}: {_shown(sdk)} -> {_shown(ours)}"]


def _shown(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value)
