"""Names in place of ids: one tree for two tenants with other ids, in a bounded number of requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TOKEN, Git, body, run, step

from reconciler.client import ForbiddenException
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidInputError
from reconciler.render import plan_text
from reconciler.schema import is_valid
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flow_helpers import Ended

_CATALOGUE = ("/image-management/", "/quota/")
_IMAGES = "GET /image-management/api/v2/images/"
_VERSIONS = "GET /image-management/api/v2/images/{}/versions"
_OPTIONS = "GET /quota/api/v1/settings/tenant-instance-options"


def _named(version: str = "1.0.200", kind: Any = "Pico", image: str = "workflow-python") -> dict[str, Any]:
    return {
        "image": {"name": image, "version": version},
        "command": "echo hi",
        "resources": {"instanceType": kind, "storage": "10GB"},
    }


def _lookups(server: EmulatorServer) -> list[str]:
    """Return the requests to the catalogue so far, and forget all requests."""
    found = [
        f"{request.method} {request.path}"
        for request in server.requests
        if request.path.startswith(_CATALOGUE)
    ]
    server.clear_requests()
    return found


@pytest.mark.parametrize("shift", [0, 5000])
def test_one_tree_for_two_tenants(git: Git, server: EmulatorServer, shift: int) -> None:
    """The same files make the same workflows in tenants whose ids all differ, and then the plan is empty."""
    server.profile = frozenset({f"catalogue-ids={shift}"} if shift else ())
    for number in range(5):
        steps = {"a": _named(), "b": _named("1.0.400", {"cpu": 1, "memory": 2}, "team-forecast")}
        git.write(body(f"flow-{number}", steps=steps), f"{number}.yaml")
    git.write(
        {"patch": {"name": "other", "set": {"image": {"name": "workflow-r", "version": "1.0.100"}}}}, "p.yaml"
    )
    server.store.create(body("other", steps={"one": {"imageId": 100 + shift, "imageVersionId": 200 + shift}}))
    server.clear_requests()
    report = git.apply()
    assert [result.error for result in report.results if result.error] == []
    once = [_IMAGES, *(_VERSIONS.format(number + shift) for number in (100, 200, 400)), _OPTIONS]
    assert sorted(_lookups(server)) == sorted(once)
    steps = git.stored("flow-3")["steps"]
    assert (steps["a"]["imageId"], steps["a"]["imageVersionId"]) == (100 + shift, 200 + shift)
    assert steps["a"]["resources"] == {"instanceTypeId": 21 + shift, "storage": "10GB"}
    assert steps["b"]["resources"]["instanceTypeId"] == 23 + shift
    assert git.stored("other")["steps"]["one"]["imageId"] == 200 + shift
    assert not any({"image", "instanceType"} & each.keys() for each in steps.values())
    git.is_clean()
    assert sorted(_lookups(server)) == sorted(once)


def test_a_plan_names_ids(git: Git, server: EmulatorServer) -> None:
    """A plan shows the names of ids that change, of plain ids too, also in a step that comes or goes."""
    gone = {"gone": step(), "one": step(resources={"instanceTypeId": 21})}
    server.store.create(body(steps=gone))
    changed = {**step(), "imageVersionId": 400, "resources": {"instanceTypeId": 23}}
    git.write(body(steps={"one": changed, "new": {"imageId": 400, "imageVersionId": 401}}))
    server.clear_requests()
    plan = git.plan()
    text = plan_text(plan, Redactor())
    assert "steps.one.imageVersionId: 1.0.200 (200) → 1.0.400 (400)" in text
    assert "steps.one.resources.instanceTypeId: Pico (21) → Small (23)" in text
    assert "+   imageId: team-forecast (400)" in text
    assert "+   imageVersionId: 1.0.401 (401)" in text
    assert "-   imageId: workflow-python (100)" in text
    wanted = [_IMAGES, _VERSIONS.format(100), _VERSIONS.format(400), _OPTIONS]
    assert sorted(_lookups(server)) == sorted(wanted)
    git.done()
    server.clear_requests()
    git.is_clean()
    assert _lookups(server) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_ids_without_names_where_the_catalogue_is_refused(
    git: Git, server: EmulatorServer, status: int
) -> None:
    """Where names cannot be read, a plan shows bare ids, and does not fail."""
    for path in _CATALOGUE:
        server.add_fault(f"{status}@GET{path}*")
    git.write(body())
    text = plan_text(git.plan(), Redactor())
    assert "imageId: 100\x1b" in text
    git.done()


def test_names_need_the_catalogue(git: Git, server: EmulatorServer) -> None:
    """Where a manifest states names, a refused look-up ends the run, and nothing is written."""
    server.add_fault("403@GET/image-management/*")
    git.write(body(steps={"one": _named()}))
    with pytest.raises(ForbiddenException) as ended:
        git.apply()
    assert "names in place of ids" in ended.value.hint
    assert git.writes() == []


def test_names_without_an_id(typed: Callable[..., Ended], git: Git) -> None:
    """Names that the tenant does not have end every command with line and candidates, before a write."""
    steps = {"a": _named(image="workflow-pyton"), "b": _named("1.0.402", "Piko", "team-forecast")}
    git.write(json.dumps({"body": body("flow", steps=steps)}, indent=1))
    git.write(body("fine"), "fine.yaml")
    for words in (
        ("plan",),
        ("apply", "--auto-approve"),
        ("status",),
        ("reconcile",),
        ("validate", "--online"),
    ):
        done = typed(words[0], git.folder, *words[1:])
        said = done.out if words[0] == "validate" else done.err
        assert done.code == 3, (words, done)
        assert "flow.yaml:7:" in said
        assert "image 'workflow-pyton' does not exist in the tenant; nearest: 'workflow-python', " in said
        assert "its status is 'not-ready'; ready versions: " in said
        assert "instance type 'Piko' does not exist in the tenant; nearest: 'Pico (0.125CPU" in said
    assert git.writes() == []
    done = typed("plan", git.folder, "--target", "fine")
    assert done.code == 0
    assert "1 to create" in done.out


def test_validate_offline_looks_nothing_up(
    typed: Callable[..., Ended], git: Git, server: EmulatorServer
) -> None:
    """Without `--online` names are only checked by the schema."""
    git.write(body(steps={"a": _named("nothing", "nothing", "nothing")}))
    assert typed("validate", git.folder).code == 0
    assert server.requests == []


def test_latest_only_where_it_is_allowed(
    typed: Callable[..., Ended], git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`version: latest` needs `allow_latest`, and the plan shows what it became."""
    monkeypatch.chdir(tmp_path)
    git.write(body(steps={"a": _named("latest", image="team-forecast")}))
    (tmp_path / "reconciler.yaml").write_text(
        "version: 1\nenvironments: {dev: {allow_latest: true}, prod: {}}\n", encoding="utf-8"
    )
    done = typed("plan", git.folder, "--environment", "prod")
    assert done.code == 3
    assert (
        "version: latest is not allowed here; state a version (the latest is '1.0.401'), or set" in done.err
    )
    done = typed("plan", git.folder, "--environment", "dev")
    assert "imageVersionId: 1.0.401 (401)" in done.out
    assert (
        "note: version latest of image team-forecast is 1.0.401 (401); 1.0.404 (404) cannot run" in done.out
    )
    assert typed("validate", git.folder, "--environment", "prod", "--online").code == 3
    assert typed("validate", git.folder, "--environment", "dev", "--online").code == 0


