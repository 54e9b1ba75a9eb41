"""`diff`: two environments on two emulators, two directories, and one of each, as processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from settings_helpers import configure, process

from reconciler.emulator.server import EmulatorServer
from reconciler.operations import DiffSide, diff, load_environments

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

_ENVIRONMENTS = {
    name: {"api_url_env": f"PEAK_{name.upper()}_URL", "ownership": {"tag": f"team-{name}"}}
    for name in ("dev", "prod")
}
_BOTH = ("--environment", "dev", "--environment", "prod")


def _flow(name: str, command: str = "x", **more: Any) -> dict[str, Any]:
    step = {"type": "standard", "imageId": 100, "imageVersionId": 200, "command": command, **more}
    return {"name": name, "steps": {"one": step}}


_SHIFT = 5000


def _named(name: str, version: str = "1.0.200", kind: str = "Pico") -> dict[str, Any]:
    step = {
        "image": {"name": "workflow-python", "version": version},
        "command": "x",
        "resources": {"instanceType": kind, "storage": "10GB"},
    }
    return {"name": name, "steps": {"one": step}}


class _Two:
    """A repository with two environments, each on an emulator of its own."""

    def __init__(self, folder: Path, dev: EmulatorServer, prod: EmulatorServer) -> None:
        self.folder, self.dev, self.prod = folder, dev, prod
        self.env = {"PEAK_DEV_URL": dev.url, "PEAK_PROD_URL": prod.url, "PEAK_AUTH_TOKEN": "any"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the repository."""
        return process(self.folder, *words, **self.env)

    def found(self, *words: str) -> dict[str, Any]:
        """Return the JSON of `diff`."""
        done = self.run("diff", "--format", "json", *words)
        assert (done.returncode, done.stderr) == (0, "")
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed


@pytest.fixture
def two(tmp_path: Path) -> Iterator[_Two]:
    """Give the repository, with nothing on either tenant."""
    configure(tmp_path, {"manifests": ["flows"], "environments": _ENVIRONMENTS})
    with EmulatorServer() as dev, EmulatorServer() as prod:
        yield _Two(tmp_path, dev, prod)


