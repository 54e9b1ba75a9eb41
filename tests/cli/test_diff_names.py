"""`diff` between tenants whose ids of images, versions and instance types all differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from test_diff import _BOTH, _write, two  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from test_diff import _Two

_SHIFT = 5000


def _named(name: str, version: str = "1.0.200", kind: str = "Pico") -> dict[str, Any]:
    step = {
        "image": {"name": "workflow-python", "version": version},
        "command": "x",
        "resources": {"instanceType": kind, "storage": "10GB"},
    }
    return {"name": name, "steps": {"one": step}}


def test_equal_names_are_equal(two: _Two) -> None:
    """One tree on two tenants with other ids is equal; then only what differs by name does."""
    two.prod.profile = frozenset({f"catalogue-ids={_SHIFT}"})
    _write(two.folder / "flows", _named("a"), _named("b"))
    assert two.run("apply", *_BOTH, "--auto-approve").returncode == 0
    equal = two.run("diff", *_BOTH, "--detailed-exitcode")
    assert equal.returncode == 0, equal.stdout
    for name in ("dev", "prod"):
        assert two.run("diff", "flows", "--environment", name, "--detailed-exitcode").returncode == 0
    _write(two.folder / "flows", _named("b", kind="Small"))
    assert two.run("apply", "--environment", "prod", "--auto-approve").returncode == 0
    (different,) = two.found(*_BOTH)["different"]
    (field,) = different["fields"]
    assert field["path"] == ["steps", "one", "resources", "instanceTypeId"]
    assert field["left"].startswith("Pico")
    assert field["right"].startswith("Small")


def test_equal_ids_of_other_things_differ(two: _Two) -> None:
    """The same number is another image in a tenant whose ids are shifted by it."""
    two.prod.profile = frozenset({"catalogue-ids=100"})
    for server in (two.dev, two.prod):
        step = {"imageId": 200, "imageVersionId": 300, "command": "x"}
        server.store.create({"name": "a", "steps": {"one": step}})
    (different,) = two.found(*_BOTH)["different"]
    assert [field["path"][-1] for field in different["fields"]][0] == "imageId"


def test_without_a_catalogue_ids_are_compared(two: _Two) -> None:
    """Where a tenant refuses its names, a warning says that ids are compared."""
    two.prod.profile = frozenset({f"catalogue-ids={_SHIFT}"})
    _write(two.folder / "flows", _named("a"))
    assert two.run("apply", *_BOTH, "--auto-approve").returncode == 0
    two.prod.add_fault("403@GET/image-management/*")
    done = two.run("diff", *_BOTH, "--format", "json")
    assert done.returncode == 0
    assert "prod does not return the names of images or instance types: their ids are compared" in done.stderr
    (different,) = json.loads(done.stdout)["different"]
    assert {"path": ["steps", "one", "imageId"], "left": 100, "right": 100 + _SHIFT, "sensitive": False} in (
        different["fields"]
    )


def test_two_directories_with_names(two: _Two) -> None:
    """Without a tenant, names are compared as they are stated."""
    _write(two.folder / "left", _named("a"), _named("b"))
    _write(two.folder / "right", _named("a", "1.0.300"), _named("b"))
    (different,) = two.found("left", "right")["different"]
    assert [field["path"] for field in different["fields"]] == [["steps", "one", "image", "version"]]
