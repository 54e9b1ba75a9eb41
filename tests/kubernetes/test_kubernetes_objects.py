"""The Kubernetes examples, rendered by kustomize and checked against the schemas of Kubernetes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_helpers import (
    APPLIED,
    EXAMPLES,
    OPERATOR,
    OVERLAYS,
    ROOT,
    manifests,
    of_kind,
    option,
    rendered,
    workload,
)

from reconciler.configuration import load_configuration

_VERSIONS = ("1.29", "1.37")
"""The oldest documented version (sidecar containers), and the newest with schemas here."""


@pytest.mark.parametrize("version", _VERSIONS)
def test_objects_are_valid(version: str) -> None:
    """Every object of every overlay is valid, without unknown keys."""
    different = {json.dumps(found): found for name in APPLIED for found in rendered(name)}
    checked = [found for found in different.values() if found["kind"] not in OPERATOR]
    assert {"CronJob", "Deployment", "NetworkPolicy"} < {found["kind"] for found in checked}
    for found in checked:
        assert kubernetes_validate.validate(found, version, strict=True) == version


def test_validation_is_strict() -> None:
    """A misspelt key, anywhere in an object, is an error."""
    (cronjob,) = of_kind(rendered("base"), "CronJob")
    cronjob["spec"]["jobTemplate"]["spec"]["activeDeadlineSecond"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(cronjob, _VERSIONS[-1], strict=True)


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_LABELS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT, "minProperties": 1}
_SECONDS: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+(s|m|h|d)$"}


def _closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _some(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


_RULE = _closed(alert=_TEXT, expr=_TEXT, labels=_LABELS, annotations=_LABELS)
_RULE["properties"]["for"] = _SECONDS
_OPERATOR: dict[str, dict[str, Any]] = {
    "PodMonitor": _closed(
        selector=_closed(matchLabels=_LABELS),
        podMetricsEndpoints=_some(_closed(port=_TEXT, path=_TEXT, interval=_SECONDS)),
    ),
    "PrometheusRule": _closed(groups=_some(_closed(name=_TEXT, rules=_some(_RULE)))),
}
"""The used part of the Prometheus operator's documented fields, written by hand, because no package has its
schemas. Look up and add any other field."""


def test_operator_objects_use_documented_fields() -> None:
    """Objects of the Prometheus operator have documented fields, and each kind is in an overlay."""
    kinds = set()
    for name in OVERLAYS:
        for found in rendered(name):
            if found["kind"] in OPERATOR:
                assert found["apiVersion"] == "monitoring.coreos.com/v1"
                jsonschema.validate(found["spec"], _OPERATOR[found["kind"]])
                kinds.add(found["kind"])
    assert kinds == OPERATOR == set(_OPERATOR)


@pytest.mark.parametrize("name", APPLIED)
def test_everything_has_its_namespace(name: str) -> None:
    """All objects of an overlay are in its namespace."""
    (namespace,) = {found["metadata"]["namespace"] for found in rendered(name)}
    assert namespace == yaml.safe_load((EXAMPLES / name / "kustomization.yaml").read_text())["namespace"]


@pytest.mark.parametrize("name", APPLIED)
def test_images_have_a_version(name: str) -> None:
    """Every image has a fixed version, never none or `latest`."""
    for container in workload(rendered(name)).containers:
        image, _, tag = container["image"].partition("@")[0].rpartition(":")
        assert "/" in image, container["image"]
        assert tag[:1].isdigit() or tag.startswith("v"), container["image"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_configuration_is_valid(name: str, tmp_path: Any) -> None:
    """The reconciler.yaml of the ConfigMap is valid, and has the command's environment."""
    (configuration,) = of_kind(rendered(name), "ConfigMap")
    (tmp_path / "reconciler.yaml").write_text(configuration["data"]["reconciler.yaml"])
    schema = json.loads((ROOT / "schemas" / "configuration.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(configuration["data"]["reconciler.yaml"]))
    chosen = option(workload(rendered(name)).reconciler["args"], "environment")
    read = load_configuration(tmp_path / "reconciler.yaml", chosen)
    assert read.owner
    assert read.environment is not None
    assert read.environment.protected == (chosen == "prod")
    assert not read.warnings


def test_no_secret_is_in_git() -> None:
    """No example has a Secret, or a literal secret in a variable."""
    for name in OVERLAYS:
        objects = rendered(name)
        assert not of_kind(objects, "Secret")
        for container in workload(objects).containers:
            for entry in container["env"]:
                assert "value" not in entry or not entry["name"].endswith(
                    ("TOKEN", "KEY", "PASSWORD", "_URL")
                )


def test_the_image_has_the_manifests() -> None:
    """The Dockerfile copies the manifests to the directory in reconciler.yaml."""
    dockerfile = (EXAMPLES / "overlays" / "baked" / "Dockerfile").read_text()
    (copied,) = [line.split()[-1] for line in dockerfile.splitlines() if line.startswith("COPY")]
    assert copied == manifests(rendered("overlays/baked"))
