"""The rest of the API and the server itself: catalogue, authorization, limits, start and stop."""

from __future__ import annotations

import gc
import socket
import threading
import uuid
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from emulator_helpers import WORKFLOWS, Api, body

from reconciler.emulator.server import EmulatorServer
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.logging import LogCaptureFixture


def test_resources_and_their_default(api: Api) -> None:
    """The instance types are listed, and the default resource has one of them."""
    listed = api.get("/workflows/api/v1/resources")
    assert {21, 22, 23, 24} <= {item["id"] for item in listed}
    assert set(listed[0]) == {"id", "cpu", "gpu", "gpuMemory", "memory"}
    assert api.get("/workflows/api/v1/resources/defaults") == {"instanceTypeId": 21, "storage": "10GB"}


def test_instance_options_have_names(api: Api) -> None:
    """The options for workflows have names; options for other entity types are refused."""
    path = "/quota/api/v1/settings/tenant-instance-options"
    names = {item["id"]: item["name"] for item in api.get(path, entityType="workflow")["data"]}
    assert names[21].startswith("Pico (")
    assert names[22].startswith("Nano (")
    assert api.send("GET", path).status_code == 400


@pytest.mark.parametrize("profile", [{"catalogue-ids=5000"}, {"catalogue-ids=5000", "defaults-filled"}])
def test_other_ids_for_the_same_names(api: Api, profile: set[str]) -> None:
    """With `catalogue-ids` every id of the catalogue is higher, and every name is the same."""
    paths = {
        "/image-management/api/v2/images/": ("images", "name"),
        "/quota/api/v1/settings/tenant-instance-options": ("data", "name"),
    }
    plain = {path: api.get(path, entityType="workflow")[key] for path, (key, _) in paths.items()}
    api.server.profile = frozenset(profile)
    for path, (key, name) in paths.items():
        shifted = api.get(path, entityType="workflow")[key]
        assert [item["id"] - 5000 for item in shifted] == [item["id"] for item in plain[path]]
        assert [item[name] for item in shifted] == [item[name] for item in plain[path]]
    versions = api.get("/image-management/api/v2/images/5400/versions")["versions"]
    assert (versions[0]["id"], versions[0]["version"]) == (5100, "1.0.100")
    assert api.send("GET", "/image-management/api/v2/images/400/versions").status_code == 404
    assert api.get("/workflows/api/v1/resources/defaults")["instanceTypeId"] == 5021
    number = api.create(body(steps={"one": {"imageId": 5100, "imageVersionId": 5200}}))
    step = api.get(str(number))["steps"]["one"]
    assert (step["imageName"], step["imageVersion"]) == ("workflow-python", "1.0.200")
    assert step.get("resources", {"instanceTypeId": 5021})["instanceTypeId"] == 5021


def test_images_are_searched_and_paged(api: Api) -> None:
    """Images are found by part of their name and come in pages."""
    path = "/image-management/api/v2/images/"
    found = api.get(path, searchTerm="PYTHON")
    assert [(image["id"], image["name"]) for image in found["images"]] == [(100, "workflow-python")]
    assert set(found["images"][0]["latestVersion"]) == {"id", "version", "status"}
    page = api.get(path, pageSize=2, pageNumber=2)
    assert ([image["id"] for image in page["images"]], page["pageCount"]) == ([400], 2)


def test_versions_are_searched_and_paged(api: Api) -> None:
    """An image's versions are found by part of their text; an unknown image is 404."""
    path = "/image-management/api/v2/images/100/versions"
    assert [item["id"] for item in api.get(path)["versions"]] == [100, 200, 400]
    assert [item["id"] for item in api.get(path, searchTerm=".200")["versions"]] == [200]
    assert api.get(path, pageSize=1)["pageCount"] == 3
    assert api.send("GET", "/image-management/api/v2/images/999/versions").status_code == 404


def test_versions_of_every_status(api: Api) -> None:
    """The custom image has a version in each documented status; the latest version is listed."""
    versions = api.get("/image-management/api/v2/images/400/versions")["versions"]
    assert {item["status"] for item in versions} == {
        "ready",
        "in-use",
        "not-ready",
        "deleting",
        "delete-failed",
    }
    (image,) = api.get("/image-management/api/v2/images/", searchTerm="forecast")["images"]
    assert image["latestVersion"] == {"id": 404, "version": "1.0.404", "status": "delete-failed"}


def test_unlisted_image_has_a_generated_name(api: Api) -> None:
    """A step may use an image that is not listed; its name and version are generated."""
    number = api.create(body(steps={"one": {"imageId": 12, "imageVersionId": 34.0}}))
    shown = api.get(str(number))["steps"]["one"]
    assert (shown["imageName"], shown["imageVersion"]) == ("image-12", "1.0.34")


def test_telemetry_is_accepted(api: Api) -> None:
    """Telemetry succeeds even while every other request meets a fault."""
    api.server.faults = ("500",)
    assert api.send("POST", "/resource-usage/api/v1/telemetry", json={"a": 1}).json() == {}


def test_authorization_is_required(api: Api) -> None:
    """Without a token every request is 401; without `--token` any token is accepted."""
    del api.session.headers["Authorization"]
    answer = api.send("GET", "")
    assert (answer.status_code, "Authorization" in answer.json()["detail"]) == (401, True)
    assert api.send("GET", "", headers={"Authorization": "anything"}).status_code == 200


