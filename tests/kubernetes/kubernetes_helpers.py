"""Helpers of the Kubernetes tests: the examples as rendered by kustomize, and accessors of their parts."""

from __future__ import annotations

import copy
import functools
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "kubernetes"
OVERLAYS = ("base", *(f"overlays/{folder.name}" for folder in sorted((EXAMPLES / "overlays").iterdir())))
APPLIED = OVERLAYS[1:]
"""The overlays that can be applied once their names are replaced."""

OPERATOR = frozenset({"PodMonitor", "PrometheusRule"})
"""The kinds of the Prometheus operator, which have no schema here."""

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An object that creates pods.

    Args:
        whole: The CronJob or the Deployment.
        template: The template of its pods.
    """

    whole: Object
    template: Object

    @property
    def pod(self) -> Object:
        """The specification of its pods."""
        spec: Object = self.template["spec"]
        return spec

    @property
    def containers(self) -> list[Object]:
        """All containers, including init containers."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def reconciler(self) -> Object:
        """The container with the command."""
        (container,) = self.pod["containers"]
        return dict(container)


def kubectl() -> str:
    """Return the path of kubectl: the one next to this Python, or the first on the path."""
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    assert found, "kubectl is not installed: install the development packages"
    return found


@functools.cache
def _rendered(name: str) -> tuple[Object, ...]:
    command = [kubectl(), "kustomize", str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return tuple(yaml.safe_load_all(done.stdout))


def rendered(name: str) -> list[Object]:
    """Return the objects of the base or of an overlay, in kustomize's order."""
    return copy.deepcopy(list(_rendered(name)))


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """Return the objects of one kind."""
    return [found for found in objects if found["kind"] == kind]


def alerts(rules: Object) -> list[Object]:
    """Return the alerts of a PrometheusRule."""
    return [rule for group in rules["spec"]["groups"] for rule in group["rules"]]


def workloads(objects: list[Object]) -> Iterator[Workload]:
    """Yield the objects that create pods."""
    for found in of_kind(objects, "CronJob"):
        yield Workload(whole=found, template=found["spec"]["jobTemplate"]["spec"]["template"])
    for found in of_kind(objects, "Deployment"):
        yield Workload(whole=found, template=found["spec"]["template"])


def workload(objects: list[Object]) -> Workload:
    """Return the only object that creates pods."""
    (found,) = workloads(objects)
    return found


def manifests(objects: list[Object]) -> str:
    """Return the manifests directory that the job gets as PATH, a path in the container."""
    arguments = next(
        container["args"] for container in workload(objects).containers if container["name"] == "reconcile"
    )
    (path,) = (word for word in arguments[1:] if not word.startswith("-"))
    return str(path)


def option(arguments: list[str], name: str) -> str | None:
    """Return the value of `--name=value` among the arguments."""
    return next((word.partition("=")[2] for word in arguments if word.startswith(f"--{name}=")), None)


def variables(container: Object) -> dict[str, str]:
    """Return the variables of a container that have a literal value."""
    return {entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry}


def secret_keys(found: Workload) -> set[tuple[str, str]]:
    """Return each secret and key that the pods need to start."""
    keys = set()
    for container in found.containers:
        for entry in container.get("env", []):
            reference = entry.get("valueFrom", {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                keys.add((reference["name"], reference["key"]))
    for volume in found.pod["volumes"]:
        if "secret" in volume:
            keys |= {(volume["secret"]["secretName"], item["key"]) for item in volume["secret"]["items"]}
    return keys


def megabytes(quantity: str) -> int:
    """Return a quantity such as `64Mi` or `1Gi` in MiB."""
    number, unit = re.fullmatch(r"(\d+)([MG])i", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"M": 1, "G": 1024}[unit]


def mount_of(container: Object, path: str) -> Object | None:
    """Return the innermost mount that contains `path`."""
    above = [mount for mount in container["volumeMounts"] if Path(path).is_relative_to(mount["mountPath"])]
    return max(above, key=lambda mount: len(mount["mountPath"]), default=None)