def _write(folder: Path, *flows: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    for flow in flows:
        (folder / f"{flow['name']}.yaml").write_text(json.dumps(flow))


def test_what_was_applied_to_both_is_equal(two: _Two) -> None:
    """Ids of workflows, webhook URLs, owners and digests are no difference; a field that changes is."""
    _write(two.folder / "flows", {**_flow("a"), "triggers": [{"webhook": True}]}, _flow("b"))
    two.prod.store.create(_flow("zz"))
    assert two.run("apply", *_BOTH, "--auto-approve").returncode == 0
    assert two.run("diff", *_BOTH, "--exclude", "zz", "--detailed-exitcode").returncode == 0
    (two.folder / "flows" / "b.yaml").write_text(json.dumps(_flow("b", "y")))
    assert two.run("apply", "--environment", "prod", "--auto-approve").returncode == 0
    done = two.run("diff", *_BOTH, "--detailed-exitcode")
    assert done.returncode == 2
    assert '      ~ steps.one.command: "x" → "y"\n' in done.stdout
    assert "  + zz  only in prod  id 1\n" in done.stdout
    assert done.stdout.endswith("Differences from dev to prod: 1 different, 1 only in prod, 1 equal.\n")
    found = two.found(*_BOTH)
    assert found["summary"]["different"] == 1
    assert [item["name"] for item in found["only_right"]] == ["zz"]
    (field,) = found["different"][0]["fields"]
    assert (field["path"], field["left"], field["right"]) == (["steps", "one", "command"], "x", "y")
    swapped = two.found("--environment", "prod", "--environment", "dev")
    assert swapped["left"] == "prod"
    assert [item["name"] for item in swapped["only_left"]] == ["zz"]


def test_one_value_of_an_overlay(two: _Two) -> None:
    """One tree on two tenants is equal except for the value that an overlay changes."""
    _write(two.folder / "flows", _flow("a"), _flow("b"))
    overlay = {"patch": {"name": "b", "body": {"steps": {"one": {"command": "in prod"}}}}}
    (two.folder / "over").mkdir()
    (two.folder / "over" / "b.yaml").write_text(json.dumps(overlay))
    environments = {**_ENVIRONMENTS, "prod": {**_ENVIRONMENTS["prod"], "overlays": ["over"]}}
    configure(two.folder, {"manifests": ["flows"], "environments": environments})
    assert two.run("apply", *_BOTH, "--auto-approve").returncode == 0
    assert two.run("plan", "--all-environments", "--detailed-exitcode").returncode == 0
    (different,) = two.found(*_BOTH)["different"]
    (field,) = different["fields"]
    assert (different["name"], field["left"], field["right"]) == ("b", "x", "in prod")
    for name in ("dev", "prod"):
        assert two.run("diff", "flows", "--environment", name, "--detailed-exitcode").returncode == 0


def test_names_on_tenants_with_other_ids(two: _Two) -> None:
    """One tree with names is equal on two tenants whose ids all differ; then one overlay value differs."""
    two.prod.profile = frozenset({"catalogue-ids=5000"})
    step = {
        "image": {"name": "workflow-python", "version": "1.0.200"},
        "command": "x",
        "resources": {"instanceType": "Pico", "storage": "20GB"},
    }
    _write(two.folder / "flows", {"name": "a", "steps": {"one": step, "two": {**step, "command": "y"}}})
    assert two.run("apply", *_BOTH, "--auto-approve").returncode == 0
    assert two.run("plan", *_BOTH, "--detailed-exitcode").returncode == 0
    assert two.run("diff", *_BOTH, "--detailed-exitcode").returncode == 0
    assert two.run("diff", "flows", "--environment", "prod", "--detailed-exitcode").returncode == 0
    overlay = {"patch": {"name": "a", "body": {"steps": {"one": {"image": {"version": "1.0.400"}}}}}}
    (two.folder / "over").mkdir()
    (two.folder / "over" / "a.yaml").write_text(json.dumps(overlay))
    environments = {**_ENVIRONMENTS, "prod": {**_ENVIRONMENTS["prod"], "overlays": ["over"]}}
    configure(two.folder, {"manifests": ["flows"], "environments": environments})
    assert two.run("apply", "--environment", "prod", "--auto-approve").returncode == 0
    (different,) = two.found(*_BOTH)["different"]
    (field,) = different["fields"]
    assert field["path"] == ["steps", "one", "imageVersionId"]
    assert (field["left"], field["right"]) == ("1.0.200", "1.0.400")
    set_both = {"image": {"name": "workflow-r", "version": "1.0.100"}, "instanceType": "Nano"}
    overlay = {"patch": {"name": "a", "set": set_both}}
    (two.folder / "over" / "a.yaml").write_text(json.dumps(overlay))
    done = two.run("plan", "--environment", "prod")
    assert "steps.two.resources.instanceTypeId: Pico (5021) → Nano (5022)" in done.stdout, done.stderr
    assert "steps.two.imageId: workflow-python (5100) → workflow-r (5200)" in done.stdout


def test_only_reads(two: _Two) -> None:
    """No request but GET is sent to either side."""
    two.dev.store.create(_flow("a"))
    two.found(*_BOTH)
    assert {request.method for request in (*two.dev.requests, *two.prod.requests)} == {"GET"}


def test_two_directories(two: _Two) -> None:
    """Two directories need no environment and no network; order and spelling are no difference."""
    _write(two.folder / "left", _flow("a"), _flow("b", timeout=1), _flow("c"))
    _write(two.folder / "right", _flow("a", "y"), _flow("d"))
    (two.folder / "right" / "c.yaml").write_text(
        "body:\n  steps:\n    one: {imageVersionId: 200, imageId: 100.0, command: x}\n  name: c\n"
    )
    del two.env["PEAK_AUTH_TOKEN"]
    (two.folder / "left" / "b.yaml").write_text(json.dumps(_flow("b")))
    found = two.found("left", "right")
    assert found["summary"] == {
        "different": 1,
        "only_left": 1,
        "only_right": 1,
        "equal": 1,
        "unseen_fields": 0,
    }
    assert found["different"][0]["left"]["file"] == "left/a.yaml"
    assert two.run("diff", "left", "left", "--detailed-exitcode").returncode == 0
    assert not two.dev.requests


def test_a_directory_and_an_environment(two: _Two) -> None:
    """Ignored fields are left out; a patch is compared with the workflow that it is laid over."""
    two.dev.store.create(_flow("a", "live"))
    two.dev.store.create(_flow("p", "live"))
    manifest = {"body": _flow("a", "git"), "reconcile": {"ignore": ["steps.one.command"]}}
    (two.folder / "flows").mkdir()
    (two.folder / "flows" / "a.yaml").write_text(json.dumps(manifest))
    patch = {"patch": {"name": "p", "body": {"steps": {"one": {"command": "patched"}}}}}
    (two.folder / "flows" / "p.yaml").write_text(json.dumps(patch))
    found = two.found("flows", "--environment", "dev")
    assert found["summary"]["equal"] == 1, found
    (field,) = found["different"][0]["fields"]
    assert (field["left"], field["right"]) == ("patched", "live")


def test_a_directory_and_the_tenant_of_the_variables(two: _Two) -> None:
    """Where no environments are defined, the other side is the tenant that the variables name."""
    configure(two.folder, {"manifests": ["flows"]})
    _write(two.folder / "flows", _flow("a"))
    two.env["PEAK_API_URL"] = two.dev.url
    found = two.found("flows")
    assert (found["right"], [item["name"] for item in found["only_left"]]) == ("tenant", ["a"])


def test_paused(two: _Two) -> None:
    """Whether a workflow is paused is a difference; a manifest that leaves it open fits both."""
    for server in (two.dev, two.prod):
        server.store.create(_flow("a"))
    two.prod.store.set_paused(two.prod.store.records()[0].id, paused=True)
    (field,) = two.found(*_BOTH)["different"][0]["fields"]
    assert (field["path"], field["left"], field["right"]) == (["reconcile", "paused"], False, True)
    for folder, settings in (("open", {}), ("on", {"reconcile": {"paused": True}})):
        (two.folder / folder).mkdir()
        (two.folder / folder / "a.yaml").write_text(json.dumps({"body": _flow("a"), **settings}))
    for words, differs in (
        (("open", "--environment", "prod"), False),
        (("on", "--environment", "prod"), False),
        (("on", "--environment", "dev"), True),
        (("open", "on"), True),
    ):
        assert bool(two.found(*words)["different"]) == differs, words
    assert "+ reconcile.paused: added true" in two.run("diff", "open", "on").stdout


def test_secrets_of_neither_side(two: _Two) -> None:
    """A secret shows only that it differs, also one that a single side has, in every format."""
    for server, secret in ((two.dev, "left-hush"), (two.prod, "right-hush")):
        env = {"DB_PASSWORD": secret}
        server.store.create({**_flow("a", parameters={"env": env})})
    two.dev.store.create(_flow("b"))
    two.prod.store.create(_flow("b", parameters={"env": {"PLAIN": "only-hush"}}))
    for form in ("text", "json", "markdown"):
        done = two.run("diff", *_BOTH, "--format", form)
        assert "hush" not in done.stdout + done.stderr
        assert "DB_PASSWORD" in done.stdout
        assert "PLAIN" in done.stdout
    found = two.found(*_BOTH)["different"][0]["fields"][0]
    assert found["sensitive"] is True


def test_fields_that_a_tenant_masks(two: _Two) -> None:
    """A mask is no value: the field is counted as not compared."""
    two.prod.profile = frozenset({"token-masked"})
    step = {"repository": {"url": "https://github.com/a/b.git", "token": "name-of-token"}}
    for server in (two.dev, two.prod):
        server.store.create(_flow("a", **step))
    done = two.run("diff", *_BOTH, "--detailed-exitcode")
    assert done.returncode == 0, done.stdout
    assert "1 workflow is equal. 1 field that a tenant does not return was not compared.\n" in done.stdout


def test_a_name_twice(two: _Two) -> None:
    """Two live workflows of one name are an error that names both and the side."""
    for _ in range(2):
        two.prod.store.create(_flow("a"))
    done = two.run("diff", *_BOTH)
    assert done.returncode == 4
    assert "there are 2 live workflows named 'a' in prod: ids 1, 2" in done.stderr
    assert two.run("diff", *_BOTH, "--exclude", "a").returncode == 0


@pytest.mark.parametrize(
    "words",
    [(), ("--environment", "dev"), ("flows", *_BOTH), ("flows", "flows", "flows"), ("flows",)],
    ids=["none", "one", "three", "paths", "no environment"],
)
def test_not_two_sides(two: _Two, words: tuple[str, ...]) -> None:
    """Anything but two sides is wrong use."""
    _write(two.folder / "flows", _flow("a"))
    done = two.run("diff", *words)
    assert (done.returncode, done.stdout) == (64, "")


def test_markdown_is_bounded(two: _Two) -> None:
    """Many differences are cut to fit a comment, and the rest is counted."""
    for number in range(40):
        two.dev.store.create(_flow(f"w{number}", "x " * 2000))
        two.prod.store.create(_flow(f"w{number}", "y " * 2000))
    text = two.run("diff", *_BOTH, "--format", "markdown").stdout
    assert len(text.encode()) <= 65_536
    assert text.startswith("<!-- peak-reconciler:diff -->\n### `Differences from dev to prod: 40 different.`")


def test_from_python(two: _Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operation takes two sides and returns what differs."""
    two.dev.store.create(_flow("a"))
    monkeypatch.chdir(two.folder)
    dev, prod = (DiffSide(settings=one, live=True) for one in load_environments().values())
    result = diff(dev, prod, env=two.env)
    assert result.exit_code == 2
    assert [item.name for item in result.comparison.only_left] == ["a"]


def test_the_default_resource_counts(two: _Two) -> None:
    """A step without resources has the tenant's default: it is shown where the other side states others."""
    default = {"instanceTypeId": 21, "storage": "10GB"}
    for name, stated in (("same", default), ("other", {**default, "instanceTypeId": 22})):
        two.dev.store.create(_flow(name))
        two.prod.store.create(_flow(name, resources=stated))
    (different,) = two.found(*_BOTH)["different"]
    assert different["name"] == "other"
    assert [(field["path"][-1], field["left"], field["right"]) for field in different["fields"]] == [
        ("instanceTypeId", "Pico", "Nano")
    ]


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
    assert different["fields"][0]["path"][-1] == "imageId"


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
