"""`!env` and `!file`: where values come from, and that those of `!env` are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from manifest_helpers import CANARY, file_rules, load, names, only, workflow, write

from reconciler.findings import Position, Severity
from reconciler.manifests import ReadOptions, load_manifests
from reconciler.manifests.tag_readers import MAX_INCLUDED_BYTES

if TYPE_CHECKING:
    from pathlib import Path


def _step(extra: str) -> str:
    return workflow("a", f"    {extra}\n")


def test_env_values_and_defaults(tmp_path: Path) -> None:
    """`!env` gives the variable's text, else the default, which is in Git and so no secret."""
    text = _step(
        "parameters: {env: {A: !env A, B: !env {name: B, default: b}, C: !env {name: C, default: c}, "
        "D: !env {default: 5, name: D}, E: !env {name: E, default: ''}}}"
    )
    result = load(write(tmp_path / "a.yaml", text), env={"A": "1", "B": "x", "C": "", "D": ""})
    (manifest,) = result.manifests
    env = manifest.body["steps"]["train"]["parameters"]["env"]  # type: ignore[index, call-overload]
    assert env == {"A": "1", "B": "x", "C": "c", "D": "5", "E": ""}
    assert result.secrets == {"1", "x"}
    assert {path[-1] for path in manifest.sensitive} == set("AB")


def test_sensitive_paths(tmp_path: Path) -> None:
    """Every place a value of `!env` reaches is known: in lists, through aliases, in patches."""
    text = (
        "body:\n  name: !env N\n  steps:\n    one: &one\n      command: !env C\n      parents: [x, !env P]\n"
        "    two: {<<: *one, imageId: 1}\n    three: {<<: *one, command: plain}\n"
        "---\npatch: {name: p, set: {token: !env T}, body: {tags: [{name: !env G}]}}\n"
    )
    env = {name: f"{CANARY}-{name}" for name in "NCPTG"}
    first, second = load(write(tmp_path / "a.yaml", text), env=env).manifests
    assert first.sensitive == {
        ("name",),
        ("steps", "one", "command"),
        ("steps", "one", "parents", 1),
        ("steps", "two", "command"),
        ("steps", "two", "parents", 1),
        ("steps", "three", "parents", 1),
    }
    assert second.sensitive == {("set", "token"), ("body", "tags", 0, "name")}


def test_a_document_is_not_sensitive_for_the_one_before(tmp_path: Path) -> None:
    """Only the document with `!env` has sensitive paths, however many alike come after it."""
    text = _step("command: !env C") + "".join(
        f"---\nname: w{index}\nsteps:\n  train:\n    imageId: 1\n    command: plain\n" for index in range(50)
    )
    manifests = load(write(tmp_path / "a.yaml", text), env={"C": CANARY}).manifests
    assert [len(manifest.sensitive) for manifest in manifests] == [1] + [0] * 50


def test_unset_variable_is_a_warning_or_an_error(tmp_path: Path) -> None:
    """Without `require_env` a placeholder stands in for the value; with it the manifest is refused."""
    file = write(tmp_path / "a.yaml", _step("command: !env NOT_SET"))
    checked, required = load(file, require_env=False), load(file)
    assert (names(checked), checked.valid, only(checked).severity) == (["a"], True, Severity.WARNING)
    assert (names(required), required.valid, only(required).severity) == ([], False, Severity.ERROR)
    for result in (checked, required):
        assert (only(result).rule, only(result).position) == ("env", Position(5, 14))
        assert only(result).message == (
            "the environment variable 'NOT_SET' is not set; set it, or write a default"
        )


def test_empty_variable_is_unset(tmp_path: Path) -> None:
    """An empty variable, as CI systems give for a secret that is missing, is no value."""
    file = write(tmp_path / "a.yaml", _step("command: !env EMPTY"))
    checked, required = load(file, env={"EMPTY": ""}, require_env=False), load(file, env={"EMPTY": ""})
    assert (checked.valid, only(checked).severity) == (True, Severity.WARNING)
    assert (names(required), only(required).severity) == ([], Severity.ERROR)
    assert only(required).message == (
        "the environment variable 'EMPTY' is empty; set it, or write default: '' if an empty text is intended"
    )


