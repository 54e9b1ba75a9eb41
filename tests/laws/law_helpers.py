"""What the laws share: tenants of all kinds, and rounds of planning and applying against one of them."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from strategies import DEPTH

from reconciler.apply import Applier, Report, Status, apply_plan
from reconciler.client import RetryPolicy, Session, Workflow
from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER, FAMILIES, PROFILES, check_profile
from reconciler.errors import UsageError
from reconciler.export import Exporter, ExportResult, SecretHandling
from reconciler.manifests import LoadResult, load_manifests
from reconciler.plan import (
    CompareOptions,
    Plan,
    PlatformFacts,
    TenantReads,
    Unchanged,
    describe_all,
    list_tenant,
    make_plan,
    read_default_resource,
    take_snapshot,
)
from reconciler.rules import load_checked
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.emulator.server import EmulatorServer

_TOKENS = sorted(name for name in PROFILES if name.startswith("token-"))
OPTIONS = CompareOptions(key=b"a key of the tests")
OWNED = CompareOptions(owner="team", key=OPTIONS.key)
ROUNDS = settings(
    max_examples=10 * DEPTH,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
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

_NEED_A_PARAMETER = {"hidden": ["hidden=watchers", "hidden=stepTimeout", "hidden=payload"]}
_ELSEWHERE = {
    *FAMILIES["Names"],
    *FAMILIES["Limits of tags"],
    "tags-hidden",
    "env-name-value",
    "integers-only",
}
_SETTLING = sorted(
    word
    for name in [
        *(name for family in FAMILIES if family != "Endpoints" for name in FAMILIES[family]),
        "put-merges",
        "put-merges-deep",
    ]
    if name not in _ELSEWHERE
    for word in _NEED_A_PARAMETER.get(name, [name])
)


def _go_together(words: list[str]) -> bool:
    try:
        check_profile(words)
    except UsageError:
        return False
    return True


platforms = (
    st.lists(st.sampled_from(_SETTLING), min_size=1, max_size=5, unique=True)
    .filter(_go_together)
    .map(frozenset)
)
"""Whatever a platform keeps in forms of its own, masks or hides, but not the tags that say so.

Nor variables in a shape that cannot be sent back: those workflows are blocked. Nor a platform that refuses
the fractions that a generated body may have.
"""


class Round:
    """Plans and applies bodies as a directory of manifests, against an emulator over HTTP."""

    def __init__(self, server: EmulatorServer, options: CompareOptions = OPTIONS) -> None:
        self._options = options
        self._session = Session("a-token", base_url=server.url, env={})
        self._api = Workflow(self._session)
        self._reader = Workflow(self._session.as_read_only())

    def plan(self, *bodies: dict[str, Any]) -> Plan:
        """Return the plan for bodies, which get names of their own."""
        named = [{"body": {**body, "name": f"workflow-{number}"}} for number, body in enumerate(bodies)]
        texts = {f"{number}.json": json.dumps(manifest) for number, manifest in enumerate(named)}
        return self.plan_of(_loaded(texts, partial(load_manifests, env={})))

    def plan_of(self, loaded: LoadResult) -> Plan:
        """Return the plan for manifests, all of which are valid."""
        assert loaded.valid, loaded.findings
        snapshot = take_snapshot(TenantReads(self._reader), loaded.manifests, self._options)
        return make_plan(snapshot, self._options)

    def export(self, secrets: SecretHandling = SecretHandling.NAMES) -> list[ExportResult]:
        """Export every workflow of the tenant."""
        live = describe_all(self._reader, [item.id for item in list_tenant(self._reader)], 1)
        facts = PlatformFacts(default_resource=read_default_resource(self._reader))
        exporter = Exporter(
            self._options, facts.learned_from(live.values(), self._options), Redactor(), secrets
        )
        return [exporter.export(workflow) for workflow in live.values()]

    def plan_exported(self, exported: list[ExportResult], env: dict[str, str]) -> Plan:
        """Return the plan for exported manifests, which must pass the whole check."""
        texts = {f"{number}.yaml": item.text for number, item in enumerate(exported)}
        return self.plan_of(_loaded(texts, partial(load_checked, env=env)))

    def apply(self, plan: Plan) -> Report:
        """Apply a plan."""
        timing = RetryPolicy(sleep=lambda _: None)
        applier = Applier(self._api, self._options, timing)
        return apply_plan(plan, applier, lambda _action, _result: None)

    def converge(self, *bodies: dict[str, Any]) -> None:
        """Apply, and check that every workflow is done and that the next plan is empty."""
        report = self.apply(self.plan(*bodies))
        failed = [result.error for result in report.results if result.status is not Status.DONE]
        assert not failed, failed
        again = self.plan(*bodies)
        assert [action for action in again.actions if not isinstance(action, Unchanged)] == []

    def settle(self, body: dict[str, Any]) -> None:
        """Apply; once more where a value reads back that may be somebody else's edit; then find nothing."""
        report = self.apply(self.plan(body))
        failed = [result.error for result in report.results if result.status is not Status.DONE]
        assert all("reads back as" in error for error in failed), failed
        self.converge(body)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _loaded(texts: dict[str, str], load: Callable[[tuple[str, ...]], LoadResult]) -> LoadResult:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return load((folder,))
