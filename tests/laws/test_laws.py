"""The laws that everything serves, for generated manifests and however the platform reads workflows back."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import workflow_bodies

from reconciler.apply import Applier, Report, Status, Timing, apply_plan
from reconciler.client import Session, Workflow
from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER, PROFILES
from reconciler.emulator.server import EmulatorServer
from reconciler.manifests import load_manifests
from reconciler.plan import DefaultResource, Plan, Tenancy, Unchanged, make_plan, take_snapshot

_TOKENS = sorted(name for name in PROFILES if name.startswith("token-"))
_TENANCY = Tenancy(key=b"a key of the tests")
_LAWS = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

profiles = st.one_of(
    st.just(frozenset[str]()),
    st.just(ALL_PROFILES_TOGETHER),
    st.builds(
        lambda token, others: frozenset(others) | token,
        st.sampled_from([frozenset[str](), *(frozenset({name}) for name in _TOKENS)]),
        st.sets(st.sampled_from(sorted(ALL_PROFILES_TOGETHER - {"token-masked"}))),
    ),
)


class _Round:
    """Plans and applies bodies as a directory of manifests, against an emulator over HTTP."""

    def __init__(self, server: EmulatorServer) -> None:
        self._session = Session("a-token", base_url=server.url, env={})
        self._api = Workflow(self._session)
        self._reader = Workflow(self._session.as_read_only())

    def plan(self, *bodies: dict[str, Any]) -> Plan:
        with tempfile.TemporaryDirectory() as folder:
            for number, body in enumerate(bodies):
                text = json.dumps({"body": {**body, "name": f"workflow-{number}"}})
                (Path(folder) / f"{number}.json").write_text(text, encoding="utf-8")
            loaded = load_manifests((folder,), {})
        assert loaded.valid, loaded.findings
        default = DefaultResource(self._reader.get_default_resource)
        return make_plan(take_snapshot(self._reader, loaded.manifests, default, _TENANCY), _TENANCY)

    def apply(self, plan: Plan) -> Report:
        timing = Timing(sleep=lambda _: None)
        applier = Applier(self._api, _TENANCY, DefaultResource(self._api.get_default_resource), timing)
        return apply_plan(plan, applier, lambda _action, _result: None)

    def converge(self, *bodies: dict[str, Any]) -> None:
        """Apply, and see that every workflow is done and that the next plan finds nothing."""
        report = self.apply(self.plan(*bodies))
        assert [result.error for result in report.results if result.status is not Status.DONE] == []
        again = self.plan(*bodies)
        assert [action for action in again.actions if not isinstance(action, Unchanged)] == []

    def close(self) -> None:
        self._session.close()


@_LAWS
@given(bodies=st.lists(workflow_bodies(), min_size=1, max_size=3), profile=profiles)
def test_after_apply_plan_finds_nothing(bodies: list[dict[str, Any]], profile: frozenset[str]) -> None:
    """For every valid manifest: once applied, it plans as unchanged, whatever the platform does not tell."""
    with EmulatorServer(profile=profile) as server:
        tenant = _Round(server)
        tenant.converge(*bodies)
        tenant.close()


@_LAWS
@given(before=workflow_bodies(), after=workflow_bodies(), profile=profiles)
def test_every_update_arrives(before: dict[str, Any], after: dict[str, Any], profile: frozenset[str]) -> None:
    """From any workflow to any other: one apply is enough, by patch or by full replacement."""
    with EmulatorServer(profile=profile) as server:
        tenant = _Round(server)
        tenant.converge(before)
        tenant.converge(after)
        assert len(server.store.workflows()) == 1
        tenant.close()


@_LAWS
@given(body=workflow_bodies(), profile=profiles)
def test_plan_writes_nothing(body: dict[str, Any], profile: frozenset[str]) -> None:
    """A plan sends nothing but GET, and the same input gives the same plan."""
    with EmulatorServer(profile=profile) as server:
        tenant = _Round(server)
        first, second = tenant.plan(body), tenant.plan(body)
        tenant.close()
        assert {request.method for request in server.requests} == {"GET"}
        assert [type(action) for action in first.actions] == [type(action) for action in second.actions]
