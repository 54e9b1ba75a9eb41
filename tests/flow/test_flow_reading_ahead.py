"""Reading the tenant while manifests are loaded: the same plans, errors and order, and no request twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from flow_helpers import LIST, body

if TYPE_CHECKING:
    from collections.abc import Callable

    from flow_helpers import Ended, Git


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read ahead from the first file on."""
    monkeypatch.setattr("reconciler.operations.engine._MANY", 1)


@pytest.fixture(name="tenant")
def _tenant(git: Git) -> Git:
    """A tenant with 24 workflows, each with a manifest: every third one with another command."""
    for number in range(24):
        wanted = body(f"w{number:03}", command="another" if number % 3 == 0 else "echo")
        git.write(wanted, f"{number:03}.yaml")
        git.server.store.create(body(f"w{number:03}", command="echo"))
    return git


def test_the_same_plan(tenant: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that reads ahead is the plan that does not, with the same requests, each of them once."""
    early = typed("plan", tenant.folder, "--format", "json")
    asked = Counter(request.path for request in tenant.server.requests if not request.query)
    assert len(asked) == 25
    assert set(asked.values()) == {1}
    monkeypatch.setattr("reconciler.operations.engine._MANY", 10_000)
    tenant.server.clear_requests()
    assert typed("plan", tenant.folder, "--format", "json") == early
    assert Counter(request.path for request in tenant.server.requests if not request.query) == asked


def test_reads_begin_before_all_is_parsed(tenant: Git, typed: Callable[..., Ended]) -> None:
    """Requests precede the discovery of an invalid manifest; the report is the usual one, without a write."""
    tenant.write("body:\n  name: bad\n  steps:\n    one:\n      imageId: text\n", "999.yaml")
    ended = typed("apply", tenant.folder, "--auto-approve")
    assert (ended.code, ended.out) == (3, "")
    assert "999.yaml:5:16: error:" in ended.err
    assert ended.err.rstrip().endswith("nothing was changed")
    assert tenant.server.requests
    assert {request.method for request in tenant.server.requests} == {"GET"}


def test_only_the_selected_are_read(tenant: Git, typed: Callable[..., Ended]) -> None:
    """A workflow that the run is not about is not described."""
    typed("plan", tenant.folder, "--target", "w00*")
    described = [request.path for request in tenant.server.requests if request.path != LIST]
    assert len(described) == 11  # with the default resource


def test_an_error_of_a_read(tenant: Git, typed: Callable[..., Ended]) -> None:
    """A workflow that cannot be read ends the plan, with the words of a plan that does not read ahead."""
    tenant.server.faults = (f"404@GET{LIST}7",)
    ended = typed("plan", tenant.folder)
    assert (ended.code, ended.out) == (1, "")
    assert f"GET {LIST}7 answered 404" in ended.err


def test_a_workflow_that_the_platform_does_not_describe(tenant: Git, typed: Callable[..., Ended]) -> None:
    """It alone is blocked, and the others are planned."""
    tenant.server.faults = (f"422@GET{LIST}7",)
    ended = typed("plan", tenant.folder)
    assert ended.code == 4
    assert "refuses to describe it" in ended.out


def test_a_list_that_is_refused(tenant: Git, typed: Callable[..., Ended]) -> None:
    """Without the list nothing is described, and the error is the list's."""
    tenant.server.faults = (f"403@GET{LIST}",)
    ended = typed("plan", tenant.folder)
    assert ended.code == 1
    assert f"GET {LIST} answered 403" in ended.err


@pytest.mark.parametrize("invalid", [False, True])
def test_no_token(tenant: Git, typed: Callable[..., Ended], *, invalid: bool) -> None:
    """An invalid manifest is reported before a token that is missing."""
    if invalid:
        tenant.write("body: [", "broken.yaml")
    ended = typed("plan", tenant.folder, PEAK_AUTH_TOKEN="")
    assert ended.code == 3
    assert ("broken.yaml" in ended.err, "no token" in ended.err) == (invalid, not invalid)
    assert tenant.server.requests == []


def test_an_apply_reads_again_before_it_writes(tenant: Git, typed: Callable[..., Ended]) -> None:
    """What was read ahead serves the plan only: the guard and the verification read for themselves."""
    ended = typed("apply", tenant.folder, "--auto-approve", "--max-change-ratio", "1")
    assert ended.code == 0, ended.err
    reads = Counter(request.path for request in tenant.server.requests if request.method == "GET")
    written = {request.path for request in tenant.server.requests if request.method == "PUT"}
    assert len(written) == 8
    assert {reads[path] for path in written} == {3}
    assert typed("plan", tenant.folder).out.startswith("No changes.")
