"""Checks of one pod beyond the schemas: each takes rendered objects and returns the problems found.

Tests call them with the examples, which have no problem, and with one thing broken, which must be found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kubernetes_helpers import Object, Workload, manifests, megabytes, mount_of, option, variables, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST_ACCESS = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
_RESOURCES = (
    ("requests", "cpu"),
    ("requests", "memory"),
    ("requests", "ephemeral-storage"),
    ("limits", "memory"),
    ("limits", "ephemeral-storage"),
)


def hardening(objects: list[Object]) -> list[str]:
    """Return the rights that a pod does not need: the `restricted` standard, and a bit more."""
    return [problem for found in workloads(objects) for problem in (*_pod(found), *_containers(found))]


def _pod(found: Workload) -> Iterator[str]:
    pod = found.pod
    context = pod.get("securityContext", {})
    if pod.get("automountServiceAccountToken") is not False:
        yield "the pod has a service account token"
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "the pod may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "the pod has no seccomp profile"
    for name in _HOST_ACCESS:
        if pod.get(name):
            yield f"the pod has {name}"
    for volume in pod["volumes"]:
        if "hostPath" in volume:
            yield f"volume {volume['name']} is a directory of the machine"


def _containers(found: Workload) -> Iterator[str]:
    for container in found.containers:
        name, context = container["name"], container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
            yield f"{name}: may gain rights"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: may write to its image"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{name}: has capabilities"
        if context.get("runAsUser", 1) == 0 or context.get("runAsNonRoot") is False:
            yield f"{name}: runs as root"
        for kind, unit in _RESOURCES:
            if not container.get("resources", {}).get(kind, {}).get(unit):
                yield f"{name}: no {unit} in its {kind}"


def wiring(objects: list[Object]) -> list[str]:
    """Return references without an object, objects without a reference, and paths that cannot be written."""
    return [
        problem
        for found in workloads(objects)
        for problem in (*_volumes(found, objects), *_paths(found), *_git(found, objects))
    ]


def _volumes(found: Workload, objects: list[Object]) -> Iterator[str]:
    names = [volume["name"] for volume in found.pod["volumes"]]
    mounted = {mount["name"] for container in found.containers for mount in container["volumeMounts"]}
    for name in sorted(set(names) ^ mounted):
        yield f"volume {name} is mounted or declared, not both"
    present = {(thing["kind"], thing["metadata"]["name"]) for thing in objects}
    wanted = [("ServiceAccount", found.pod["serviceAccountName"])]
    for volume in found.pod["volumes"]:
        if "configMap" in volume:
            wanted.append(("ConfigMap", volume["configMap"]["name"]))
        if "persistentVolumeClaim" in volume:
            wanted.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
            yield f"volume {volume['name']} has no limit"
    for thing in wanted:
        if thing not in present:
            yield f"{thing[0]} {thing[1]} does not exist"
    for container in found.containers:
        yield from _disk_use(container, found.pod["volumes"])


def _disk_use(container: Object, volumes: list[Object]) -> Iterator[str]:
    """Yield a container whose volumes may exceed its ephemeral storage, which ends the pod."""
    limit = megabytes(container["resources"]["limits"]["ephemeral-storage"])
    writable = {mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    sizes = [
        volume.get("emptyDir", {}).get("sizeLimit", "0Mi") for volume in volumes if volume["name"] in writable
    ]
    if sum(map(megabytes, sizes)) > limit:
        yield f"{container['name']}: its volumes may exceed its ephemeral-storage limit"


def written_paths(container: Object) -> dict[str, str]:
    """Return the paths that the command writes to, by the variable or option that sets them."""
    env, arguments = variables(container), container["args"]
    named = {
        "RECONCILER_BACKUP_DIR": env.get("RECONCILER_BACKUP_DIR"),
        "RECONCILER_METRICS_FILE": env.get("RECONCILER_METRICS_FILE"),
        "TMPDIR": env.get("TMPDIR", "/tmp"),  # noqa: S108 - Python's default, in the container
        **{
            f"--{name}": option(arguments, name)
            for name in ("backup-dir", "metrics-file", "lock-file", "report")
        },
    }
    return {name: path for name, path in named.items() if path}


def _paths(found: Workload) -> Iterator[str]:
    container = found.reconciler
    paths = written_paths(container)
    if not {"RECONCILER_BACKUP_DIR", "--backup-dir"} & set(paths):
        yield "backups would go next to the configuration"
    for name, path in paths.items():
        mount = mount_of(container, path)
        if mount is None or mount.get("readOnly"):
            yield f"{name}: {path} cannot be written"
    configuration = variables(container).get("RECONCILER_CONFIG", "")
    mount = mount_of(container, configuration)
    sources = {volume["name"]: volume for volume in found.pod["volumes"]}
    if mount is None or "configMap" not in sources[mount["name"]]:
        yield f"RECONCILER_CONFIG: {configuration} is not in a ConfigMap"


def _git(found: Workload, objects: list[Object]) -> Iterator[str]:
    """Yield differences between the manifests that git-sync publishes and those that the command reads."""
    git, container, path = found.containers[0], found.reconciler, manifests(objects)
    if git["name"] != "git-sync":
        return
    root, link = option(git["args"], "root"), option(git["args"], "link")
    if not Path(path).is_relative_to(f"{root}/{link}"):
        yield f"{path} is not below {root}/{link}"
    ours, theirs = mount_of(container, path), mount_of(git, f"{root}/{link}")
    if ours is None or theirs is None or ours["name"] != theirs["name"] or theirs.get("readOnly"):
        yield "git-sync and the command share no volume"
    elif not ours.get("readOnly"):
        yield "the command may write to what git-sync fetched"
