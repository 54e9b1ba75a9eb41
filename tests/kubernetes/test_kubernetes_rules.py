"""The Kubernetes examples pass every check, and each check finds a broken example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes_checks import hardening, wiring
from kubernetes_helpers import OVERLAYS, Object, of_kind, rendered, workload
from kubernetes_relations import reach, shortest_period, timing

Check = Callable[[list[Object]], list[str]]
Break = Callable[[list[Object]], Any]
_CHECKS = {check.__name__: check for check in (hardening, wiring, timing, reach)}


@pytest.mark.parametrize("name", OVERLAYS)
@pytest.mark.parametrize("check", _CHECKS)
def test_examples_have_no_problem(name: str, check: str) -> None:
    """No check finds a problem in any overlay."""
    assert _CHECKS[check](rendered(name)) == []


def _pod(objects: list[Object]) -> Object:
    return workload(objects).pod


def _main(objects: list[Object]) -> Object:
    container: Object = _pod(objects)["containers"][0]
    return container


def _git(objects: list[Object]) -> Object:
    container: Object = _pod(objects)["initContainers"][0]
    return container


def _job(objects: list[Object]) -> Object:
    spec: Object = of_kind(objects, "CronJob")[0]["spec"]
    return spec


def _spec(objects: list[Object], kind: str) -> Object:
    spec: Object = of_kind(objects, kind)[0]["spec"]
    return spec


def _replace_argument(container: Object, old: str, new: str) -> None:
    container["args"] = [word.replace(old, new) for word in container["args"]]


def _unmount(container: Object, name: str) -> None:
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] != name]


def _alert(objects: list[Object], expression: str) -> None:
    _spec(objects, "PrometheusRule")["groups"][0]["rules"][0]["expr"] = expression


_BROKEN: dict[str, tuple[Check, str, Break]] = {
    "root": (hardening, "base", lambda o: _pod(o)["securityContext"].update(runAsUser=0)),
    "token": (hardening, "base", lambda o: _pod(o).pop("automountServiceAccountToken")),
    "seccomp": (hardening, "base", lambda o: _pod(o)["securityContext"].pop("seccompProfile")),
    "host network": (hardening, "base", lambda o: _pod(o).update(hostNetwork=True)),
    "host path": (hardening, "base", lambda o: _pod(o)["volumes"][0].update(hostPath={"path": "/"})),
    "escalation": (
        hardening,
        "git-sync",
        lambda o: _git(o)["securityContext"].pop("allowPrivilegeEscalation"),
    ),
    "root file system": (
        hardening,
        "git-sync",
        lambda o: _git(o)["securityContext"].pop("readOnlyRootFilesystem"),
    ),
    "capability": (
        hardening,
        "daemon",
        lambda o: _git(o)["securityContext"]["capabilities"].update(add=["X"]),
    ),
    "root container": (hardening, "daemon", lambda o: _git(o)["securityContext"].update(runAsUser=0)),
    "no limit": (hardening, "daemon", lambda o: _main(o)["resources"]["limits"].pop("memory")),
    "no volume": (wiring, "base", lambda o: _pod(o)["volumes"].pop()),
    "no mount": (wiring, "base", lambda o: _unmount(_main(o), "tmp")),
    "no configuration": (
        wiring,
        "base",
        lambda o: of_kind(o, "ConfigMap")[0]["metadata"].update(name="other"),
    ),
    "no claim": (wiring, "prod", lambda o: _spec(o, "PersistentVolumeClaim") and o.remove(o[2])),
    "no account": (wiring, "base", lambda o: _pod(o).update(serviceAccountName="other")),
    "unlimited volume": (wiring, "base", lambda o: _pod(o)["volumes"][2].update(emptyDir={})),
    "too large": (
        wiring,
        "base",
        lambda o: _main(o)["resources"]["limits"].update({"ephemeral-storage": "64Mi"}),
    ),
    "backups nowhere": (wiring, "base", lambda o: _main(o).update(env=[])),
    "lock in the image": (wiring, "prod", lambda o: _replace_argument(_main(o), "/state/lock", "/lock")),
    "lock read-only": (
        wiring,
        "daemon",
        lambda o: _replace_argument(_main(o), "/state/lock", "/manifests/lock"),
    ),
    "other manifests": (
        wiring,
        "git-sync",
        lambda o: _replace_argument(_git(o), "--link=current", "--link=other"),
    ),
    "other root": (
        wiring,
        "daemon",
        lambda o: _replace_argument(_git(o), "--root=/manifests", "--root=/tmp"),
    ),
    "overlap": (timing, "base", lambda o: _job(o).update(schedule="*/10 * * * *")),
    "long wait": (
        timing,
        "base",
        lambda o: _replace_argument(_main(o), "--wait-running=300", "--wait-running=1800"),
    ),
    "short stop": (timing, "daemon", lambda o: _pod(o).update(terminationGracePeriodSeconds=30)),
    "concurrent": (timing, "base", lambda o: _job(o).pop("concurrencyPolicy")),
    "repeated": (timing, "base", lambda o: _job(o)["jobTemplate"]["spec"].pop("backoffLimit")),
    "never caught up": (timing, "base", lambda o: _job(o).update(startingDeadlineSeconds=5)),
    "kept for ever": (
        timing,
        "base",
        lambda o: _job(o)["jobTemplate"]["spec"].pop("ttlSecondsAfterFinished"),
    ),
    "rolling": (timing, "daemon", lambda o: _spec(o, "Deployment").pop("strategy")),
    "open network": (reach, "base", lambda o: o.remove(of_kind(o, "NetworkPolicy")[0])),
    "other pods": (
        reach,
        "base",
        lambda o: _spec(o, "NetworkPolicy")["podSelector"].update(matchLabels={"a": "b"}),
    ),
    "all goes out": (reach, "base", lambda o: _spec(o, "NetworkPolicy")["egress"].append({})),
    "one way only": (reach, "base", lambda o: _spec(o, "NetworkPolicy").update(policyTypes=["Egress"])),
    "let in": (reach, "base", lambda o: _spec(o, "NetworkPolicy").update(ingress=[{}])),
    "Prometheus out": (reach, "daemon", lambda o: _spec(o, "NetworkPolicy").pop("ingress")),
    "no metrics port": (reach, "daemon", lambda o: _main(o)["ports"][0].update(name="http")),
    "listens elsewhere": (reach, "daemon", lambda o: _replace_argument(_main(o), ":8080", ":9090")),
    "monitors others": (
        reach,
        "daemon",
        lambda o: _spec(o, "PodMonitor")["selector"].update(matchLabels={"a": "b"}),
    ),
    "selects none": (
        reach,
        "daemon",
        lambda o: _spec(o, "Deployment")["selector"].update(matchLabels={"a": "b"}),
    ),
    "no expression": (reach, "prod", lambda o: _alert(o, "time( > 3")),
    "other namespace": (reach, "prod", lambda o: _alert(o, 'kube_cronjob_created{namespace="other"} > 1')),
    "other job": (
        reach,
        "prod",
        lambda o: _alert(o, 'kube_cronjob_created{namespace="peak-reconciler-prod", cronjob="other"} > 1'),
    ),
}


@pytest.mark.parametrize("problem", _BROKEN)
def test_broken_example_is_found(problem: str) -> None:
    """Each check finds the one broken thing in an example."""
    check, name, break_it = _BROKEN[problem]
    objects = rendered(name if name == "base" else f"overlays/{name}")
    break_it(objects)
    assert check(objects)


def test_period_is_the_shortest() -> None:
    """The period of a schedule is the shortest time between two of its starts."""
    assert shortest_period("*/15 * * * *") == 900
    assert shortest_period("0,50 * * * *") == 600
