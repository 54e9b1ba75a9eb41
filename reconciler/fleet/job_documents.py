"""Fleet elsewhere: its units as a matrix of GitHub, a pipeline of GitLab, or an Indexed Job of Kubernetes.

Each of their jobs runs one unit of the same list, by its number.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from reconciler.errors import UsageError
from reconciler.fleet.units import Unit
from reconciler.manifests import manifest_text
from reconciler.values import JsonObject, JsonValue, dump_compact

INDEX_VARIABLE: Final = "JOB_COMPLETION_INDEX"
"""The variable in which Kubernetes gives each pod of an Indexed Job its number."""

_PROGRAM: Final = "peak-reconciler"
_MOST: Final = {"GitHub matrix": 256, "GitLab matrix": 200, "Kubernetes Job": 100_000}
"""The most jobs of each, by their documentation."""

_NO_RETRY: Final = (2, 3, 4, 64)
"""The exit codes of a unit that another try would only repeat: differences, invalid, blocked, wrong usage."""


def github_matrix(units: Sequence[Unit], words: Sequence[str]) -> str:
    """Return the units as a matrix of GitHub Actions, on one line as `$GITHUB_OUTPUT` takes it.

    Args:
        units: The units.
        words: The command line of the fleet, without the name of the program.

    Raises:
        UsageError: They are more than a matrix may have.
    """
    _check("GitHub matrix", units)
    jobs: list[JsonValue] = [
        {
            "unit": unit.index,
            "environment": unit.environment,
            "shard": str(unit.shard),
            "name": unit.label,
            "result": _result_file(unit),
            "command": shlex.join([*_unit_words(words), "--unit", str(unit.index), *_output(unit)]),
        }
        for unit in units
    ]
    return dump_compact({"include": jobs})


def gitlab_pipeline(units: Sequence[Unit], words: Sequence[str]) -> str:
    """Return the units as a child pipeline of GitLab, whose last job merges their results.

    Args:
        units: The units.
        words: The command line of the fleet, without the name of the program.

    Raises:
        UsageError: They are more than a matrix may have.
    """
    _check("GitLab matrix", units)
    command = f'{shlex.join(_unit_words(words))} --unit "$UNIT" --output "json=unit-$UNIT.json"'
    matrix: list[JsonValue] = [
        {"NAME": unit.label, "UNIT": str(unit.index)}  # an entry for each, and so a job for each
        for unit in units
    ]
    artifacts: JsonObject = {"when": "always", "paths": ["unit-*.json"]}
    merge = f"{_PROGRAM} report merge unit-*.json --output json=fleet.json"
    return manifest_text(
        {
            "stages": ["fleet", "report"],
            "unit": {
                "stage": "fleet",
                "parallel": {"matrix": matrix},
                "script": [command],
                "artifacts": artifacts,
            },
            "merged": {
                "stage": "report",
                "when": "always",
                "script": [merge],
                "artifacts": {"when": "always", "paths": ["fleet.json"]},
            },
        },
        {},
    )


def kubernetes_job(  # noqa: PLR0913 - the last by name
    units: Sequence[Unit],
    words: Sequence[str],
    *,
    image: str,
    secret: str,
    parallelism: int,
    retries: int,
) -> str:
    """Return the units as an Indexed Job: its pods run one unit each, by `JOB_COMPLETION_INDEX`.

    Args:
        units: The units.
        words: The command line of the fleet, without the name of the program.
        image: The container image, with this program and the repository as its working directory.
        secret: The Secret whose keys become variables: the tokens of all environments.
        parallelism: The most pods at a time.
        retries: How often a pod that failed is replaced.

    Raises:
        UsageError: They are more than a Job may have.
    """
    _check("Kubernetes Job", units)
    container: JsonObject = {
        "name": "unit",
        "image": image,
        "args": list(_unit_words(words)[1:]),
        "env": [{"name": "RECONCILER_BACKUP_DIR", "value": "/state/backups"}],
        "envFrom": [{"secretRef": {"name": secret}}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "50m", "memory": "96Mi", "ephemeral-storage": "16Mi"},
            "limits": {"memory": "512Mi", "ephemeral-storage": "256Mi"},
        },
        "volumeMounts": [
            {"name": "state", "mountPath": "/state"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 # nosec B108
        ],
    }
    pod: JsonObject = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 150,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "state", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }
    rules: list[JsonValue] = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailIndex",
            "onExitCodes": {"containerName": "unit", "operator": "In", "values": [*_NO_RETRY]},
        },
    ]
    job: JsonObject = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"peak-fleet-{words[1]}-"},
        "spec": {
            "completionMode": "Indexed",
            "completions": len(units),
            "parallelism": min(parallelism, len(units)),
            "backoffLimitPerIndex": retries,
            "podFailurePolicy": {"rules": rules},
            "ttlSecondsAfterFinished": 259_200,
            "template": {"spec": pod},
        },
    }
    names = [f"{unit.index}: {unit.label}" for unit in units]
    return manifest_text(job, {}, ["Each pod runs the unit of its index:", *names])


def _check(what: str, units: Sequence[Unit]) -> None:
    if len(units) > _MOST[what]:
        raise UsageError(
            f"a {what} has at most {_MOST[what]:,} jobs, found {len(units):,} units",
            hint="Use fewer shards, or select fewer environments with --environments.",
        )


def _unit_words(words: Sequence[str]) -> list[str]:
    return [_PROGRAM, *words]


def _result_file(unit: Unit) -> str:
    return f"unit-{unit.index}.json"


def _output(unit: Unit) -> list[str]:
    return ["--output", f"json={_result_file(unit)}"]