def test_only_the_configured_token_is_accepted() -> None:
    """With a configured token, any other is 401."""
    with EmulatorServer(token="right") as server:
        api = Api(server)
        with api.session:
            assert api.send("GET", "", headers={"Authorization": "wrong"}).status_code == 401
            assert api.send("GET", "", headers={"Authorization": "right"}).status_code == 200


def test_body_over_a_mebibyte_is_refused(api: Api) -> None:
    """A body of 1 MiB is read; a larger one is 413 in JSON and stores nothing."""
    head, tail = b'{"name": "', b'"}'
    fits = head + b"x" * (1024 * 1024 - len(head) - len(tail)) + tail
    assert api.send("POST", "", data=fits).status_code == 200
    answer = api.send("POST", "", data=fits + b" ")
    assert (answer.status_code, "1 MiB" in answer.json()["detail"]) == (413, True)
    assert api.get()["workflowsCount"] == 1


def test_incomplete_request_is_ignored(api: Api, caplog: LogCaptureFixture) -> None:
    """A request whose client closes the connection before its end has no effect."""
    number = api.create(body())
    with socket.create_connection(("127.0.0.1", int(api.server.url.rsplit(":", 1)[1]))) as broken:
        head = (
            f"DELETE {WORKFLOWS}{number} HTTP/1.1\r\nHost: x\r\nAuthorization: t\r\nContent-Length: 9\r\n\r\n"
        )
        broken.sendall(head.encode() + b"{}")
    assert api.get()["workflowsCount"] == 1
    assert [item.method for item in api.server.requests] == ["POST", "GET"]
    api.server.stop()
    assert caplog.records == []


def test_every_answer_has_a_unique_request_id(api: Api) -> None:
    """Successes, errors and faults all have a request ID, each a different one."""
    answers = [api.send("GET", ""), api.send("GET", "99"), api.send("GET", "/nowhere")]
    api.server.faults = ("503",)
    answers.append(api.send("GET", ""))
    ids = [uuid.UUID(answer.headers["x-request-id"]) for answer in answers]
    assert len(set(ids)) == 4


def test_slash_at_the_end_is_optional(api: Api) -> None:
    """Collections answer with and without a slash at the end of their path."""
    assert api.get("/workflows/api/v1/workflows") == api.get("/workflows/api/v1/workflows/")
    assert api.get("/workflows/api/v1/resources") == api.get("/workflows/api/v1/resources/")
    assert api.get("/image-management/api/v2/images") == api.get("/image-management/api/v2/images/")


def test_server_restarts_with_its_address_and_state(api: Api, server: EmulatorServer) -> None:
    """A stopped server refuses connections; a restarted one has the same address and workflows."""
    number, url = api.create(body()), server.url
    server.stop()
    with pytest.raises(OSError, match="refused"):
        api.send("GET", str(number))
    server.start()
    assert server.url == url
    assert api.get(str(number))["name"] == "flow"


def test_taken_port_is_a_usage_error(server: EmulatorServer) -> None:
    """A port that is in use is a usage error."""
    second = EmulatorServer(port=int(server.url.rsplit(":", 1)[1]))
    with pytest.raises(UsageError, match="cannot listen on"):
        second.start()


def test_stopping_does_not_wait_for_slow_answers() -> None:
    """A request delayed by an hour is answered when the server stops."""
    with EmulatorServer(faults=("latency:3600s@GET",)) as server:
        api = Api(server)
        with api.session, socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as held:
            held.sendall(f"GET {WORKFLOWS} HTTP/1.1\r\nHost: x\r\nAuthorization: t\r\n\r\n".encode())
            api.create(body())
            api.create(body())
            server.stop()
            assert held.recv(100).startswith(b"HTTP/1.1 200")


def test_ipv6_loopback_is_served() -> None:
    """The server can listen on the IPv6 loopback address, in brackets in its URL."""
    with EmulatorServer(host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        api = Api(server)
        with api.session:
            assert api.get()["workflowsCount"] == 0


def test_unwritable_data_file_is_reported(tmp_path: Path) -> None:
    """When the data file cannot be written, the request is answered with 500 and the reason."""
    with EmulatorServer(data=tmp_path / "missing" / "state.json") as server:
        api = Api(server)
        with api.session:
            answer = api.send("POST", "", json=body())
    assert (answer.status_code, "cannot write" in answer.json()["detail"]) == (500, True)


def test_connections_that_come_as_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was accepted and has sent nothing yet is closed, and not left to the garbage collector."""
    server = EmulatorServer()
    server.start()
    http = server._http_server
    assert http is not None
    loop = http._server._loop
    assert loop is not None
    busy, going_on, end = threading.Event(), threading.Event(), http._server.end

    def wait() -> None:
        busy.set()
        going_on.wait(20)

    def end_and_go_on() -> None:
        end()
        going_on.set()  # both are found at once: the connections and the end

    monkeypatch.setattr(http._server, "end", end_and_go_on)
    loop.call_soon_threadsafe(wait)
    assert busy.wait(20)
    with warnings.catch_warnings(record=True) as found, ExitStack() as clients:
        warnings.simplefilter("always")
        for _ in range(3):
            clients.enter_context(socket.create_connection(("127.0.0.1", http.port)))
        server.stop()
        gc.collect()
    assert [str(warning.message) for warning in found] == []
