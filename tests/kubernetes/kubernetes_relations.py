"""Checks of several objects together: times, labels, ports, the network, alerts.

As in `kubernetes_checks`, each takes rendered objects and returns the problems found.
"""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

import promql_parser
from croniter import croniter
from kubernetes_helpers import Object, Workload, alerts, of_kind, option, workloads

from reconciler.client import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

_EGRESS = [("TCP", 53), ("TCP", 443), ("UDP", 53)]


def timing(objects: list[Object]) -> list[str]:
    """Return the times that conflict."""
    problems = [problem for found in of_kind(objects, "CronJob") for problem in _schedule(found["spec"])]
    for found in workloads(objects):
        grace = found.pod.get("terminationGracePeriodSeconds", 30)
        if grace <= RetryPolicy().deadline:
            problems.append(f"a request may take {RetryPolicy().deadline} seconds, stopping only {grace}")
    for found in of_kind(objects, "Deployment"):
        kind = found["spec"].get("strategy", {}).get("type")
        problems += ["two pods may run at a time"] * (kind != "Recreate" or found["spec"]["replicas"] != 1)
    return problems


def _schedule(spec: Object) -> Iterator[str]:
    job = spec["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    period, longest = shortest_period(spec["schedule"]), job.get("activeDeadlineSeconds", 1 << 31)
    if longest + pod.get("terminationGracePeriodSeconds", 30) >= period:
        yield f"a run may take longer than the {period} seconds to the next"
    waiting = float(option(pod["containers"][0]["args"], "wait-running") or 1800)
    if waiting >= longest:
        yield f"the deadline would interrupt a wait of {waiting} seconds"
    if spec.get("concurrencyPolicy") != "Forbid":
        yield "two runs may overlap"
    if (
        not 10 <= spec.get("startingDeadlineSeconds", 0) <= period
    ):  # below 10 the controller may never start it
        yield "a missed start is not left to the next"
    if job.get("backoffLimit", 6) != 0 or pod["restartPolicy"] != "Never":
        yield "a failed job is retried at once"
    if not job.get("ttlSecondsAfterFinished"):
        yield "finished jobs are never removed"


def shortest_period(schedule: str) -> float:
    """Return the shortest time in seconds between two starts of a schedule, over a week."""
    starts = croniter(schedule, datetime(2026, 1, 1, tzinfo=timezone.utc), ret_type=float)
    times = [starts.get_next() for _ in range(7 * 24 * 4)]
    return min(later - sooner for sooner, later in pairwise(times))


def reach(objects: list[Object]) -> list[str]:
    """Return problems with labels, ports, network policies, monitors and alerts."""
    problems = [
        problem for policy in of_kind(objects, "NetworkPolicy") for problem in _policy(policy, objects)
    ]
    if not of_kind(objects, "NetworkPolicy"):
        problems.append("the network is open")
    for found in workloads(objects):
        problems += _ports(found)
        if found.whole["kind"] == "Deployment" and not _selects(found.whole["spec"]["selector"], found):
            problems.append("the Deployment does not select its pods")
    for monitor in of_kind(objects, "PodMonitor"):
        problems += _monitor(monitor, objects)
    for rules in of_kind(objects, "PrometheusRule"):
        problems += _rules(rules, objects)
    return problems


def _selects(selector: Object, found: Workload) -> bool:
    wanted = selector.get("matchLabels", {})
    return bool(wanted) and wanted.items() <= found.template["metadata"]["labels"].items()


def _named_ports(found: Workload) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for c in found.containers for port in c.get("ports", [])}


def _policy(policy: Object, objects: list[Object]) -> Iterator[str]:
    spec = policy["spec"]
    ports = {name for found in workloads(objects) for name in _named_ports(found)}
    if not all(_selects(spec["podSelector"], found) for found in workloads(objects)):
        yield "the policy does not select the pods"
    if set(spec["policyTypes"]) != {"Ingress", "Egress"}:
        yield "the policy leaves a direction open"
    out = sorted(
        (port["protocol"], port["port"]) for rule in spec["egress"] for port in rule.get("ports", [])
    )
    if out != _EGRESS or any(not rule.get("ports") or not rule.get("to") for rule in spec["egress"]):
        yield f"egress is not exactly DNS and HTTPS: {out}"
    for rule in spec.get("ingress", []):
        if not rule.get("from") or [port["port"] for port in rule.get("ports", [])] != ["metrics"]:
            yield "ingress allows more than metrics"
        if "metrics" not in ports:
            yield "ingress allows a port that nothing listens on"


def _ports(found: Workload) -> Iterator[str]:
    for container in found.containers:
        ports = {declared["name"]: declared["containerPort"] for declared in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in ports:
                yield f"{container['name']}: {probe} has the undeclared port {port}"
        for name in ("listen", "http-bind"):
            listening = option(container["args"], name)
            if listening and int(listening.rpartition(":")[2]) not in ports.values():
                yield f"{container['name']}: --{name} has an undeclared port"


def _monitor(monitor: Object, objects: list[Object]) -> Iterator[str]:
    spec = monitor["spec"]
    chosen = [found for found in workloads(objects) if _selects(spec["selector"], found)]
    ports = {name for found in chosen for name in _named_ports(found)}
    for endpoint in spec["podMetricsEndpoints"]:
        if endpoint["port"] not in ports:
            yield f"no pod has the port {endpoint['port']}"
        if endpoint["path"] != "/metrics":
            yield f"nothing is at {endpoint['path']}"
    policies = of_kind(objects, "NetworkPolicy")
    if not any(policy["spec"].get("ingress") for policy in policies):
        yield "the policy blocks Prometheus"


def _rules(rules: Object, objects: list[Object]) -> Iterator[str]:
    namespace = rules["metadata"]["namespace"]
    names = {found.whole["metadata"]["name"] for found in workloads(objects)}
    for rule in alerts(rules):
        try:
            promql_parser.parse(rule["expr"])
        except ValueError as error:
            yield f"{rule['alert']}: {error}"
            continue
        for selector in _selectors(promql_parser.parse(rule["expr"])):
            labels = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            if labels.get("namespace") != namespace:
                yield f"{rule['alert']}: {selector.name} is not limited to {namespace}"
            if labels.get("cronjob", next(iter(names))) not in names:
                yield f"{rule['alert']}: there is no CronJob {labels['cronjob']}"


def _selectors(expression: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(expression, visit)
    return found
