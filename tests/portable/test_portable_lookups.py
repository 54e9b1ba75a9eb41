"""Look-ups of names: one usable thing has the name, or an error lists the nearest."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.portable import (
    CatalogueFacts,
    Image,
    ImageVersion,
    InstanceType,
    StatedImage,
    StatedInstanceType,
    Unresolved,
    unresolved_names,
)
from reconciler.portable.lookups import FoundImage, find_image, find_instance_type

_VERSIONS = (
    ImageVersion(id=1, name="1.0", status="ready"),
    ImageVersion(id=2, name="2.0", status="in-use"),
    ImageVersion(id=3, name="3.0", status="not-ready"),
    ImageVersion(id=4, name="4.0", status="deleting"),
    ImageVersion(id=5, name="rebuilt", status="delete-failed"),
    ImageVersion(id=6, name="rebuilt", status="ready"),
    ImageVersion(id=7, name="twice", status="ready"),
    ImageVersion(id=8, name="twice", status="odd"),
)
_FACTS = CatalogueFacts(
    images=(
        Image(id=10, name="python", kind="workflow", scope="global", latest=3),
        Image(id=11, name="python", kind="workspace", scope="global"),
        Image(id=20, name="twin", scope="global"),
        Image(id=21, name="twin", scope="custom"),
        Image(id=30, name="empty"),
    ),
    versions={10: _VERSIONS, 20: _VERSIONS, 21: _VERSIONS, 30: ()},
    instance_types=(
        InstanceType(id=1, name="Pico (0.125CPU, 0.125GB RAM)", size=(125, 125, 0)),
        InstanceType(id=2, name="Small (1CPU, 2GB RAM)", size=(1000, 2000, 0)),
        InstanceType(id=3, name="GPU Small (1CPU, 2GB RAM, 1GPU)", size=(1000, 2000, 1)),
        InstanceType(id=4, name="Same (a)", size=(8, 8, 0)),
        InstanceType(id=5, name="Same (b)", size=(8, 8, 0)),
    ),
)


def _image(name: str, version: str, *, allow_latest: bool = False, facts: CatalogueFacts = _FACTS) -> Any:
    return find_image(StatedImage(("image",), name, version), facts, str, allow_latest=allow_latest)


def _type(name: str = "", *size: float) -> Any:
    return find_instance_type(StatedInstanceType(("instanceType",), name, size), _FACTS, str)


@pytest.mark.parametrize(
    ("version", "found"), [("1.0", 1), ("2.0", 2), ("rebuilt", 6)], ids=["ready", "in use", "rebuilt"]
)
def test_a_version_that_can_run(version: str, found: int) -> None:
    """A name means the image for workflows, and the version of that text that can run."""
    result = _image("python", version)
    assert isinstance(result, FoundImage)
    assert (result.image.id, result.version.id, result.note) == (10, found, "")


@pytest.mark.parametrize(
    ("name", "version", "path", "message"),
    [
        ("pythn", "1.0", "name", "image 'pythn' does not exist in the tenant; nearest: 'python', "),
        (
            "twin",
            "1.0",
            "name",
            "2 images have the name 'twin' (ids 20 (global), 21 (custom)); state imageId",
        ),
        ("python", "1.1", "version", "image 'python' has no version '1.1'; ready versions: '1.0', '2.0'"),
        ("python", "3.0", "version", "cannot run, its status is 'not-ready'; ready versions: '2.0', "),
        ("python", "4.0", "version", "version '4.0' of image 'python' cannot run, its status is 'deleting'"),
        ("python", "twice", "version", "version 'twice' of image 'python' is not unique (ids 7, 8)"),
        ("empty", "1.0", "version", "image 'empty' has no version '1.0'; no version is ready"),
        ("empty", "latest", "version", "no version of image 'empty' is ready"),
        (
            "python",
            "latest",
            "version",
            "version: latest is not allowed here; state a version (the latest is",
        ),
    ],
)
def test_a_name_without_an_id(name: str, version: str, path: str, message: str) -> None:
    """An image that is unknown, ambiguous, deleted or not ready is an error where it is stated."""
    result = _image(name, version)
    assert isinstance(result, Unresolved)
    assert result.path == ("image", path)
    assert message in result.message


def test_latest_is_the_newest_that_can_run() -> None:
    """`latest` is the platform's own latest version if it can run, else the newest before; a note says so."""
    result = _image("python", "latest", allow_latest=True)
    assert result.version.id == 8
    assert result.note == (
        "version latest of image python is twice (8); 3.0 (3) cannot run, its status is 'not-ready'"
    )
    images = (Image(id=10, name="python", latest=2),)
    facts = CatalogueFacts(images=images, versions={10: _VERSIONS})
    result = _image("python", "latest", allow_latest=True, facts=facts)
    assert (result.version.id, result.note) == (2, "version latest of image python is 2.0 (2)")


def test_candidates_are_bounded_and_without_secrets() -> None:
    """Of many images five are listed, those with similar names first; a secret among them is hidden."""
    names = [f"other-{number}" for number in range(2000)] + ["models-secret", "models-b"]
    facts = CatalogueFacts(images=tuple(Image(id=n, name=name) for n, name in enumerate(names)))
    stated = StatedImage(("image",), "models-a", "1")
    (problem,) = unresolved_names(
        [stated], facts, lambda text: text.replace("models-secret", "(sensitive)"), allow_latest=False
    )
    assert problem.message.count("other-") == 3
    assert "nearest: 'models-b', '(sensitive)', " in problem.message
    assert len(problem.message) < 300


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (("Pico",), 1),
        (("Pico (0.125CPU, 0.125GB RAM)",), 1),
        (("GPU Small",), 3),
        (("Same (b)",), 5),
        (("", 1000, 2000, 0), 2),
        (("", 1, 2, 0), 2),
        (("", 1, 2, 1), 3),
        (("", 0.125, 0.125, 0), 1),
    ],
)
def test_an_instance_type_by_name_or_size(stated: tuple[Any, ...], found: int) -> None:
    """A name is whole or without its brackets; a size is in the platform's numbers, or in CPUs and GB."""
    assert _type(*stated).id == found


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (
            ("Pica",),
            "instance type 'Pica' does not exist in the tenant; nearest: 'Pico (0.125CPU, 0.125GB RAM)'",
        ),
        (("pico",), "instance type 'pico' does not exist in the tenant; nearest: 'Pico (0.125CPU"),
        (
            ("Same",),
            "2 instance types match instance type 'Same': 'Same (a)' (4), 'Same (b)' (5); state the whole",
        ),
        (("", 8, 8, 0), "2 instance types match an instance type of cpu 8, memory 8 and gpu 0: "),
        (("", 2, 2, 0), "nearest: 'Small' (cpu 1000, memory 2000, gpu 0), "),
    ],
)
def test_an_instance_type_without_an_id(stated: tuple[Any, ...], message: str) -> None:
    """An unknown or ambiguous instance type is an error that lists the nearest."""
    result = _type(*stated)
    assert isinstance(result, Unresolved)
    assert message in result.message


def test_a_tenant_without_anything() -> None:
    """Without images or instance types the error says that there are none."""
    nothing = CatalogueFacts()
    assert "the tenant has no images" in _image("a", "1", facts=nothing).message
    result = find_instance_type(StatedInstanceType((), "a"), nothing, str)
    assert isinstance(result, Unresolved)
    assert result.message.endswith("the tenant has none")
