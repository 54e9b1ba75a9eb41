"""`validate --online` as a process, against a tenant on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import forked_command
from validate_process import environment, run, shown_lines

from reconciler.emulator import emulated_catalogue as catalogue
from reconciler.emulator.server import EmulatorServer

_TOKEN = "made-up-token-0123456789"
_IMAGES = "/image-management/api/v2/images/"
_WORKFLOWS = "/workflows/api/v1/workflows/"
_RESOURCES = "/workflows/api/v1/resources"
_OPTIONS = "/quota/api/v1/settings/tenant-instance-options"

_GOOD = """\
name: flow
steps:
  a: {imageId: 100, imageVersionId: 200, resources: {instanceTypeId: 21}}
  b: {imageId: 400, imageVersionId: 401}
"""
_BAD = """\
body:
  name: twin
  steps:
    a:
      imageId: 99
      imageVersionId: 200
    b:
      imageId: 400
      imageVersionId: 402
    c:
      imageId: 400
      imageVersionId: 9
      resources: {instanceTypeId: 7}
"""
_FOUND = [
    (
        "flow.yaml:2:9: error: 2 live workflows have this name (ids 1, 2); pin one of them with "
        "reconcile.id, or rename or delete the others [workflow-name-twice]"
    ),
    (
        "flow.yaml:5:16: error: image 99 does not exist in the tenant; nearest ids: 100 'workflow-python', "
        "200 'workflow-r', 400 'team-forecast' [image-unknown]"
    ),
    (
        "flow.yaml:9:23: error: version 402 of image 400 cannot run, its status is 'not-ready'; "
        "ready versions: 401 '1.0.401', 400 '1.0.400', 200 '1.0.200', 100 '1.0.100' [image-version-not-ready]"
    ),
    (
        "flow.yaml:12:23: error: image 400 has no version 9; ready versions: 100 '1.0.100', "
        "200 '1.0.200', 400 '1.0.400', 401 '1.0.401' [image-version-unknown]"
    ),
    (
        "flow.yaml:13:35: error: instance type 7 does not exist in the tenant; nearest ids: "
        "21 'Pico (0.125CPU, 0.125GB RAM)', 22 'Nano (0.25CPU, 0.5GB RAM)', 23 'Small (1CPU, 2GB RAM)', "
        "24 'Large (4CPU, 16GB RAM)', 25 'GPU Small (4CPU, 16GB RAM, 1GPU)' [instance-type-unknown]"
    ),
]


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """Return a tenant that lets one token in, and where the name `twin` is live twice."""
    with EmulatorServer(token=_TOKEN) as running:
        for name in ("twin", "twin", "flow"):
            running.store.create({"name": name, "steps": {}})
        yield running


def _online(
    server: EmulatorServer, folder: Path, text: str, *words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    (folder / "flow.yaml").write_text(text, encoding="utf-8")
    whole = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": _TOKEN, **env}
    done = run("validate", "--online", "flow.yaml", *words, cwd=folder, **whole)
    assert {request.method for request in server.requests} <= {"GET"}
    return done


def _asked(server: EmulatorServer) -> list[str]:
    return sorted(request.path for request in server.requests)


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def test_everything_is_there(server: EmulatorServer, tmp_path: Path) -> None:
    """Manifests whose ids exist and can run are fine, and each image is asked for once."""
    done = _online(server, tmp_path, _GOOD)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 valid manifest in 1 file; no problems found\n"
    assert _asked(server) == [f"{_IMAGES}100/versions", f"{_IMAGES}400/versions", _RESOURCES, _WORKFLOWS]


def test_what_is_not_there(server: EmulatorServer, tmp_path: Path) -> None:
    """Each id that does not exist or cannot run is an error at its place, with candidates."""
    done = _online(server, tmp_path, _BAD)
    assert (done.returncode, done.stderr) == (3, "")
    assert shown_lines(done) == [*_FOUND, "1 file checked; 5 errors"]
    assert "    5 |       imageId: 99\n      |                ^\n" in done.stdout
    assert _asked(server) == [
        _IMAGES,
        f"{_IMAGES}400/versions",
        f"{_IMAGES}99/versions",
        _OPTIONS,
        _RESOURCES,
        _WORKFLOWS,
    ]


def test_json(server: EmulatorServer, tmp_path: Path) -> None:
    """In the JSON they are findings like all others."""
    done = _online(server, tmp_path, _BAD, "--format", "json")
    assert done.returncode == 3
    report = _json(done)
    assert report["summary"] == {"files": 1, "manifests": 1, "errors": 5, "warnings": 0}
    assert report["findings"][1] == {
        "file": "flow.yaml",
        "line": 5,
        "column": 16,
        "path": ["body", "steps", "a", "imageId"],
        "rule": "image-unknown",
        "severity": "error",
        "message": "image 99 does not exist in the tenant; nearest ids: 100 'workflow-python', "
        "200 'workflow-r', 400 'team-forecast'",
    }


@pytest.mark.parametrize("form", ["github", "gitlab", "sarif", "junit"])
def test_other_formats(server: EmulatorServer, tmp_path: Path, form: str) -> None:
    """Every other format has them, too."""
    done = _online(server, tmp_path, _BAD, "--format", form)
    assert (done.returncode, done.stderr) == (3, "")
    for message in ("image 99 does not exist in the tenant", "2 live workflows have this name"):
        assert done.stdout.count(message) >= 1


def test_sarif_has_their_reasons(server: EmulatorServer, tmp_path: Path) -> None:
    """In SARIF a rule that needs the tenant has its reason like any other."""
    (run_,) = _json(_online(server, tmp_path, _BAD, "--format", "sarif"))["runs"]
    reasons = {rule["id"]: rule["shortDescription"]["text"] for rule in run_["tool"]["driver"]["rules"]}
    assert reasons["image-unknown"] == "A step can only run in an image of the tenant."


def test_among_the_other_findings(server: EmulatorServer, tmp_path: Path) -> None:
    """They are among what is found offline, sorted by place, and an invalid manifest hides no other."""
    text = (
        "name: flow\nsteps:\n  a: {imageId: 99, imageVersionId: 1}\n  b: {parents: [c]}\n"
        "  d: {imageId: 98, imageVersionId: 1}\n---\nname: [no]\n"
    )
    found = _json(_online(server, tmp_path, text, "--format", "json"))["findings"]
    assert [(finding["rule"], finding["line"]) for finding in found if finding["severity"] == "error"] == [
        ("image-unknown", 3),
        ("unknown-parent", 4),
        ("image-unknown", 5),
        *[(finding["rule"], 7) for finding in found if finding["line"] == 7],
    ]


def test_ignored(server: EmulatorServer, tmp_path: Path) -> None:
    """The comment that switches a rule off for its line switches these off as well."""
    text = _GOOD.replace("100,", "99,").replace("21}}", "21}} # reconciler: ignore[image-unknown]")
    done = _online(server, tmp_path, text)
    assert (done.returncode, shown_lines(done)) == (0, ["1 valid manifest in 1 file; no problems found"])


def test_switched_off_in_the_configuration(server: EmulatorServer, tmp_path: Path) -> None:
    """A rule that the configuration switches off is not checked, and what it alone needs is not asked."""
    (tmp_path / "reconciler.yaml").write_text(
        "version: 1\nvalidate: {off: [instance-type-unknown, workflow-name-twice, image-unknown]}\n",
        encoding="utf-8",
    )
    done = _online(server, tmp_path, _BAD)
    assert shown_lines(done) == [_FOUND[2], _FOUND[3], "1 file checked; 2 errors"]
    assert not {_OPTIONS, _RESOURCES, _WORKFLOWS} & set(_asked(server))


def test_a_patch(server: EmulatorServer, tmp_path: Path) -> None:
    """What a patch sets is checked as well."""
    done = _online(server, tmp_path, "patch: {name: flow, set: {imageId: 100, imageVersionId: 9}}\n")
    (line, _) = shown_lines(done)
    assert line.startswith("flow.yaml:1:57: error: image 100 has no version 9; ready versions: ")


def test_standard_input(server: EmulatorServer, tmp_path: Path) -> None:
    """What is read from standard input, which can be read but once, is checked online, too."""
    done = subprocess.run(
        [*forked_command(), "validate", "--online", "-"],
        input=_BAD,
        capture_output=True,
        check=False,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment(PEAK_API_URL=server.url, PEAK_AUTH_TOKEN=_TOKEN),
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert len(shown_lines(done)) == len(_FOUND) + 1


def test_changed_since(server: EmulatorServer, tmp_path: Path) -> None:
    """Of files that did not change since a revision nothing is asked."""
    (tmp_path / "old.yaml").write_text("name: old\nsteps: {s: {imageId: 77, imageVersionId: 1}}\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        names = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", *names, *words], cwd=tmp_path, check=True)
    done = _online(server, tmp_path, _GOOD, ".", "--changed-since", "HEAD")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{_IMAGES}77/versions" not in _asked(server)
    assert f"{_IMAGES}100/versions" in _asked(server)


def test_nothing_valid_nothing_asked(server: EmulatorServer, tmp_path: Path) -> None:
    """Where no manifest is valid, the tenant is asked nothing."""
    assert _online(server, tmp_path, "name: flow\n").returncode == 3
    assert server.requests == []


def test_unset_variables_are_skipped(server: EmulatorServer, tmp_path: Path) -> None:
    """A name that comes from a variable that is not set is a warning, as offline, and not looked up."""
    done = _online(server, tmp_path, "name: !env NAME\nsteps: {s: {command: x}}\n")
    assert done.returncode == 0
    assert server.requests == []


@pytest.mark.parametrize(
    "target", [f"{_IMAGES}*/versions", _IMAGES, _RESOURCES, _OPTIONS, _WORKFLOWS], ids=lambda path: path
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_read_that_fails(server: EmulatorServer, tmp_path: Path, target: str, status: int) -> None:
    """Whatever cannot be read is an error of the command with exit 1, and no result: nothing is absent."""
    server.faults = (f"{status}@GET{target}",)
    done = _online(server, tmp_path, _BAD)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: GET /")
    assert f"answered {status}" in done.stderr


def test_a_wrong_token(server: EmulatorServer, tmp_path: Path) -> None:
    """A token that the tenant does not know is an error that says what to do, without the token."""
    done = _online(server, tmp_path, _GOOD, PEAK_AUTH_TOKEN="wrong-token-0123456789")
    assert (done.returncode, done.stdout) == (1, "")
    assert "answered 401" in done.stderr
    assert "API keys expire after three months" in done.stderr
    assert "wrong-token" not in done.stderr


def test_no_token(server: EmulatorServer, tmp_path: Path) -> None:
    """Without a token the variables are named, and nothing is asked."""
    done = _online(server, tmp_path, _GOOD, PEAK_AUTH_TOKEN="")
    assert (done.returncode, done.stdout) == (3, "")
    assert "PEAK_AUTH_TOKEN or API_KEY" in done.stderr
    assert server.requests == []


def test_nobody_there(tmp_path: Path) -> None:
    """A tenant that cannot be reached is an error of the command."""
    (tmp_path / "flow.yaml").write_text(_GOOD, encoding="utf-8")
    impatient = "import time; time.sleep = lambda seconds: None; from reconciler.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", impatient, "validate", "--online", "flow.yaml"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment(PEAK_API_URL="http://127.0.0.1:9", PEAK_AUTH_TOKEN=_TOKEN),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "no connection" in done.stderr


def test_without_the_option_nothing_is_asked(server: EmulatorServer, tmp_path: Path) -> None:
    """Without the option neither a token is needed nor a word sent, whatever the environment says."""
    (tmp_path / "flow.yaml").write_text(_BAD, encoding="utf-8")
    done = run("validate", "flow.yaml", cwd=tmp_path, PEAK_API_URL=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.requests == []


def test_secrets_are_not_shown(
    server: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenant that repeats the token, or a value of `!env`, as a name gets neither of them shown."""
    canary, credential = "canary-of-the-environment", "canary-in-the-field"
    images = [
        {"id": number, "name": "x" * 50 + name, "type": "workflow", "scope": "custom"}
        for number, name in enumerate((_TOKEN, canary, credential), 1)
    ]
    monkeypatch.setattr(catalogue, "images", lambda *_: images)
    text = (
        "name: !env NAME\nsteps:\n"
        f"  s: {{imageId: 99, command: !env CANARY, repository: {{url: u, token: {credential}}}}}\n"
    )
    for form in ("text", "json"):
        done = _online(server, tmp_path, text, "--format", form, NAME="twin", CANARY=canary)
        assert done.returncode == 3
        assert "[workflow-name-twice]" in done.stdout or '"workflow-name-twice"' in done.stdout
        assert done.stdout.count("(sens") == 3
        for secret in (_TOKEN[:8], "canary-of", "twin"):
            assert secret not in done.stdout
        assert credential not in done.stdout.replace(text.splitlines()[2], "")


