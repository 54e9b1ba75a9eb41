"""`validate` as a process: what it says, where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import COMMAND, forked_command
from validate_process import CASES, environment, report, run, shown_lines, validate

_GOOD = "name: {name}\nsteps:\n  train:\n    imageId: 1\n"
_CANARY = "canary-5f3a91"
_ESCAPES = re.compile(r"[^\n\x20-\x7e\xa0-\U0010ffff]")


def _good(path: Path, name: str, extra: str = "") -> Path:
    path.write_text(_GOOD.format(name=name) + extra, encoding="utf-8")
    return path


def _variables(folder: Path) -> dict[str, str]:
    """Return the variables that the case files below `folder` want."""
    found: dict[str, str] = {}
    for case in folder.glob("*.yaml"):
        text = case.read_text(encoding="utf-8", errors="replace")
        found.update(re.findall(r"^# env: (\w+)=(.*)$", text, re.MULTILINE))
    return found


def test_good_manifests_exit_0(tmp_path: Path) -> None:
    """Valid manifests: exit 0, one line on stdout with what was checked, nothing on stderr."""
    _good(tmp_path / "a.yaml", "a")
    _good(tmp_path / "b.yaml", "b", "---\n" + _GOOD.format(name="c"))
    done = validate(tmp_path)
    assert (done.returncode, done.stdout) == (0, "3 valid manifests in 2 files; no problems found\n")
    one = validate(tmp_path / "a.yaml")
    assert one.stdout == "1 valid manifest in 1 file; no problems found\n"


def test_bad_manifest_exits_3(tmp_path: Path) -> None:
    """An error: exit 3, a line with file, place, severity, message and rule, and the line it is about."""
    _good(tmp_path / "a.yaml", "a", "    imageID: 2\n")
    done = validate("a.yaml", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout == (
        "a.yaml:5:5: error: unknown key 'imageID' in steps.train; did you mean 'imageId'? "
        "[schema-unknown-key]\n"
        "    5 |     imageID: 2\n"
        "      |     ^\n"
        "1 file checked; 1 error\n"
    )


def test_finding_without_a_place(tmp_path: Path) -> None:
    """A finding about a whole file has neither line nor column."""
    done = validate("nowhere.yaml", cwd=tmp_path)
    assert done.stdout.splitlines()[0] == ("nowhere.yaml: error: no such file or directory [no-such-path]")
    (finding,) = report("nowhere.yaml", cwd=tmp_path)["findings"]
    assert (finding["line"], finding["column"], finding["path"]) == (None, None, [])


def test_json_report(tmp_path: Path) -> None:
    """The JSON report has a version, counts, and each finding with file, place, path, rule and severity."""
    _good(tmp_path / "a.yaml", "a", "    parents: [1]\n    command: !env NOT_SET\n")
    _good(tmp_path / "b.yaml", "b")
    assert report(".", cwd=tmp_path) == {
        "format_version": 1,
        "summary": {"files": 2, "manifests": 1, "errors": 1, "warnings": 1},
        "findings": [
            {
                "file": "a.yaml",
                "line": 5,
                "column": 15,
                "path": ["steps", "train", "parents", 0],
                "rule": "schema-type",
                "severity": "error",
                "message": "steps.train.parents[0] must be text, found 1; quote the value",
            },
            {
                "file": "a.yaml",
                "line": 6,
                "column": 14,
                "path": [],
                "rule": "env",
                "severity": "warning",
                "message": "the environment variable 'NOT_SET' is not set; set it, or write a default",
            },
        ],
    }


def test_json_of_good_manifests(tmp_path: Path) -> None:
    """Without a finding the report is whole all the same."""
    _good(tmp_path / "a.yaml", "a")
    assert report(tmp_path) == {
        "format_version": 1,
        "summary": {"files": 1, "manifests": 1, "errors": 0, "warnings": 0},
        "findings": [],
    }


def test_unset_variable_is_a_warning(tmp_path: Path) -> None:
    """A check before a merge has no secrets: an unset variable is reported, and the exit code is 0."""
    _good(tmp_path / "a.yaml", "a", "    command: !env NOT_SET\n")
    done = validate("a.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("a.yaml:5:14: warning: the environment variable 'NOT_SET' is not set")
    assert done.stdout.endswith("1 valid manifest in 1 file; 1 warning\n")
    assert validate("a.yaml", cwd=tmp_path, NOT_SET="x").stdout.endswith("no problems found\n")


def test_every_good_case_at_once() -> None:
    """The directory of good cases is valid as a whole: no name occurs twice, and there are no warnings."""
    done = validate(CASES / "good", **_variables(CASES / "good"))
    assert (done.returncode, done.stdout.endswith("; no problems found\n")) == (0, True), done.stdout


def test_every_bad_case_at_once() -> None:
    """The directory of bad cases gives a finding for each file, one exit code, and shows no secret."""
    variables = _variables(CASES / "bad")
    bad = report(CASES / "bad", **variables)
    assert {Path(finding["file"]).name for finding in bad["findings"]} >= {
        case.name for case in (CASES / "bad").glob("*.yaml")
    } - {"no-manifest-only-comments.yaml"}
    said = json.dumps(bad)
    assert not [value for value in variables.values() if value.startswith("canary") and value in said]


def test_forty_bad_files_give_forty_findings(tmp_path: Path) -> None:
    """Forty errors are forty findings, with one exit code."""
    for index in range(40):
        _good(tmp_path / f"{index:02}.yaml", f"w{index}", "wrong: 1\n")
    done = validate(tmp_path)
    lines = shown_lines(done)
    assert (done.returncode, len(lines), lines[-1]) == (3, 41, "40 files checked; 40 errors")


def test_several_paths(tmp_path: Path) -> None:
    """Files and directories may be named together; each file is read once, what is missing is reported."""
    (tmp_path / "sub").mkdir()
    _good(tmp_path / "sub" / "a.yaml", "a")
    _good(tmp_path / "b.yaml", "b")
    found = report("sub", "b.yaml", "sub/a.yaml", "nowhere", cwd=tmp_path)
    assert found["summary"] == {"files": 2, "manifests": 2, "errors": 1, "warnings": 0}
    assert [finding["file"] for finding in found["findings"]] == ["nowhere"]


def test_duplicates_over_several_paths(tmp_path: Path) -> None:
    """Two manifests of one name are found wherever their files were named."""
    for name in ("one.yaml", "two.yaml"):
        _good(tmp_path / name, "same")
    done = validate("one.yaml", "two.yaml", cwd=tmp_path)
    assert shown_lines(done)[:2] == [
        "one.yaml:1:7: error: the name 'same' is also used in two.yaml:1 [duplicate-name]",
        "two.yaml:1:7: error: the name 'same' is also used in one.yaml:1 [duplicate-name]",
    ]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["validate"],
        ["validate", "--format", "xml", "."],
        ["validate", "--nonsense", "."],
        ["validate", "--format"],
        ["valdate", "."],
        ["--nonsense"],
    ],
)
def test_wrong_usage_exits_64(words: list[str], tmp_path: Path) -> None:
    """A call that cannot work: exit 64, words on stderr, nothing on stdout."""
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith(("Usage: peak-reconciler", "Error: ", "error: "))
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["validate", "--help"], ["validate", "-h"]])
def test_help(words: list[str]) -> None:
    """Help goes to stdout and exits with 0."""
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: peak-reconciler")
    assert ("PATH..." if "validate" in words else "validate") in done.stdout


def test_version() -> None:
    """`--version` prints name and version."""
    from reconciler import __version__  # noqa: PLC0415 - the rest of this module knows the process only

    assert run("--version").stdout == f"peak-reconciler, version {__version__}\n"


def test_command_is_installed(tmp_path: Path) -> None:
    """`peak-reconciler` and `python -m reconciler` say the same."""
    _good(tmp_path / "a.yaml", "a", "wrong: 1\n")
    script = Path(sys.executable).parent / "peak-reconciler"
    if not script.exists():
        pytest.skip("the package is not installed here")
    done = subprocess.run(
        [script, "validate", tmp_path], capture_output=True, check=False, encoding="utf-8", env=environment()
    )
    same = validate(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (same.returncode, same.stdout, same.stderr)


def test_no_network_is_touched(tmp_path: Path) -> None:
    """`validate` opens no socket."""
    _good(tmp_path / "a.yaml", "a", "wrong: 1\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nsys.addaudithook(lambda event, _: event.startswith('socket.') and os._exit(99))\n",
        encoding="utf-8",
    )
    hook = environment(PYTHONPATH=str(tmp_path), PEAK_API_URL="http://192.0.2.1")
    command = [*COMMAND, "validate", tmp_path / "a.yaml"]
    done = subprocess.run(command, capture_output=True, check=False, env=hook)
    assert (done.returncode, done.stderr) == (3, b"")
    hooked = subprocess.run(
        [sys.executable, "-c", "import socket; socket.socket()"],
        check=False,
        env=environment(PYTHONPATH=str(tmp_path)),
    )
    assert hooked.returncode == 99, "the hook is there"


def test_output_is_harmless(tmp_path: Path) -> None:
    """Terminal escapes, line ends and overrides of direction are escaped, wherever they come from."""
    odd = "\x1b]0;owned\x07\x1b[2J\n::error::\r\u202e\u2028\x9b"
    text = json.dumps(
        [
            {
                "name": odd,
                "steps": {odd: {"imageId": odd, odd: 1}, "s": {"type": odd}},
                "tags": [{"name": odd}],
            },
            {"name": odd, "steps": {"s": {}}},
        ]
    )
    documents = "\n---\n".join(json.dumps(document) for document in json.loads(text))
    (tmp_path / "a\x1b[31m\n.yaml").write_text(documents, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(json.dumps({"name": odd, "steps": {"s": {}}}), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(f"!env {{name: {json.dumps(odd)}}}\n", encoding="utf-8")
    (tmp_path / "d.yaml").write_text(f"name: !file {json.dumps(odd)}\n", encoding="utf-8")
    text_form, json_form = validate(tmp_path), validate("--format", "json", tmp_path)
    findings = json.loads(json_form.stdout)["findings"]
    assert {finding["rule"] for finding in findings} >= {
        "schema-pattern",
        "schema-type",
        "duplicate-name",
        "env",
    }
    for done in (text_form, json_form):
        assert not _ESCAPES.search(done.stdout), ascii(done.stdout)
        assert not any(char in done.stdout for char in "\u202e\u2028\x9b")
    assert len(shown_lines(text_form)) == len(findings) + 1
    assert all(finding["message"].isprintable() for finding in findings)
    assert json_form.stdout.isascii()


@pytest.mark.parametrize("form", ["text", "json"])
def test_values_of_env_are_not_shown(tmp_path: Path, form: str) -> None:
    """Whatever is wrong, and whatever goes well, with a value of `!env`: it is not in the output."""
    (tmp_path / "a.yaml").write_text(
        "name: !env S\nsteps: {s: {imageId: !env S, type: !env S, resources: {storage: !env S}}}\n---\n"
        "name: !env S\nsteps: {s: {repository: {token: !env S}}}\n---\n"
        "name: !env S\nsteps: {s: {command: !env S}}\nreconcile: {whenRunning: proceed}\n",
        encoding="utf-8",
    )
    done = validate("--format", form, tmp_path, S=_CANARY)
    assert done.returncode == 3
    assert _CANARY not in done.stdout


def test_secret_fields_are_not_shown(tmp_path: Path) -> None:
    """A secret that is written into a manifest in the wrong form is not repeated in a log."""
    (tmp_path / "a.yaml").write_text(
        f"name: a\nsteps:\n  s: {{type: http, auth: {{type: basic, password: [{_CANARY}], apiKey: 739155}}}}",
        encoding="utf-8",
    )
    done = validate(tmp_path)
    assert (done.returncode, done.stdout.count("found"), done.stdout.count("(sensitive)")) == (3, 2, 2)
    assert _CANARY not in done.stdout
    assert "739155" not in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "a:\r" + "- " * 100_000,
        "a:\u2028" + "- " * 100_000,
        "a:\x85" + "- " * 100_000,
        "? " * 100_000,
        "[" * 100_000,
    ],
    ids=["carriage-return", "line-separator", "next-line", "keys", "brackets"],
)
def test_deep_nesting_does_not_crash_the_process(tmp_path: Path, text: str) -> None:
    """Nesting that would overflow the parser's stack is a finding, whichever line break it hides behind."""
    (tmp_path / "a.yaml").write_bytes(text.encode())
    (finding,) = report(tmp_path)["findings"]
    assert (finding["rule"], finding["message"]) == ("too-deep", "nested deeper than 100 levels")


