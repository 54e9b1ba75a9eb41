"""Standard output and error that cannot be written: one line, exit 1, and never a traceback."""

from __future__ import annotations

import shlex
import stat
import subprocess
from pathlib import Path

import click
import pytest
from processes import COMMAND, forked_command, run_command
from validate_process import environment

from reconciler.cli.terminal import show
from reconciler.text import without_commands

_FULL = Path("/dev/full")
_COMMANDS = [
    "--help",
    "--version",
    "validate --help",
    "validate --list-rules",
    "validate --format json {good}",
    "validate {good}",
    "validate {bad}",
    "plan --help",
    "apply --help",
    "emulator --help",
    "schema workflow",
]

needs_full = pytest.mark.skipif(
    not _FULL.exists() or not stat.S_ISCHR(_FULL.stat().st_mode), reason="there is no such device"
)


def _shell(line: str, command: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line with a shell, whose redirections are what is tested."""
    return subprocess.run(  # noqa: S602 - nothing in it comes from outside
        f"{shlex.join(command or forked_command())} {line}",
        shell=True,
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=environment(),
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def manifests(tmp_path: Path) -> dict[str, Path]:
    """Return a good and a bad manifest."""
    files = {"good": tmp_path / "good.yaml", "bad": tmp_path / "bad.yaml"}
    files["good"].write_text("name: a\nsteps: {a: {imageId: 1}}\n", encoding="utf-8")
    files["bad"].write_text("name: b\nsteps: {a: {parents: [c]}}\n", encoding="utf-8")
    return files


@needs_full
@pytest.mark.parametrize("command", _COMMANDS)
def test_full_disk(manifests: dict[str, Path], command: str) -> None:
    """A result that cannot be written is a failure of every command, and is reported as one."""
    done = _shell(f"{command.format(**manifests)} > /dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output cannot be written: no space left on device\n",
    )


@needs_full
def test_large_result_on_a_full_disk(tmp_path: Path) -> None:
    """The disk is full long before the end."""
    lines = "".join(f"x{i}: 1\n" for i in range(150))
    (tmp_path / "a.yaml").write_text(f"name: a\nsteps: {{a: {{}}}}\n{lines}", encoding="utf-8")
    done = _shell(f"validate {tmp_path} > /dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@needs_full
@pytest.mark.parametrize(
    ("command", "code"),
    [("validate {good}", 0), ("validate {bad}", 3), ("validate --nonsense", 1), ("plan", 1)],
)
def test_full_standard_error(manifests: dict[str, Path], command: str, code: int) -> None:
    """Where words cannot be said, the exit code still says that something failed."""
    assert _shell(f"{command.format(**manifests)} 2> /dev/full").returncode == code


@needs_full
def test_both_full(manifests: dict[str, Path]) -> None:
    """Nothing can be said at all."""
    assert _shell(f"validate {manifests['good']} > /dev/full 2> /dev/full").returncode == 1


@needs_full
def test_report_on_a_full_disk(manifests: dict[str, Path]) -> None:
    """A report that is written to a full device: the error names the device, which stays one."""
    done = _shell(f"validate --output json=/dev/full {manifests['good']}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: /dev/full cannot be written: no space left on device\n"
    assert stat.S_ISCHR(_FULL.stat().st_mode)


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("bad", 3)])
def test_closed_standard_output(manifests: dict[str, Path], name: str, code: int) -> None:
    """Nobody wants to read: the exit code says what there is to say."""
    done = _shell(f"validate {manifests[name]} >&-", COMMAND)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("command", ["--help", "validate {bad}", "validate --list-rules"])
def test_reader_goes_away(manifests: dict[str, Path], command: str) -> None:
    """A reader that stops early is no reason to complain."""
    done = _shell(f"{command.format(**manifests)} | true")
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii", "utf-8"])
def test_terminal_that_cannot_show_everything(tmp_path: Path, encoding: str) -> None:
    """What the terminal's encoding does not know is shown in another way, and the check goes on."""
    (tmp_path / "a.yaml").write_text("name: a\nsteps: {a: {parents: ['ü☃😀']}}\n", encoding="utf-8")
    for form in ("text", "json", "github", "gitlab", "sarif", "junit"):
        done = subprocess.run(
            [*forked_command(), "validate", "--format", form, tmp_path],
            capture_output=True,
            check=False,
            env=environment(PYTHONIOENCODING=encoding),
        )
        assert (done.returncode, done.stderr) == (3, b""), form
        assert b"unknown-parent" in done.stdout


def test_a_pipe_is_plain_and_stable(manifests: dict[str, Path]) -> None:
    """No variable changes what a pipe gets; FORCE_COLOR adds colours, and nothing else."""
    words = ["validate", manifests["bad"]]
    plain = run_command(words, env=environment()).stdout
    assert "\x1b" not in plain
    for env in ({"COLUMNS": "20"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"LINES": "1"}):
        assert run_command(words, env=environment(**env)).stdout == plain
    for env in ({"FORCE_COLOR": "1"}, {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "20"}):
        coloured = run_command(words, env=environment(**env)).stdout
        assert "\x1b[31merror:" in coloured
        assert click.unstyle(coloured) == plain


@pytest.mark.parametrize("length", [3, 70_000])
def test_pieces_are_written_in_whole_lines(capsys: pytest.CaptureFixture[str], length: int) -> None:
    """A command for a CI system is made harmless wherever a large result is divided, and nothing else is."""
    line = "x" * length
    pieces = [f"{line}#", "#vso[a]\n", f"{line}", "::set-output\n", "::set-output\n"] * 3
    show(iter(pieces))
    assert capsys.readouterr().out == without_commands("".join(pieces)) + "\n"
