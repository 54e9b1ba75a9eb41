"""Prints what a plan that finds no change costs for each workflow: canonical forms, and CPU time.

    python benchmarks/plan.py [--count 1000] [--runs 5]

Manifests and the tenant are in memory: nothing but planning is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from manifests import write_manifests

from reconciler.manifests import Manifest, load_manifests
from reconciler.plan import CompareOptions, TenantReads, make_plan, take_snapshot
from reconciler.values import JsonObject
from reconciler.workflow import body as body_module

_OPTIONS = CompareOptions(key=b"benchmark")


class Tenant:
    """A tenant in memory, which has what manifests state, in the words of the platform."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._answers = {number: _answer(number, item.body) for number, item in enumerate(manifests, 1)}
        self._listed = [{"id": number, "name": item["name"]} for number, item in self._answers.items()]
        self._texts = {number: json.dumps(item) for number, item in self._answers.items()}

    def list_workflows(self, *, page_size: int, page_number: int, **_: object) -> dict[str, Any]:
        """Return a page of the list."""
        page = self._listed[(page_number - 1) * page_size : page_number * page_size]
        pages = -(-len(self._listed) // page_size)
        return {"workflows": page, "pageCount": pages, "workflowsCount": len(self._listed)}

    def describe_workflow(self, workflow_id: int) -> dict[str, Any]:
        """Return a workflow, a new copy each time."""
        answer: dict[str, Any] = json.loads(self._texts[workflow_id])
        return answer

    def get_default_resource(self) -> dict[str, Any]:
        """Return the default resource."""
        return {"instanceTypeId": 21, "storage": "10GB"}


def _answer(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as a platform describes it: environment as a list, times, status, nulls."""
    steps = {}
    for name, step in body["steps"].items():
        env = [{key: value} for key, value in step["parameters"]["env"].items()]
        parameters = {**step["parameters"], "env": env}
        steps[name] = {**step, "parameters": parameters, "imageName": "python", "schema": None}
    times = {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
    tags = [{"id": index, **tag} for index, tag in enumerate(body["tags"])]
    return {
        **body,
        "id": number,
        "status": "Available",
        "lastExecution": None,
        **times,
        "tags": tags,
        "steps": steps,
    }


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=1000, help="how many workflows")
    options.add_argument("--runs", type=int, default=5, help="how often they are planned")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_manifests(Path(folder), chosen.count)
        manifests = load_manifests((folder,), {}).manifests
    tenant = Tenant(manifests)
    forms = _count_forms(tenant, manifests)
    times = [_seconds(tenant, manifests) for _ in range(chosen.runs)]
    print(f"canonical forms per workflow  {forms / chosen.count:6.2f}")
    print(f"CPU time per workflow         {statistics.median(times) / chosen.count * 1e6:6.0f} microseconds")


def _count_forms(tenant: Tenant, manifests: tuple[Manifest, ...]) -> int:
    computed = 0
    compute = body_module.canonical

    def counted(raw: JsonObject) -> JsonObject:
        nonlocal computed
        computed += 1
        return compute(raw)

    body_module.canonical = counted  # type: ignore[attr-defined]
    _plan(tenant, manifests)
    body_module.canonical = compute  # type: ignore[attr-defined]
    return computed


def _plan(tenant: Tenant, manifests: tuple[Manifest, ...]) -> None:
    snapshot = take_snapshot(TenantReads(tenant), manifests, _OPTIONS)  # type: ignore[arg-type]
    plan = make_plan(snapshot, _OPTIONS)
    if plan.changes_anything:
        raise SystemExit("the plan finds a change, so that it does not measure what it should")


def _seconds(tenant: Tenant, manifests: tuple[Manifest, ...]) -> float:
    start = time.process_time()
    _plan(tenant, manifests)
    return time.process_time() - start


if __name__ == "__main__":
    main()