@pytest.mark.parametrize("form", ["text", "json"])
def test_reader_that_goes_away(tmp_path: Path, form: str) -> None:
    """When nobody reads on, the command ends without a traceback."""
    wrong = "".join(f"wrong{index}: 1\n" for index in range(100))
    for index in range(20):
        _good(tmp_path / f"{index}.yaml", f"w{index}", wrong)
    with subprocess.Popen(
        [*forked_command(), "validate", "--format", form, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode in {1, 3, -signal.SIGPIPE}, said) == (True, b"")


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "1"}])
def test_any_locale(tmp_path: Path, locale: dict[str, str]) -> None:
    """Names beyond ASCII are shown, or at least no reason to fail, in every locale."""
    (tmp_path / "a.yaml").write_text("name: 'ü☃😀'\nsteps: {'ü☃😀': {}}\n", encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "validate", tmp_path], capture_output=True, check=False, env=environment(**locale)
    )
    assert (done.returncode, done.stderr) == (3, b"")
    assert b"only letters, digits and hyphens" in done.stdout


def test_empty_path_is_not_the_current_directory(tmp_path: Path) -> None:
    """An unset variable in a script (`validate "$DIR"`) does not quietly check something else."""
    _good(tmp_path / "a.yaml", "a")
    done = validate("", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        3,
        "'': error: no such file or directory [no-such-path]",
    )


def test_same_input_same_output(tmp_path: Path) -> None:
    """The output does not depend on hash seeds or on the order of the file system."""
    for index in (3, 1, 2):
        _good(tmp_path / f"{index}.yaml", "same", "    parents: {a: 1}\nwrong: 1\nworse: 2\n")
    first, second = (
        subprocess.run(
            [*COMMAND, "validate", tmp_path],
            capture_output=True,
            text=True,
            check=False,
            env=environment(PYTHONHASHSEED=seed),
        )
        for seed in "01"
    )
    assert first.stdout == second.stdout
    assert [line.split(":")[0] for line in shown_lines(first)[:-1]] == sorted(
        os.fspath(tmp_path / f"{index}.yaml") for index in (1, 2, 3) for _ in range(3)
    )
