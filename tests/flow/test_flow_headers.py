"""Names of headers: case has no meaning in them, and they are sent as the manifest spells them."""

from __future__ import annotations

from typing import Any

import pytest
from flow_helpers import Git, body, shown

from reconciler.plan import Blocked, Unchanged


def _call(headers: dict[str, Any], payload: str = "{}") -> dict[str, Any]:
    call = {"type": "http", "method": "post", "url": "https://example.com", "payload": payload}
    return body(steps={"call": {**call, "headers": headers}})


def _headers(git: Git) -> Any:
    return git.stored()["steps"]["call"]["headers"]


LIVE = {"absolute": {"x-team": "blue", "accept": "text/plain"}, "secrets": {"authorization": "partner"}}
GIT = {"absolute": {"X-Team": "blue", "Accept": "text/plain"}, "secrets": {"Authorization": "partner"}}


def test_another_spelling_is_no_difference(git: Git) -> None:
    """A header typed by hand in lower case is the one in Git; an update sends one of them."""
    git.server.store.create(_call(LIVE))
    git.write(_call(GIT))
    assert isinstance(git.action(), Unchanged)
    git.write(_call(GIT, "{1}"))
    git.done()
    assert _headers(git) == GIT
    git.is_clean()


def test_a_changed_header_is_one_change(git: Git) -> None:
    """The change is shown under the name in Git."""
    git.server.store.create(_call(LIVE))
    git.write(_call({**GIT, "absolute": {"X-Team": "red", "Accept": "text/plain"}}))
    _, _, fields, _ = shown(git.action())
    assert list(fields) == [("steps", "call", "headers", "absolute", "X-Team")]
    git.done()
    git.is_clean()


def test_a_platform_that_lower_cases_names(git: Git) -> None:
    """One write is enough, whatever the manifest owns."""
    git.server.profile = frozenset({"headers-lower"})
    git.write(_call(GIT))
    git.done()
    git.is_clean()
    git.write(
        {"patch": {"name": "flow", "body": {"steps": {"call": {"headers": {"absolute": {"ACCEPT": "*"}}}}}}}
    )
    git.done()
    assert _headers(git)["absolute"] == {"x-team": "blue", "accept": "*"}
    assert len(git.writes()) == 2


@pytest.mark.parametrize("spelled", ["x-team", "X-TEAM"])
@pytest.mark.parametrize("stated", [{}, {"X-Team": "green"}])
def test_an_ignored_header(git: Git, spelled: str, stated: dict[str, Any]) -> None:
    """A header is ignored, and keeps its live value, however the setting spells it."""
    git.server.store.create(_call({"absolute": {"x-team": "blue"}}))
    git.write(_call({"absolute": stated}, "{1}"), ignore=[f"steps.call.headers.absolute.{spelled}"])
    git.done()
    assert [value for name, value in _headers(git)["absolute"].items() if name.lower() == "x-team"] == [
        "blue"
    ]
    git.is_clean()


def test_a_masked_header_that_git_states_in_another_case(git: Git) -> None:
    """It is not lost: the manifest has its value. One that it leaves out still blocks a patch."""
    git.server.store.create(_call(LIVE))
    git.server.profile = frozenset({"headers-masked"})
    patch: Any = {"name": "flow", "body": {"steps": {"call": {"payload": "{1}", "headers": GIT}}}}
    git.write({"patch": patch})
    git.done()
    assert {**_headers(git)["absolute"], **_headers(git)["secrets"]} == {**GIT["absolute"], **GIT["secrets"]}
    del patch["body"]["steps"]["call"]["headers"]["secrets"]
    patch["body"]["steps"]["call"]["payload"] = "{2}"
    git.write({"patch": patch})
    action = git.action()
    assert isinstance(action, Blocked)
    assert "steps.call.headers.secrets.Authorization" in action.reason
