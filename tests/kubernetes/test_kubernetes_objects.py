"""The Kubernetes examples are what Kubernetes takes: rendered by kustomize, checked by its own schemas."""

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
"""The oldest that is documented to do (sidecar containers), and the newest whose schemas are at hand."""


@pytest.mark.parametrize("version", _VERSIONS)
def test_objects_are_valid(version: str) -> None:
    """Every object of every overlay is what Kubernetes' schemas allow, with no key that they do not know."""
    different = {json.dumps(found): found for name in APPLIED for found in rendered(name)}
    checked = [found for found in different.values() if found["kind"] not in OPERATOR]
    assert {"CronJob", "Deployment", "NetworkPolicy"} < {found["kind"] for found in checked}
    for found in checked:
        assert kubernetes_validate.validate(found, version, strict=True) == version


def test_validation_is_strict() -> None:
    """A key that is misspelt, anywhere in an object, is found."""
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
"""Of what the Prometheus operator documents the part that is used here, written by hand: its own schemas are
in no package. Another field must be looked up and added."""


def test_operator_objects_use_documented_fields() -> None:
    """What the Prometheus operator reads has the fields that it documents, and is in an overlay at all."""
    seen = set()
    for name in OVERLAYS:
        for found in rendered(name):
            if found["kind"] in OPERATOR:
                assert found["apiVersion"] == "monitoring.coreos.com/v1"
                jsonschema.validate(found["spec"], _OPERATOR[found["kind"]])
                seen.add(found["kind"])
    assert seen == OPERATOR == set(_OPERATOR)


@pytest.mark.parametrize("name", APPLIED)
def test_everything_has_its_namespace(name: str) -> None:
    """All of an overlay is in the one namespace that it names."""
    (namespace,) = {found["metadata"]["namespace"] for found in rendered(name)}
    assert namespace == yaml.safe_load((EXAMPLES / name / "kustomization.yaml").read_text())["namespace"]


@pytest.mark.parametrize("name", APPLIED)
def test_images_have_a_version(name: str) -> None:
    """Every image is named with a version that stays, never with none or `latest`."""
    for container in workload(rendered(name)).containers:
        image, _, tag = container["image"].partition("@")[0].rpartition(":")
        assert "/" in image, container["image"]
        assert tag[:1].isdigit() or tag.startswith("v"), container["image"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_configuration_is_valid(name: str, tmp_path: Any) -> None:
    """The reconciler.yaml of the ConfigMap is valid, and has the environment that the command names."""
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
    """No example holds a Secret, or a variable with a value that is one."""
    for name in OVERLAYS:
        objects = rendered(name)
        assert not of_kind(objects, "Secret")
        for container in workload(objects).containers:
            for entry in container["env"]:
                assert "value" not in entry or not entry["name"].endswith(
                    ("TOKEN", "KEY", "PASSWORD", "_URL")
                )


def test_the_image_has_the_manifests() -> None:
    """What the Dockerfile copies into the image is what reconciler.yaml names."""
    dockerfile = (EXAMPLES / "overlays" / "baked" / "Dockerfile").read_text()
    (copied,) = [line.split()[-1] for line in dockerfile.splitlines() if line.startswith("COPY")]
    assert copied == manifests(rendered("overlays/baked"))
