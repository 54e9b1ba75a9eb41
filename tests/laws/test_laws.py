"""The laws that everything serves, for generated manifests and however the platform reads workflows back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from law_helpers import OWNED, ROUNDS, Round, platforms, profiles
from strategies import workflow_bodies

from reconciler.emulator.server import EmulatorServer


@ROUNDS
@given(bodies=st.lists(workflow_bodies(), min_size=1, max_size=3), profile=profiles)
def test_after_apply_plan_finds_nothing(bodies: list[dict[str, Any]], profile: frozenset[str]) -> None:
    """Each valid manifest, once applied, plans as unchanged, whatever the platform does not return."""
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server)
        tenant.converge(*bodies)
        tenant.close()


@ROUNDS
@given(before=workflow_bodies(), after=workflow_bodies(), profile=profiles)
def test_every_update_arrives(before: dict[str, Any], after: dict[str, Any], profile: frozenset[str]) -> None:
    """From any workflow to any other: one apply is enough, by patch or by full replacement."""
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server)
        tenant.converge(before)
        tenant.converge(after)
        assert len(server.store.workflows()) == 1
        tenant.close()


@ROUNDS
@given(before=workflow_bodies(), after=workflow_bodies(), profile=platforms)
def test_every_platform_settles(
    before: dict[str, Any], after: dict[str, Any], profile: frozenset[str]
) -> None:
    """In whatever form a platform keeps values, two applies are enough, and the next writes nothing."""
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server)
        for body in (before, after):
            tenant.settle(body)
            written = [request for request in server.requests if request.method in {"POST", "PUT"}]
            tenant.converge(body)
            again = [request for request in server.requests if request.method in {"POST", "PUT"}]
            assert len(again) == len(written) <= 8
        tenant.close()


@ROUNDS
@given(before=workflow_bodies(), after=workflow_bodies(), profile=platforms)
def test_every_platform_settles_at_once_for_an_owner(
    before: dict[str, Any], after: dict[str, Any], profile: frozenset[str]
) -> None:
    """The mark of a write shows what the platform makes of it: one apply is enough, in any form."""
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server, OWNED)
        for body in (before, after):
            tenant.converge(body)
        tenant.close()


def test_options_that_no_step_used_were_there_before_the_write() -> None:
    """Retry options that a merging PUT keeps are no other write, also where each step had its own before."""
    own = {"command": "a", "runConfiguration": {"retryOptions": {"duration": 4}}}
    before = {"retryOptions": {"duration": 16, "numberOfRetries": 4}, "steps": {"a": own}}
    with EmulatorServer(profile=frozenset({"put-merges-deep", "env-masked"})) as server:
        tenant = Round(server, OWNED)
        for body in (before, {"steps": {"b": {"command": "b", "parameters": {"env": {"K": "v"}}}}}):
            tenant.converge(body)
        tenant.close()
        (stored,) = server.store.workflows().values()
        assert not stored.get("retryOptions")


@ROUNDS
@given(body=workflow_bodies(), profile=profiles)
def test_plan_writes_nothing(body: dict[str, Any], profile: frozenset[str]) -> None:
    """A plan sends nothing but GET, and the same input gives the same plan."""
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server)
        first, second = tenant.plan(body), tenant.plan(body)
        tenant.close()
        assert {request.method for request in server.requests} == {"GET"}
        assert [type(action) for action in first.actions] == [type(action) for action in second.actions]