@pytest.mark.parametrize("value", [" ", "\n", "\t \r\n", "\u00a0"])
def test_white_space_is_a_warning(tmp_path: Path, value: str) -> None:
    """A variable that holds only white space is used, with a warning."""
    result = load(write(tmp_path / "a.yaml", _step("command: !env V")), env={"V": value})
    (manifest,) = result.manifests
    assert manifest.body["steps"] == {"train": {"imageId": 1, "command": value}}
    assert (only(result).severity, only(result).message) == (
        Severity.WARNING,
        "the environment variable 'V' holds only white space",
    )
    assert manifest.source.unset == frozenset()


@pytest.mark.parametrize(
    "extra",
    ["resources: {storage: !env X}", "type: !env X", "command: !env X", "repository: {branch: !env X}"],
)
def test_placeholder_is_not_checked(tmp_path: Path, extra: str) -> None:
    """A value that is not known yet is not said to have the wrong form."""
    result = load(write(tmp_path / "a.yaml", _step(extra)), require_env=False)
    assert ([finding.rule for finding in result.findings], result.valid) == (["env"], True)


def test_placeholder_is_still_text(tmp_path: Path) -> None:
    """A variable in place of a number is an error, which is reported even if the variable is not set."""
    result = load(write(tmp_path / "a.yaml", _step("stepTimeout: !env X")), require_env=False)
    assert [(finding.rule, finding.severity.value) for finding in result.findings] == [
        ("schema-type", "error"),
        ("env", "warning"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name: !env S\nsteps: {s: {imageId: !env S}}\n",
        "name: a\nsteps: {s: {type: !env S}}\n",
        "name: a\nsteps: {s: {resources: {storage: !env S}}}\n",
        "name: a\nsteps: {s: {type: http, method: !env S}}\n",
        "name: a\nsteps: {s: !env S}\n",
        "name: a\nsteps: !env S\n",
        "body: !env S\n",
        "patch: !env S\n",
        "!env S\n",
        "[!env S]\n",
        "name: !env S\nsteps: {s: {}}\nreconcile: !env S\n",
        "name: !env S\nsteps: {s: {}}\nreconcile: {id: !env S, whenRunning: !env S, ignore: !env S}\n",
        "name: !env S\nsteps: {s: {}}\nwrong: !env S\n",
        "name: !env S\nsteps: {s: {}}\n---\nname: !env S\nsteps: {s: {}}\n",
        "name: a\nsteps: {s: {}}\nwatchers: [!env S, {user: !env S, email: !env S}]\ntriggers: [!env S]\n",
        "name: a\nsteps: {s: {}}\ntags: !env S\nretryOptions: {duration: !env S, exitCodes: [!env S]}\n",
        "patch: {name: a, set: {imageId: !env S, storage: !env S}, body: !env S, stepNames: !env S}\n",
        "name: a\n<<: !env S\n!env S : b\n",
    ],
)
def test_value_of_env_is_in_no_finding(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with a value of `!env`, or around it, the value is not said."""
    result = load(write(tmp_path / "a.yaml", text), env={"S": CANARY})
    assert result.findings
    assert CANARY not in repr(result.findings)


def test_file_is_text_next_to_the_manifest(tmp_path: Path) -> None:
    r"""`!file` gives a file's text with `\n` line ends, by a path from the manifest inside the root."""
    write(tmp_path / "texts" / "q.sql", "\ufeffselect 'ü'\r\n  !env NAME;\n")
    file = write(tmp_path / "sub" / "a.yaml", _step("command: !file ../texts/q.sql"))
    (manifest,) = load(tmp_path).manifests
    assert manifest.body["steps"] == {"train": {"imageId": 1, "command": "select 'ü'\n  !env NAME;\n"}}
    assert manifest.sensitive == frozenset()
    # Named directly, the manifest's own directory is the root.
    finding = only(load(file))
    assert (finding.rule, finding.position) == ("file-include", Position(5, 14))
    assert finding.message == (
        "cannot include the file '../texts/q.sql': it is outside the directory of the manifests"
    )


def test_file_that_leaves_the_root(tmp_path: Path) -> None:
    """`!file` does not leave the root: not by dots, not by an absolute path, not through a link."""
    secret = write(tmp_path / "secret.txt", CANARY)
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.txt").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    paths = ["../secret.txt", str(secret), "link.txt", "folder/secret.txt", "./../root/../secret.txt"]
    steps = "".join(f"  s{index}: {{command: !file '{path}'}}\n" for index, path in enumerate(paths))
    result = load(write(root / "a.yaml", f"name: a\nsteps:\n{steps}"))
    assert file_rules(result) == [("a.yaml", "file-include")] * len(paths)
    assert all(
        "it is outside the directory of the manifests" in finding.message for finding in result.findings
    )
    assert CANARY not in f"{result.findings}"


def test_file_of_git_itself_is_not_included(tmp_path: Path) -> None:
    """A checkout may keep its credential in `.git`: nothing there is included, not even through a link."""
    write(tmp_path / ".git" / "config", f"extraheader = AUTHORIZATION: basic {CANARY}")
    (tmp_path / "link").symlink_to(tmp_path / ".git")
    write(tmp_path / "a.yaml", _step("command: !file .git/config"))
    write(tmp_path / "b.yaml", _step("command: !file link/config"))
    result = load(tmp_path)
    assert result.manifests == ()
    reasons = [finding.message.partition("': ")[2] for finding in result.findings]
    assert reasons == ["files in .git are not read"] * 2


def test_file_that_cannot_be_included(tmp_path: Path) -> None:
    """A file that is too large, not text, or missing is reported at the tag."""
    write(tmp_path / "large.txt", "x" * (MAX_INCLUDED_BYTES + 1))
    (tmp_path / "binary.txt").write_bytes(b"a\nb\xff")
    (tmp_path / "folder").mkdir()
    paths = ["large.txt", "binary.txt", "folder", "nowhere.txt", "x" * 5000]
    steps = "".join(f"  s{index}: {{command: !file {path}}}\n" for index, path in enumerate(paths))
    result = load(write(tmp_path / "a.yaml", f"name: a\nsteps:\n{steps}"))
    reasons = [finding.message.partition("': ")[2] for finding in result.findings]
    assert reasons == [
        f"it has {MAX_INCLUDED_BYTES + 1} bytes; the limit is {MAX_INCLUDED_BYTES}",
        "it is not UTF-8 text (byte 3, line 2)",
        "it is not a regular file",
        "no such file or directory",
        "file name too long",
    ]


def test_text_in_all_is_bounded(tmp_path: Path) -> None:
    """A large text that is included or aliased many times is refused."""
    write(tmp_path / "large.txt", "x" * MAX_INCLUDED_BYTES)
    steps = "".join(f"  s{index}: {{command: *c}}\n" for index in range(60))
    text = "name: a\nsteps:\n  s: {command: &c %s}\n"
    for value in ("!file large.txt", "x" * MAX_INCLUDED_BYTES):
        finding = only(load(write(tmp_path / "a.yaml", text % value + steps)))
        assert (finding.rule, finding.position) == ("too-large", Position(3, 16))
        assert "aliases and !file expanded" in finding.message


def test_typed_variables(tmp_path: Path) -> None:
    """A type makes a number, a boolean or a structure of the text; every part of it is a secret."""
    text = _step(
        "x: [!env {name: J, type: json}, !env {name: N, type: number}, !env {name: B, type: boolean}, "
        "!env {name: S, type: string}]\n    stepTimeout: !env {name: I, type: integer}\n"
        "    imageVersionId: !env {name: W, type: integer, default: 7}\n"
    )
    env = {"I": "30", "J": '{"A": "canary-a", "B": ["canary-b"]}', "N": "1.5", "B": "True", "S": "s"}
    file = write(tmp_path / "a.yaml", text)
    result = load_manifests((str(file),), env, ReadOptions(extra=(("steps", "*", "x"),)))
    assert result.findings == ()
    (manifest,) = result.manifests
    step = manifest.body["steps"]["train"]  # type: ignore[index, call-overload]
    assert step["x"] == [{"A": "canary-a", "B": ["canary-b"]}, 1.5, True, "s"]
    assert (step["stepTimeout"], step["imageVersionId"]) == (30, 7)
    assert {path[2:] for path in manifest.sensitive} == {
        ("stepTimeout",),
        ("x", 0, "A"),
        ("x", 0, "B", 0),
        ("x", 1),
        ("x", 2),
        ("x", 3),
    }
    assert {"canary-a", "canary-b", "30", "1.5", "s"} <= result.secrets
    assert "True" not in result.secrets


def test_unset_typed_variable_is_of_its_type(tmp_path: Path) -> None:
    """A placeholder has the type that is stated, so that only the missing value is reported."""
    text = _step("stepTimeout: !env {name: I, type: integer}\n    parameters: !env {name: J, type: json}")
    result = load(write(tmp_path / "a.yaml", text), require_env=False)
    assert ([finding.rule for finding in result.findings], result.valid) == (["env", "env"], True)