def test_a_plan_file_has_ids_and_names(git: Git, server: EmulatorServer, tmp_path: Path) -> None:
    """A plan file keeps ids and names; a name that means another id later drops the change."""
    file = tmp_path / "plan.json"
    git.write(body(steps={"a": _named()}))
    assert run(git, "plan", "--out", str(file)).returncode == 0
    saved = json.loads(file.read_text(encoding="utf-8"))
    assert is_valid(saved, "plan")
    fields = {".".join(field["path"]): field for field in saved["changes"][0]["fields"]}
    found = fields["steps.a.imageId"]
    assert (found["after"], found["after_name"], "before_name" in found) == (100, "workflow-python", False)
    assert "after_name" not in fields["steps.a.command"]
    assert saved["changes"][0]["body"]["steps"]["a"]["imageVersionId"] == 200
    server.profile = frozenset({"catalogue-ids"})
    done = run(git, "apply", "--plan", str(file))
    assert done.returncode == 4
    assert git.writes() == []
    server.profile = frozenset()
    assert run(git, "apply", "--plan", str(file)).returncode == 0
    assert git.stored()["steps"]["a"]["imageVersionId"] == 200


def test_a_secret_name_is_not_shown(git: Git, server: EmulatorServer) -> None:
    """The name of an image that came through `!env` is hidden, and so is its id."""
    git.env["IMAGE"] = "workflow-python"
    git.write("name: flow\nsteps:\n  a:\n    image: {name: !env IMAGE, version: 1.0.200}\n    command: x\n")
    done = run(git, "plan", "--show-bodies", IMAGE="workflow-python")
    assert done.returncode == 0, done.stderr
    assert "workflow-python" not in done.stdout + done.stderr
    assert '"imageId": "(sensitive)"' in done.stdout
    assert TOKEN not in done.stdout
    git.done()
    assert server.store.workflows()[1]["steps"]["a"]["imageId"] == 100


def test_capture_writes_names(
    typed: Callable[..., Ended], git: Git, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live change of an image or an instance type comes back as a name, or as ids where there is none."""
    text = (
        "name: flow\nsteps:\n  a:\n    # ours\n"
        "    image: {name: workflow-python, version: 1.0.200}\n    resources: {instanceType: Pico}\n"
        "  b:\n    image: {name: team-forecast, version: 1.0.400}\n    command: x\n"
    )
    git.write(text)
    git.done()
    live = git.stored()
    live["steps"]["a"] |= {"imageVersionId": 400, "resources": {"instanceTypeId": 22}}
    live["steps"]["b"] |= {"imageVersionId": 403}
    server.store.replace(git.live(), live)
    (git.folder.parent / "reconciler.yaml").write_text(
        "version: 1\nmanifests: [workflows]\n", encoding="utf-8"
    )
    monkeypatch.chdir(git.folder.parent)
    done = typed("capture", "flow", "--yes")
    assert done.code == 0, done
    written = (git.folder / "flow.yaml").read_text(encoding="utf-8")
    assert '    # ours\n    image: {name: workflow-python, version: "1.0.400"}\n' in written
    assert "    resources: {instanceType: Nano}\n" in written
    assert "team-forecast" not in written
    assert "imageVersionId: 403" in written
    git.is_clean()


def test_no_lookup_without_names_and_changes(git: Git, server: EmulatorServer) -> None:
    """A change of anything else needs no catalogue."""
    git.write(body())
    git.done()
    git.write(body(command="echo other"))
    server.clear_requests()
    git.done()
    assert _lookups(server) == []


def test_the_error_names_no_request(git: Git) -> None:
    """The error of a name counts the errors, and says that nothing was changed."""
    git.write(body(steps={"a": _named(image="nothing")}))
    with pytest.raises(
        InvalidInputError, match="cannot be resolved: 1 file checked; 1 error; nothing was ch"
    ):
        git.plan()
