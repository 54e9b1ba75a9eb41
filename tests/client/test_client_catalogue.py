from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from client_helpers import FakeTime, RawServer, client, http, one_try

from reconciler.client import Workflow
from reconciler.client.catalogue import Catalogue
from reconciler.client.exceptions import (
    ForbiddenException,
    NotFoundException,
    NotSentError,
    UnauthorizedException,
)
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidParameterException, UnexpectedAnswerError

_IMAGES = "/image-management/api/v2/images/"
_OPTIONS = "/quota/api/v1/settings/tenant-instance-options"


@pytest.fixture
def catalogue(api: Workflow) -> Catalogue:
    """Return a client of the emulator that reads and cannot write."""
    return Catalogue(api.session.as_read_only())


def _asked(server: EmulatorServer) -> list[tuple[str, str, dict[str, str]]]:
    return [(request.method, request.path, dict(request.query)) for request in server.requests]


@contextmanager
def _answered(*bodies: object) -> Iterator[Catalogue]:
    """Yield a client whose n-th request is answered with the n-th body."""
    with (
        RawServer(*(http(200, body) for body in bodies)) as raw,
        client(raw.url, retry=one_try()).session as session,
    ):
        yield Catalogue(session)


def _page(key: str, *items: object, count: object = 1) -> dict[str, object]:
    return {key: list(items), "pageCount": count, "pageNumber": 1, "pageSize": 100}


def test_catalogue_is_no_part_of_the_workflow_client() -> None:
    """The workflow client has the documented methods only; these are in a client of their own."""
    theirs = {name for name in vars(Catalogue) if not name.startswith("_")}
    assert theirs == {"list_images", "list_image_versions", "list_instance_types"}
    assert not [name for name in theirs if hasattr(Workflow, name)]


def test_images(server: EmulatorServer, catalogue: Catalogue) -> None:
    """Every image is listed with its id and name, by one request for a page of a hundred."""
    found = {image["id"]: image["name"] for image in catalogue.list_images()}
    assert found == {100: "workflow-python", 200: "workflow-r", 400: "team-forecast"}
    assert _asked(server) == [("GET", _IMAGES, {"pageSize": "100", "pageNumber": "1"})]


def test_images_by_name(server: EmulatorServer, catalogue: Catalogue) -> None:
    """A name is searched for by the server."""
    assert [image["id"] for image in catalogue.list_images("python")] == [100]
    assert _asked(server)[0][2]["searchTerm"] == "python"


def test_images_of_all_pages(server: EmulatorServer, catalogue: Catalogue) -> None:
    """All pages are walked, each asked for when it is reached; after a full last one, one more."""
    images = catalogue.list_images(page_size=1)
    assert server.requests == []
    assert next(images)["id"] == 100
    assert len(server.requests) == 1
    assert [image["id"] for image in images] == [200, 400]
    assert [query["pageNumber"] for _, _, query in _asked(server)] == ["1", "2", "3", "4"]


def test_versions(server: EmulatorServer, catalogue: Catalogue) -> None:
    """The versions of an image come with their status."""
    found = {version["id"]: version["status"] for version in catalogue.list_image_versions(400)}
    assert found == {
        100: "ready",
        200: "ready",
        400: "ready",
        401: "in-use",
        402: "not-ready",
        403: "deleting",
        404: "delete-failed",
    }
    assert _asked(server) == [("GET", f"{_IMAGES}400/versions", {"pageSize": "100", "pageNumber": "1"})]


def test_versions_of_all_pages(server: EmulatorServer, catalogue: Catalogue) -> None:
    """All pages of versions are walked, the last one not full."""
    assert len(list(catalogue.list_image_versions(400, page_size=2))) == 7
    assert [query["pageNumber"] for _, _, query in _asked(server)] == ["1", "2", "3", "4"]


def test_versions_of_an_unknown_image(catalogue: Catalogue) -> None:
    """An image that does not exist is `NotFoundException`."""
    with pytest.raises(NotFoundException, match=f"GET {_IMAGES}7/versions answered 404"):
        list(catalogue.list_image_versions(7))


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_image_id_cannot_lead_elsewhere(server: EmulatorServer, catalogue: Catalogue, bad: Any) -> None:
    """An ID that is empty or dots is refused before anything is sent."""
    with pytest.raises(InvalidParameterException, match="invalid ID"):
        catalogue.list_image_versions(bad)
    assert server.requests == []


