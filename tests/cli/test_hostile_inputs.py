"""Hostile configurations, files and variables: an error in words with its place, and no hang."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processes import forked_command
from strategies import DEPTH
from validate_process import environment, run

from reconciler.emulator.server import EmulatorServer

_CREDENTIALS = ("PEAK_AUTH_TOKEN", "API_KEY", "PEAK_API_URL", "PEAK__STAGE", "STAGE")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
_FLOW = "name: flow\nsteps: {one: {command: echo hi}}\n"


def _manifest(folder: Path, text: str = _FLOW, name: str = "a.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("command", ["validate", "plan", "status"])
@pytest.mark.parametrize(
    "lines",
    [
        'exclude: ["!"]',
        'exclude: ["[z-a]"]',
        'exclude: ["a\\0"]',
        f"exclude: ['{'*a' * 200}']",
        "manifests: [/etc/*.yaml]",
        "manifests: [/etc]",
        "manifests: ['C:/x']",
        "manifests: ['\\\\host\\share']",
        "manifests: [../..]",
        "manifests: ['w/../../*']",
        "manifests: ['a**b']",
        'manifests: ["w\\0"]',
        'manifests: ["*\\0"]',
        f"manifests: ['{'**/' * 50}*.yaml']",
        f"manifests: ['{'*a' * 300}']",
        "environments: {prod: {manifests: [../..]}}",
    ],
)
def test_bad_pattern(tmp_path: Path, command: str, lines: str) -> None:
    """A pattern that is broken, too complex or leads out of the directory is an error of its line."""
    _manifest(tmp_path / "w")
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{lines}\n", encoding="utf-8")
    done = run(command, cwd=tmp_path, PEAK_API_URL="http://127.0.0.1:9", PEAK_AUTH_TOKEN="made-up")
    assert (done.returncode, done.stdout) == (3, "")
    assert "reconciler.yaml:2:" in done.stderr
    assert "invalid pattern" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["link", "*"])
def test_a_link_out_of_the_directory(tmp_path: Path, name: str) -> None:
    """A link that the configuration names is followed only inside of its directory."""
    _manifest(tmp_path / "outside", name="secret.yaml")
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(tmp_path / "outside")
    (home / "reconciler.yaml").write_text(f"version: 1\nmanifests: ['{name}']\n", encoding="utf-8")
    done = run("validate", cwd=home)
    assert (done.returncode, done.stdout) == (3, "")
    assert "a link to outside the directory" in done.stderr
    assert "secret" not in done.stderr


def test_a_variable_that_is_not_utf8(tmp_path: Path) -> None:
    """Bytes that are no text are refused where the variable is used."""
    _manifest(tmp_path / "w", "name: flow\nsteps:\n  one:\n    command: !env V\n")
    done = subprocess.run(
        [*forked_command(), "validate", "w"],
        cwd=tmp_path,
        env={**environment(), "V": os.fsdecode(b"caf\xe9")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "w/a.yaml:4:" in done.stdout
    assert "'V' is not valid UTF-8" in done.stdout


def test_a_loop_of_links(tmp_path: Path) -> None:
    """A file that is a link to itself cannot be included; the place is named."""
    _manifest(tmp_path / "w", "name: flow\nsteps: {one: {command: !file loop}}\n")
    (tmp_path / "w" / "loop").symlink_to("loop")
    done = run("validate", "w/a.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert "w/a.yaml:2:" in done.stdout


def test_line_ends_of_an_included_file(tmp_path: Path) -> None:
    r"""`!file` reads text with `\n` line ends, whatever the checkout has."""
    _manifest(tmp_path / "w", "name: flow\nsteps: {one: {command: !file run.sh}}\n")
    (tmp_path / "w" / "run.sh").write_bytes(b"set -e\r\npython main.py\rexit\n")
    done = run("graph", "w/a.yaml", cwd=tmp_path)
    assert done.returncode == 0
    from reconciler.manifests import load_manifests  # noqa: PLC0415 - the body, as it is sent

    (manifest,) = load_manifests((str(tmp_path / "w"),), env={}).manifests
    assert manifest.body["steps"] == {"one": {"command": "set -e\npython main.py\nexit\n"}}


@pytest.mark.parametrize("name", ["up.YAML", "up.Yml", "up.JSON"])
def test_endings_in_any_case(tmp_path: Path, name: str) -> None:
    """A manifest is found whatever the case of its ending."""
    _manifest(tmp_path / "w", '{"name": "flow", "steps": {"one": {"command": "echo"}}}\n', name)
    done = run("validate", "w", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1 valid manifest in 1 file; no problems found\n")


@pytest.mark.parametrize(
    "head", ["body:\n  name: flow\n  steps: {one: *step}\n", "name: flow\nsteps: {one: *step}\n"]
)
def test_a_place_for_anchors(tmp_path: Path, head: str) -> None:
    """Top-level keys that begin with `x-` hold anchors and are no part of the body."""
    _manifest(tmp_path / "w", "x-step: &step {command: echo}\n" + head)
    done = run("validate", "w", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1 valid manifest in 1 file; no problems found\n")


def test_an_unexpected_exception_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """An unexpected error ends with exit code 1, the place and a hint to report it, without its text."""
    from reconciler.cli import error_exit  # noqa: PLC0415

    for raised, said in ((ValueError("canary"), "unexpected ValueError"), (MemoryError(), "out of memory")):

        def fail(error: Exception = raised) -> None:
            raise error

        with pytest.raises(SystemExit) as ended:
            error_exit.run(click.Command("x", callback=fail), [])
        errors = capsys.readouterr().err
        assert (ended.value.code, said in errors, "canary" in errors) == (1, True, False)


def test_an_ending_process_searches_its_memory_for_no_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The objects of a command are frozen once at its end, so that the interpreter does not look at them."""
    from reconciler.cli import error_exit  # noqa: PLC0415

    frozen: list[str] = []
    monkeypatch.setattr("gc.freeze", lambda: frozen.append("all"))
    with pytest.raises(SystemExit):
        error_exit.run(click.Command("x", callback=lambda: 0), [])
    assert frozen == ["all"]


