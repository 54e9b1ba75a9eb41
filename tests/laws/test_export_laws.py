"""What is exported plans clean, and makes the same workflow elsewhere, for any workflow and tenant."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from law_helpers import ROUNDS, Round, profiles
from strategies import workflow_bodies

from reconciler.apply import Status
from reconciler.canonical import align
from reconciler.diff import diff
from reconciler.emulator.catalogue import DEFAULT_RESOURCE
from reconciler.emulator.server import EmulatorServer
from reconciler.export import Exported
from reconciler.plan import Unchanged
from reconciler.values import display_path, lookup


def _env(exported: list[Exported], server: EmulatorServer) -> dict[str, str]:
    """Return the variables of exported manifests as whoever made the workflows knows them."""
    return {
        variable.name: str(lookup(server.store.get(item.live.id).body, variable.path))
        for item in exported
        for variable in item.variables
    }


@ROUNDS
@given(bodies=st.lists(workflow_bodies(), min_size=1, max_size=2), profile=profiles)
def test_what_is_exported_plans_clean(bodies: list[dict[str, Any]], profile: frozenset[str]) -> None:
    """An export of what was applied passes the check, says all of it, and a plan of it finds nothing."""
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server)
        tenant.converge(*bodies)
        exported = tenant.export()
        assert [item.problems for item in exported] == [()] * len(bodies)
        plan = tenant.plan_exported(exported, _env(exported, server))
        assert [action for action in plan.actions if not isinstance(action, Unchanged)] == []
        tenant.close()


@ROUNDS
@given(body=workflow_bodies(), profile=profiles)
def test_what_is_exported_makes_the_same_workflow(body: dict[str, Any], profile: frozenset[str]) -> None:
    """Applied to an empty tenant, an export makes the same workflow, save for what a note of it names."""
    with EmulatorServer(profile=profile) as server, EmulatorServer(profile=profile) as other:
        tenant, empty = Round(server), Round(other)
        tenant.converge(body)
        exported = tenant.export()
        report = empty.apply(empty.plan_exported(exported, _env(exported, server)))
        assert [result.status for result in report.results] == [Status.DONE]
        forms = align(server.store.get(1).body, other.store.get(1).body, DEFAULT_RESOURCE)
        notes = " ".join(exported[0].notes)
        assert [
            change for change in diff(forms.live, forms.desired) if display_path(change.path) not in notes
        ] == []
        tenant.close()
        empty.close()
