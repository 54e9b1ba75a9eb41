"""What is exported plans clean, and makes the same workflow elsewhere, for any workflow and tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from forms import forms_of, live_of
from hypothesis import assume, given
from hypothesis import strategies as st
from law_helpers import OPTIONS, ROUNDS, Round, profiles
from strategies import LAWS, hostile_bodies, workflow_bodies

from reconciler.apply import Status
from reconciler.emulator.emulated_catalogue import DEFAULT_RESOURCE
from reconciler.emulator.server import EmulatorServer
from reconciler.export import Exporter, ExportResult, SecretHandling
from reconciler.findings import has_errors
from reconciler.manifests.discovery import ManifestFile
from reconciler.manifests.load import read_file
from reconciler.manifests.read_options import ReadOptions
from reconciler.plan import DefaultResource, PlatformFacts, Unchanged
from reconciler.rules import check_manifest
from reconciler.secrecy import Redactor
from reconciler.values import as_object, display_path, lookup
from reconciler.workflow import diff, lists_by_name


def _env(exported: list[ExportResult], server: EmulatorServer) -> dict[str, str]:
    """Return the variables of exported manifests as whoever made the workflows knows them.

    Their paths are those of the manifests, which state watchers in the order of their names.
    """
    bodies = {item.live.id: dict(server.store.get(item.live.id).body) for item in exported}
    for body in bodies.values():
        watchers = lists_by_name(body).get("watchers")
        body["watchers"] = [watcher for _, watcher in sorted(as_object(watchers).items())]
    return {
        variable.name: str(lookup(bodies[item.live.id], variable.path))
        for item in exported
        for variable in item.variables
    }


@pytest.mark.parametrize("names", [("b", "a"), ("a", "a")])
def test_watchers_in_another_order(names: tuple[str, str]) -> None:
    """A manifest states watchers by name: the variable of one is that of the same one in the workflow."""
    urls = ("*", "true")  # of which only the first is a secret
    watchers: list[dict[str, Any]] = [
        {"webhook": {"name": name, "url": url, "payload": "{}"}, "events": {"fail": True}}
        for name, url in zip(names, urls, strict=True)
    ]
    steps = {"one": {"imageId": 100, "imageVersionId": 200}}
    with EmulatorServer() as server:
        tenant = Round(server)
        tenant.converge({"name": "flow", "watchers": watchers, "steps": steps})
        exported = tenant.export()
        assert [list(_env([item], server).values()) for item in exported] == [["*"]]
        plan = tenant.plan_exported(exported, _env(exported, server))
        assert all(isinstance(action, Unchanged) for action in plan.actions)
        (left_out,) = tenant.export(SecretHandling.IGNORE)
        assert left_out.problems == ()
        assert all(isinstance(action, Unchanged) for action in tenant.plan_exported([left_out], {}).actions)
        tenant.close()


def _has_empty_retry_options(body: dict[str, Any]) -> bool:
    """Whether a step says `retryOptions: {}`: a platform that fills in defaults returns them as stated."""
    steps = as_object(body.get("steps")).values()
    return any(as_object(as_object(step).get("runConfiguration")).get("retryOptions") == {} for step in steps)


@ROUNDS
@given(
    bodies=st.lists(workflow_bodies(), min_size=1, max_size=2),
    profile=profiles,
    secrets=st.sampled_from(SecretHandling),
)
def test_what_is_exported_plans_clean(
    bodies: list[dict[str, Any]], profile: frozenset[str], secrets: SecretHandling
) -> None:
    """An export of what was applied passes the check, states all of it, and a plan of it is empty."""
    assume(not any(map(_has_empty_retry_options, bodies)))
    with EmulatorServer(profile=profile) as server:
        tenant = Round(server)
        tenant.converge(*bodies)
        exported = tenant.export(secrets)
        assert [item.problems for item in exported] == [()] * len(bodies)
        plan = tenant.plan_exported(exported, _env(exported, server))
        assert [action for action in plan.actions if not isinstance(action, Unchanged)] == []
        tenant.close()


@ROUNDS
@given(body=workflow_bodies(), profile=profiles)
def test_what_is_exported_makes_the_same_workflow(body: dict[str, Any], profile: frozenset[str]) -> None:
    """Applied to an empty tenant, an export makes the same workflow, save for what a note of it names."""
    assume(not _has_empty_retry_options(body))
    with EmulatorServer(profile=profile) as server, EmulatorServer(profile=profile) as other:
        tenant, empty = Round(server), Round(other)
        tenant.converge(body)
        exported = tenant.export()
        report = empty.apply(empty.plan_exported(exported, _env(exported, server)))
        assert [result.status for result in report.results] == [Status.DONE]
        forms = forms_of(server.store.get(1).body, other.store.get(1).body, DEFAULT_RESOURCE)
        notes = " ".join(exported[0].notes)
        assert [
            change for change in diff(forms.live, forms.desired) if display_path(change.path) not in notes
        ] == []
        tenant.close()
        empty.close()


@LAWS
@given(returned=hostile_bodies())
def test_whatever_a_platform_returns_is_exported_or_refused(returned: dict[str, Any]) -> None:
    """No answer makes an export fail: there is a manifest that passes the check, or a reason why not."""
    steps = returned.get("steps") if isinstance(returned.get("steps"), dict) else None
    live = live_of({**returned, "name": "flow", "steps": steps}, 7, "flow")
    facts = PlatformFacts(default_resource=DefaultResource(answer=DEFAULT_RESOURCE))
    exporter = Exporter(OPTIONS, facts, Redactor())
    exported = exporter.export(live)
    assert exported.text or exported.problems
    if exported.text:
        content = read_file(
            ManifestFile(Path("x.yaml"), Path(), exported.text), {}, ReadOptions(require_env=False)
        )
        assert not has_errors(content.summary.findings)
        (manifest,) = content.manifests
        assert not has_errors(tuple(check_manifest(manifest)))