def test_instance_types(server: EmulatorServer, catalogue: Catalogue, api: Workflow) -> None:
    """The instance types have names, and are the ones that the workflow API lists without."""
    found = {item["id"]: item["name"] for item in catalogue.list_instance_types()}
    assert found[21] == "Pico (0.125CPU, 0.125GB RAM)"
    assert _asked(server) == [("GET", _OPTIONS, {"entityType": "workflow"})]
    assert set(found) == {item["id"] for item in api.list_resources()}


_CALLS = [
    pytest.param(lambda api: list(api.list_images()), id="images"),
    pytest.param(lambda api: list(api.list_image_versions(100)), id="versions"),
    pytest.param(lambda api: api.list_instance_types(), id="instance types"),
]


@pytest.mark.parametrize("call", _CALLS)
@pytest.mark.parametrize(("status", "kind"), [(401, UnauthorizedException), (403, ForbiddenException)])
def test_errors_are_the_documented_ones(
    server: EmulatorServer, catalogue: Catalogue, call: Any, status: int, kind: type[Exception]
) -> None:
    """An error of the server is its documented exception, and is not asked for again."""
    server.faults = (str(status),)
    with pytest.raises(kind, match=f"answered {status}"):
        call(catalogue)
    assert len(server.requests) == 1


@pytest.mark.parametrize("call", _CALLS)
def test_reads_are_tried_again(
    server: EmulatorServer, catalogue: Catalogue, fake_time: FakeTime, call: Any
) -> None:
    """A server that fails for a moment is asked again, as everywhere in the client."""
    server.faults = ("503:x2",)
    assert call(catalogue)
    assert len(fake_time.sleeps) == 2
    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize("call", _CALLS)
def test_nobody_there(call: Any) -> None:
    """Where nobody listens, nothing was sent."""
    with client("http://127.0.0.1:9", retry=one_try()).session as session, pytest.raises(NotSentError):
        call(Catalogue(session))


def test_a_failure_on_a_later_page_is_not_an_end(server: EmulatorServer, catalogue: Catalogue) -> None:
    """When a page in the middle cannot be had, the walk ends in the error and not as if it were the last."""
    images = catalogue.list_images(page_size=1)
    assert next(images)["id"] == 100
    server.faults = ("403",)
    with pytest.raises(ForbiddenException):
        list(images)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"images": []},
        _page("images", count=True),
        _page("images", count=-1),
        _page("images", count=10**6),
        _page("images", 1),
        _page("images", {"id": 1}),
        _page("images", {"name": "x"}),
        _page("images", {"id": True, "name": "x"}),
        _page("images", {"id": "1", "name": "x"}),
        _page("images", {"id": 1, "name": None}),
        _page("versions", {"id": 1, "name": "x"}),
        {"images": {"id": 1, "name": "x"}, "pageCount": 1},
    ],
)
def test_images_of_another_shape(answer: object) -> None:
    """A page of images that is none is an error and never an empty list."""
    with _answered(answer) as catalogue, pytest.raises(UnexpectedAnswerError, match=f"GET {_IMAGES}"):
        list(catalogue.list_images())


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"versions": []},
        _page("images"),
        _page("versions", []),
        _page("versions", {"id": 1, "version": "1.0"}),
        _page("versions", {"id": 1, "version": "1.0", "status": None}),
        _page("versions", {"id": 1, "version": 1.0, "status": "ready"}),
        _page("versions", {"id": 1.5, "version": "1.0", "status": "ready"}),
    ],
)
def test_versions_of_another_shape(answer: object) -> None:
    """A page of versions that is none, or has no status, is an error."""
    with (
        _answered(answer) as catalogue,
        pytest.raises(UnexpectedAnswerError, match=f"GET {_IMAGES}1/versions"),
    ):
        list(catalogue.list_image_versions(1))


def test_a_later_page_of_another_shape() -> None:
    """Every page is looked at, not only the first."""
    with (
        _answered(_page("images", {"id": 1, "name": "a"}, count=2), {"images": "more"}) as catalogue,
        pytest.raises(UnexpectedAnswerError),
    ):
        list(catalogue.list_images())


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"data": None},
        {"data": {}},
        {"data": [1]},
        {"data": [{"id": 1}]},
        {"data": [{"id": None, "name": "x"}]},
    ],
)
def test_instance_types_of_another_shape(answer: object) -> None:
    """Instance options that are none are an error and never an empty list."""
    with _answered(answer) as catalogue, pytest.raises(UnexpectedAnswerError, match=f"GET {_OPTIONS}"):
        catalogue.list_instance_types()
