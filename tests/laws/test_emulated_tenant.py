"""Workflows on a tenant that was probed, and on one emulated from its profile: same plans, same notes."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from law_helpers import OWNED, ROUNDS, Round
from profile_combinations import probed
from strategies import DEPTH, workflow_bodies

from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ReconcilerError
from reconciler.render import plan_text
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan import Plan


def _account(profile: frozenset[str], body: dict[str, Any]) -> list[Any]:
    """Return what plans and applies of a workflow say on a tenant, also after a change of it."""
    with EmulatorServer(profile=profile) as server:
        return [*_said(Round(server, OWNED), body)]


def _said(tenant: Round, body: dict[str, Any]) -> Iterator[Any]:
    for version in (body, _changed(body)):
        try:
            plan = tenant.plan(version)
            yield _shown(plan)
            for result in tenant.apply(plan).results:
                error = re.sub(r"request id \S+", "", result.error)
                yield result.action.name, result.status, error, result.notes
            yield _shown(tenant.plan(version))
        except ReconcilerError as failure:
            yield re.sub(r"request id \S+", "", failure.message)


def _shown(plan: Plan) -> str:
    """Return a plan as text, without the folders of its files."""
    return re.sub(r"\S+/(?=\d+\.json)", "", plan_text(plan, Redactor()))


def _changed(body: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow with a field less, and a tag more."""
    changed = copy.deepcopy(body)
    changed.pop("metadata", None)
    changed["tags"] = [*(changed.get("tags") or []), {"name": "one-more"}]
    return changed


@pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")
@pytest.mark.parametrize("seed", range(2 * DEPTH))
def test_the_same_plans_and_notes(seed: int) -> None:
    """Generated workflows converge alike on both, or are refused alike."""
    profile, found = probed(seed)

    @settings(ROUNDS, max_examples=4 * DEPTH)
    @given(workflow_bodies())
    def alike(body: dict[str, Any]) -> None:
        probed, emulated = _account(profile, body), _account(found, body)
        assert emulated == probed, (sorted(profile), sorted(found))

    alike()