@pytest.mark.parametrize("value", ["", "~", "null"])
def test_a_variable_without_a_value_is_named(tmp_path: Path, value: str) -> None:
    """`E:` in `env` is left out, as the API client does, and a warning says what to write."""
    text = f"name: flow\nsteps:\n  one:\n    imageId: 1\n    parameters:\n      env:\n        E: {value}\n"
    done = run("validate", _manifest(tmp_path / "w", text))
    assert done.returncode == 0
    assert "a.yaml:7:9: warning: 'E' has no value and is left out; write '' for an empty text" in done.stdout


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["**/../..", "!", "[z-a]", "\0", "{{ x }}", "/", "~", "C:", "w", "-1", "1e999", "a/b\\c"]
    ),
)
_KEYS = st.sampled_from(
    [
        "version",
        "manifests",
        "exclude",
        "ownership",
        "tag",
        "safety",
        "max_deletes",
        "concurrency",
        "remember",
        "environments",
        "validate",
        "off",
        "strict",
        "reconcile",
        "extra",
        "name",
        "body",
        "steps",
        "patch",
        "set",
    ]
)
_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=9,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_KEYS, _DOCUMENTS, max_size=5), _DOCUMENTS, st.sampled_from(["validate", "plan"]))
def test_whatever_the_files_hold(tmp_path: Path, configuration: Any, manifest: Any, command: str) -> None:
    """Any configuration and any manifest give a documented exit code in time, and no traceback."""
    _manifest(tmp_path / "w", json.dumps(manifest))
    (tmp_path / "reconciler.yaml").write_text(json.dumps(configuration), encoding="utf-8")
    for words in ([command], [command, "w"]):
        done = run(*words, cwd=tmp_path, PEAK_API_URL="http://127.0.0.1:9", PEAK_AUTH_TOKEN="made-up")
        assert done.returncode in {0, 1, 2, 3, 4, 64}
        assert "Traceback" not in done.stderr
        assert "unexpected" not in done.stderr


_TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0/\\", exclude_categories=["Cs"]), max_size=12),
    st.binary(max_size=8).map(lambda data: os.fsdecode(data.translate(None, b"\0/\\"))),
    st.sampled_from(
        ["", " ", "0", "-1", "1e999", "nan", "\u0661", "9" * 400, "true", "prod", "json", "text", ":", ":0"]
    ),
    st.sampled_from(
        ["http://", "https://[", "http://127.0.0.1:9", "http://127.0.0.1:99999", "http://u:p@h:x"]
    ),
)
"""Text that a variable may hold: nothing that names a file outside of the directory."""


def _variables() -> list[str]:
    """Return the names of the variables that the command line reads."""
    from reconciler.cli import group  # noqa: PLC0415 - only here

    context = click.Context(group)
    commands = [group.get_command(context, name) for name in group.list_commands(context)]
    options = [option for command in commands if command for option in command.params]
    named = {str(option.envvar) for option in options if option.envvar}
    return sorted({*named, *_CREDENTIALS, *_PROXIES, "RECONCILER_REMEMBER_KEY"} - {"RECONCILER_INTERVAL"})


@settings(max_examples=12 * DEPTH, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    command=st.sampled_from(["validate", "plan", "apply", "reconcile", "status", "export", "graph"]),
)
def test_whatever_the_variables_hold(tmp_path: Path, data: st.DataObject, command: str) -> None:
    """Any text and any bytes in the variables give a documented exit code in time, and no traceback."""
    _manifest(tmp_path / "w")
    drawn = data.draw(st.dictionaries(st.sampled_from(_variables()), _TEXTS, max_size=6))
    with EmulatorServer() as server:
        env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "made-up", **drawn}
        words = {"apply": ["w", "--auto-approve"], "export": []}.get(command, ["w"])
        done = run(command, *words, cwd=tmp_path, **env)
    assert done.returncode in {0, 1, 2, 3, 4, 64}, done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
