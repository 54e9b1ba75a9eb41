"""The contract of the reads: what is a difference, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.client import ReadContract, deviations, load_contract
from reconciler.client.wire_contract import ReadField

_NUMBER = ReadField(types=("number",), required=True)
_CONTRACT = ReadContract(
    method="read",
    path="/read",
    query=(),
    status=200,
    paging=(),
    objects={
        "": {"id": _NUMBER, "steps": ReadField(types=("object",), required=False)},
        "steps.*": {"size": ReadField(types=("number", "text"), required=False)},
        "items[]": {"id": _NUMBER},
    },
)


@pytest.mark.parametrize(
    ("answer", "differences", "undocumented"),
    [
        ({"id": 1}, (), ()),
        ({"id": 1.5, "steps": None}, (), ()),
        ({}, (), ()),
        ({"id": True}, ("id is a boolean, not a number",), ()),
        ({"id": None}, ("id is null",), ()),
        ({"steps": {}}, ("id is missing",), ()),
        ({"id": 1, "steps": []}, ("steps is a list, not an object",), ()),
        ({"id": 1, "steps": {"a": {"size": []}}}, ("steps.*.size is a list, not a number or a text",), ()),
        ({"id": 1, "new": 1, "steps": {"a": {"b": 1}, "c": {"b": 2}}}, (), ("new", "steps.*.b")),
        ([1], ("the answer is a list",), ()),
        ("text", ("the answer is a text",), ()),
    ],
)
def test_what_is_a_difference(
    answer: Any, differences: tuple[str, ...], undocumented: tuple[str, ...]
) -> None:
    """A required field that is missing or null, and one of another type; the names of steps are not shown."""
    found = deviations(_CONTRACT, [answer, answer])
    expected = ("id is missing",) if answer == {} else differences
    assert (found.differences, found.undocumented) == (expected, undocumented)


def test_the_contract_has_every_read_of_the_client() -> None:
    """Each documented method that only reads is in it, with a path below the API, and the total of a list."""
    contracts = {contract.method: contract for contract in load_contract()}
    assert contracts.keys() == {
        "list_workflows",
        "describe_workflow",
        "list_executions",
        "get_execution_details",
        "get_execution_logs",
        "list_resources",
        "get_default_resource",
    }
    for contract in contracts.values():
        assert contract.path.startswith("/workflows/api/v1/")
        assert contract.status == 200
    assert contracts["list_workflows"].objects[""]["workflowsCount"].required
    assert not contracts["list_executions"].objects["executions[]"]["finishedAt"].required
