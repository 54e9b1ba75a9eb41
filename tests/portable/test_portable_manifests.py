"""Manifests with names: where they may be stated, and what they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.manifests import Manifest, PatchManifest, ReadOptions, load_manifests
from reconciler.plan.desired import Desired
from reconciler.portable import (
    CatalogueFacts,
    Image,
    ImageVersion,
    InstanceType,
    ResolvedManifest,
    ids_of,
    portable_body,
    resolve_manifest,
    stated_names,
)
from reconciler.schema import is_valid

_FACTS = CatalogueFacts(
    images=(Image(id=10, name="python"), Image(id=20, name="twin"), Image(id=21, name="twin")),
    versions={
        10: (
            ImageVersion(id=1, name="1.0", status="ready"),
            ImageVersion(id=2, name="2.0", status="deleting"),
            ImageVersion(id=3, name="latest", status="ready"),
        ),
        20: (ImageVersion(id=1, name="1.0", status="ready"),),
    },
    instance_types=(
        InstanceType(id=5, name="Pico (0.125CPU)", size=(125, 125, 0)),
        InstanceType(id=6, name="Same (a)", size=(8, 8, 0)),
        InstanceType(id=7, name="Same (b)", size=(8, 8, 0)),
        InstanceType(id=8, name="Equal", size=(9, 9, 0)),
        InstanceType(id=9, name="Equal", size=(9, 9, 0)),
    ),
)
_STEP = "{image: {name: python, version: '1.0'}, resources: {instanceType: Pico, storage: 10GB}}"
_IDS = {"imageId": 10, "imageVersionId": 1, "resources": {"instanceTypeId": 5, "storage": "10GB"}}


def _manifest(folder: Path, text: str, **env: str) -> Manifest:
    file = folder / "flow.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_manifests((str(file),), env, ReadOptions(require_env=False))
    assert loaded.valid, loaded.findings
    return loaded.manifests[0]


def _resolved(manifest: Manifest) -> ResolvedManifest:
    return resolve_manifest(manifest, _FACTS, str, allow_latest=False)


def _problems(folder: Path, text: str) -> list[tuple[int, str]]:
    file = folder / "flow.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_manifests((str(file),), {})
    return [(found.position.line if found.position else 0, found.message) for found in loaded.findings]


def test_a_workflow_with_names(tmp_path: Path) -> None:
    """Ids take the place of names, everything else stays, and what is sent is valid as a body."""
    manifest = _manifest(tmp_path, f"name: flow\nsteps:\n  a: {_STEP}\n  b: {{imageId: 1, command: x}}\n")
    found = _resolved(manifest)
    assert found.problems == ()
    assert found.manifest.body["steps"] == {"a": _IDS, "b": {"imageId": 1, "command": "x"}}
    assert is_valid(found.manifest.body, "workflow")
    assert "image" in str(manifest.body)


def test_a_patch_with_names(tmp_path: Path) -> None:
    """A patch may state names in `set`, without `resources`, and in the steps of its body."""
    manifest = _manifest(
        tmp_path,
        "patch:\n  name: flow\n  stepNames: [a]\n"
        "  set: {image: {name: python, version: '1.0'}, instanceType: {cpu: 125, memory: 125}, command: x}\n"
        f"  body: {{steps: {{b: {_STEP}}}}}\n",
    )
    found = _resolved(manifest).manifest
    assert isinstance(found, PatchManifest)
    assert found.keywords == {"imageId": 10, "imageVersionId": 1, "instanceTypeId": 5, "command": "x"}
    assert found.body["steps"] == {"b": _IDS}


def test_a_manifest_without_names_stays(tmp_path: Path) -> None:
    """Where no name is stated nothing is copied."""
    manifest = _manifest(tmp_path, "name: flow\nsteps: {a: {imageId: 1}}\n")
    assert _resolved(manifest).manifest is manifest
    assert stated_names(manifest) == ()


def test_names_from_variables(tmp_path: Path) -> None:
    """The id of a secret name is as secret; the name of an unset variable is not looked up."""
    text = "name: flow\nsteps:\n  a:\n    image: {name: !env IMAGE, version: '1.0'}\n    command: !env CMD\n"
    manifest = _manifest(tmp_path, text, IMAGE="python", CMD="x")
    assert _resolved(manifest).manifest.sensitive == {("steps", "a", "imageId"), ("steps", "a", "command")}
    assert stated_names(_manifest(tmp_path, text)) == ()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{image: {name: a, version: b}, imageId: 1}", "state either image or imageId with imageVersionId"),
        ("{image: {name: a, version: b}, imageVersionId: 1}", "state either image or imageId"),
        ("{resources: {instanceType: a, instanceTypeId: 1}}", "state either instanceType or instanceTypeId"),
        ("{image: {name: a}}", "'version' is missing in steps.a.image"),
        (
            "{image: {name: a, version: 1.0}}",
            "steps.a.image.version must be text, found 1.0; quote the value",
        ),
        ("{image: a}", "steps.a.image must be a mapping"),
        ("{resources: {instanceType: {cpu: 1}}}", "'memory' is missing in steps.a.resources.instanceType"),
        ("{resources: {instanceType: 5}}", "must be text or a mapping, found 5"),
        ("{type: sql, sqlQueryPath: q, image: {name: a, version: b}}", "unknown key 'image'"),
    ],
)
def test_what_is_refused(tmp_path: Path, step: str, message: str) -> None:
    """Both forms at once, half a name, and a name in a step without an image are errors with their line."""
    (found,) = _problems(tmp_path, f"name: flow\nsteps:\n  a: {step}\n")
    assert found[0] == 3
    assert message in found[1]
    if "type: sql" not in step:
        patched = _problems(tmp_path, f"patch:\n  name: flow\n  body:\n    steps:\n      a: {step}\n")
        assert [line for line, _ in patched] == [5]


def test_both_forms_in_the_set_of_a_patch(tmp_path: Path) -> None:
    """`set` takes one form, too."""
    text = "patch:\n  name: flow\n  set: {image: {name: a, version: b}, imageVersionId: 1}\n"
    assert [line for line, _ in _problems(tmp_path, text)] == [3]


def test_extra_fields_beside_names(tmp_path: Path) -> None:
    """A name in place of an id is no undocumented field, where those are allowed."""
    text = f"name: flow\nsteps:\n  a: {_STEP}\nreconcile: {{extra: {{steps: {{a: {{priority: 1}}}}}}}}\n"
    manifest = _manifest(tmp_path, text)
    assert manifest.extra == {("steps", "a", "priority")}
    assert _resolved(manifest).manifest.body["steps"] == {"a": {**_IDS, "priority": 1}}


def test_ignoring_a_name_ignores_its_ids(tmp_path: Path) -> None:
    """`ignore` of a name leaves the ids to others."""
    text = (
        f"name: flow\nsteps:\n  a: {_STEP}\n"
        "reconcile: {ignore: [steps.a.image, steps.*.resources.instanceType, steps.a.image.version, tags]}\n"
    )
    desired = Desired.of(_resolved(_manifest(tmp_path, text)).manifest)
    assert desired.ignored == (
        ("steps", "a", "imageId"),
        ("steps", "a", "imageVersionId"),
        ("steps", "*", "resources", "instanceTypeId"),
        ("steps", "a", "imageVersionId"),
        ("tags",),
    )


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (
            _IDS,
            {
                "image": {"name": "python", "version": "1.0"},
                "resources": {"instanceType": "Pico", "storage": "10GB"},
            },
        ),
        (
            {"command": "x", "imageId": 10.0, "imageVersionId": 1},
            {"command": "x", "image": {"name": "python", "version": "1.0"}},
        ),
        ({"imageId": 10, "imageVersionId": 2}, None),
        ({"imageId": 10, "imageVersionId": 3}, None),
        ({"imageId": 10, "imageVersionId": 9}, None),
        ({"imageId": 10}, None),
        ({"imageId": 20, "imageVersionId": 1}, None),
        ({"imageId": 99, "imageVersionId": 1}, None),
        ({"resources": {"instanceTypeId": 6}}, {"resources": {"instanceType": "Same (a)"}}),
        ({"resources": {"instanceTypeId": 8}}, None),
        ({"resources": {"storage": "1GB"}}, None),
        ({"type": "sql"}, None),
    ],
)
def test_a_body_with_names_for_ids(tmp_path: Path, ids: dict[str, Any], names: dict[str, Any] | None) -> None:
    """An id whose name leads back to it becomes the name; any other stays, and so does everything else."""
    body = {"name": "flow", "steps": {"a": ids}}
    portable = portable_body(body, _FACTS)
    assert portable == {"name": "flow", "steps": {"a": names or ids}}
    if names:
        manifest = _manifest(tmp_path, str(portable))
        assert _resolved(manifest).manifest.body == body


def test_the_ids_to_read_for_a_body() -> None:
    """Only what some step states is read."""
    wanted = ids_of([{"steps": {"a": _IDS, "b": {"imageId": 11}}}, {"name": "x"}])
    assert (wanted.images, wanted.versions, wanted.instance_types) == (True, {10, 11}, True)
    nothing = ids_of([{"steps": {"a": {"type": "sql"}}}, {}])
    assert (nothing.images, nothing.versions, nothing.instance_types) == (False, frozenset(), False)