def test_errors_do_not_quote_secrets(server: EmulatorServer, tmp_path: Path) -> None:
    """What the manifests hold of secrets is not shown either when an error of the server repeats it."""
    text = "name: flow\nsteps:\n  s: {imageId: 1, command: !env CANARY}\n"
    server.faults = ("403",)
    done = _online(server, tmp_path, text, CANARY="fault 403")
    assert done.returncode == 1
    assert "fault 403" not in done.stderr
    assert "(sensitive)" in done.stderr


def test_they_are_listed(tmp_path: Path) -> None:
    """`--list-rules` names the rules that need the tenant and says so, without asking it anything."""
    text = run("validate", "--list-rules", cwd=tmp_path).stdout
    assert "\nimage-version-not-ready (error, with --online): " in text
    rules = json.loads(run("validate", "--list-rules", "--format", "json", cwd=tmp_path).stdout)["rules"]
    assert [rule["id"] for rule in rules if rule["online"]] == [
        "image-unknown",
        "image-version-unknown",
        "image-version-not-ready",
        "instance-type-unknown",
        "workflow-name-twice",
        "image-name",
        "instance-type-name",
    ]
    assert {rule["online"] for rule in rules} == {True, False}


def test_help_says_what_is_not_checked() -> None:
    """The help says that secrets are not checked, and why."""
    said = " ".join(run("validate", "--help").stdout.split())
    assert "Secrets are not checked: the API does not list them." in said
