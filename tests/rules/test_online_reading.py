"""The requests for the online rules: everything that they need, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.client.exceptions import ForbiddenException, NotFoundException
from reconciler.concurrency import CONCURRENCY
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.operations.online_check import read_facts
from reconciler.rules.online import Lookup, Named, TenantFacts, Version
from reconciler.secrecy import Redactor


@dataclass
class _Tenant:
    """A tenant that keeps count of what it is asked; an error in place of an answer is raised."""

    images: Any = (1, 2)
    versions: dict[int, Any] = field(default_factory=lambda: {1: (10, 11), 2: (20,)})
    resources: Any = (21, 22)
    options: Any = (21, 22)
    workflows: Any = field(default_factory=lambda: {"a": (1,)})
    asked: list[str] = field(default_factory=list)

    def list_images(self) -> Iterator[Any]:
        """Yield the images."""
        self.asked.append("images")
        yield from ({"id": number, "name": f"image {number}"} for number in _given(self.images))

    def list_image_versions(self, image_id: int) -> Iterator[Any]:
        """Yield the versions of an image; 404 without such an image."""
        self.asked.append(f"versions {image_id}")
        found = _given(self.versions.get(image_id, NotFoundException("no such image")))
        yield from ({"id": number, "version": f"v{number}", "status": "ready"} for number in found)

    def list_instance_types(self) -> list[Any]:
        """Return the instance types with their names."""
        self.asked.append("options")
        return [{"id": number, "name": f"type {number}"} for number in _given(self.options)]

    def list_resources(self) -> list[Any]:
        """Return the instance types without names."""
        self.asked.append("resources")
        return [{"id": number, "cpu": 1} for number in _given(self.resources)]

    def list_workflows(self) -> Any:
        """Return the ids of the workflows by name."""
        self.asked.append("workflows")
        return _given(self.workflows)

    def read(self, redactor: Redactor | None = None, **needs: set[Any]) -> TenantFacts:
        """Return the facts that are read from this tenant."""
        wanted = {name: frozenset(needs.get(name, ())) for name in ("images", "instance_types", "names")}
        return read_facts(
            Lookup(**wanted), self, self.list_resources, self.list_workflows, redactor or Redactor()
        )


def _given(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_nothing_is_asked_for_nothing() -> None:
    """Where nothing is needed, nothing is asked."""
    tenant = _Tenant()
    assert tenant.read() == TenantFacts(versions={}, images=(), instance_types=(), workflows={})
    assert tenant.asked == []


def test_only_the_images_that_are_needed() -> None:
    """The versions of each needed image are asked for once; where all exist, no list of images is."""
    tenant = _Tenant()
    facts = tenant.read(images={1})
    assert facts.versions == {1: (Version(10, "v10", "ready"), Version(11, "v11", "ready"))}
    assert tenant.asked == ["versions 1"]


def test_an_unknown_image_brings_the_candidates() -> None:
    """An image that has no versions, and is not listed, is unknown; the listed ones are the candidates."""
    for unknown in ({}, {7: ()}):
        tenant = _Tenant(versions={1: (10,), **unknown})
        facts = tenant.read(images={1, 7})
        assert set(facts.versions) == {1}
        assert facts.images == (Named(1, "image 1"), Named(2, "image 2"))
        assert sorted(tenant.asked) == ["images", "versions 1", "versions 7"]


def test_an_image_without_versions() -> None:
    """An image that is listed exists, also without a version."""
    assert _Tenant(versions={2: ()}).read(images={2}).versions == {2: ()}


def test_a_tenant_that_contradicts_itself() -> None:
    """An image that is listed and not found is neither there nor absent: an error of the command."""
    with pytest.raises(UnexpectedAnswerError, match="image 2 is in the list of images"):
        _Tenant(versions={1: (10,)}).read(images={1, 2})


@pytest.mark.parametrize(
    "tenant",
    [
        _Tenant(versions={1: ForbiddenException("no")}),
        _Tenant(versions={}, images=ForbiddenException("no")),
        _Tenant(versions={}, images=NotFoundException("no")),
        _Tenant(resources=ForbiddenException("no")),
        _Tenant(resources=(), options=ForbiddenException("no")),
        _Tenant(workflows=ForbiddenException("no")),
    ],
    ids=["versions", "images", "no such endpoint", "resources", "options", "workflows"],
)
def test_a_read_that_fails_is_never_absent(tenant: _Tenant) -> None:
    """Whatever cannot be read ends in the client's own error, 404 for a whole list among them."""
    with pytest.raises(ReconcilerError, match="no"):
        tenant.read(images={1}, instance_types={21}, names={"a"})


def test_instance_types_by_the_documented_list() -> None:
    """Where the documented list has all that are needed, no other is asked."""
    tenant = _Tenant()
    facts = tenant.read(instance_types={21})
    assert facts.instance_types == (Named(21, ""), Named(22, ""))
    assert tenant.asked == ["resources"]


def test_instance_types_with_names() -> None:
    """Where one is missing, the tenant's options count as well, and bring names."""
    tenant = _Tenant(resources=(20, 21), options=(21, 23))
    facts = tenant.read(instance_types={21, 23})
    assert facts.instance_types == (Named(20, ""), Named(21, "type 21"), Named(23, "type 23"))
    assert tenant.asked == ["resources", "options"]


def test_a_resource_without_an_id() -> None:
    """An instance type without a proper id is an answer that cannot be trusted."""
    with pytest.raises(UnexpectedAnswerError, match="valid `id`"):
        _Tenant(resources=("21",)).read(instance_types={21})


def test_workflows_only_for_names() -> None:
    """The workflows are listed only where a name is needed."""
    tenant = _Tenant()
    assert tenant.read(names={"b"}).workflows == {"a": (1,)}
    assert tenant.asked == ["workflows"]


def test_secrets_are_taken_out_of_names() -> None:
    """A secret that the tenant repeats as a name is taken out before the name could be clipped."""
    tenant = _Tenant(images=(2,), versions={1: (1234,)}, options=(21,), resources=())
    facts = tenant.read(Redactor.of(["image", "type", "v1234"]), images={1, 9}, instance_types={21})
    named = (*facts.images, *facts.instance_types, *facts.versions[1])
    assert [item.name for item in named] == ["(sensitive) 2", "(sensitive) 21", "(sensitive)"]


def test_ten_at_a_time() -> None:
    """Versions are asked for by ten threads, no fewer and no more."""
    here, most, lock = [0], [0], threading.Lock()
    together = threading.Barrier(CONCURRENCY, timeout=10)

    class Slow(_Tenant):
        def list_image_versions(self, image_id: int) -> Iterator[Any]:
            with lock:
                here[0] += 1
                most[0] = max(most[0], here[0])
            together.wait()
            with lock:
                here[0] -= 1
            yield from super().list_image_versions(image_id)

    wanted = set(range(2 * CONCURRENCY))
    tenant = Slow(versions=dict.fromkeys(wanted, (1,)))
    assert set(tenant.read(images=wanted).versions) == wanted
    assert len(tenant.asked) == len(wanted)
    assert most[0] == CONCURRENCY == 10
