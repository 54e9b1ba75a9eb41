"""Completion: what a shell is answered at TAB, the scripts in real shells, and suggestions for a typo."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner
from processes import forked_command_folder, inherited_environment, run_command
from strategies import DEPTH

from reconciler.cli import group
from reconciler.manifests import quick_names

_CONFIGURATION: Final = """\
version: 1
manifests: [workflows]
exclude: [workflows/left-out.yaml]
environments:
  dev: {}
  prod: {names: {prefix: prod-}, overlays: [overlays]}
"""
_BODY: Final = "  steps: {s: {imageId: 1, imageVersionId: 1, command: python a.py}}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with environments and a few workflows."""
    folder = tmp_path / "repository"
    (folder / "workflows").mkdir(parents=True)
    (folder / "reconciler.yaml").write_text(_CONFIGURATION)
    for file, text in {
        "scoring": "body:\n  name: scoring\n" + _BODY,
        "two": "body:\n  name: nightly-report\n" + _BODY + "---\nname: daily\nsteps: {}\n",
        "patch": "patch:\n  name: 'of, others'\n",
        "parameter": "body:\n  name: !param name\n",
        "template": 'body:\n  name: "{{ name }}"\n',
        "left-out": "body:\n  name: excluded\n",
        "broken": "body: [\n",
        "hostile": 'body:\n  name: "bell\\a"\n',
    }.items():
        (folder / "workflows" / f"{file}.yaml").write_text(text)
    (folder / "workflows" / "list.json").write_text('{"body": {"name": "from-json", "steps": {}}}')
    return folder


def _completions(folder: Path, *words: str, shell: str = "bash") -> list[str]:
    """Return the lines that a shell gets for `words`, of which the last is incomplete."""
    env = {
        **inherited_environment(),
        "_PEAK_RECONCILER_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "\n".join(["peak-reconciler", *words]),
        "COMP_CWORD": str(len(words)) if shell != "fish" else words[-1],
        "PEAK_API_URL": "http://127.0.0.1:1",  # nothing listens there
    }
    done = run_command([], env=env, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return [*filter(None, done.stdout.splitlines())]


_NAMES: Final = ["plain,daily", "plain,from-json", "plain,nightly-report", r"plain,of,\\ others"]


def _in_prod(line: str) -> str:
    return line.replace(",", ",prod-", 1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pl"], ["plain,plan"]),
        (["plan", "--fail-"], ["plain,--fail-on"]),
        (["plan", "--format", "m"], ["plain,markdown"]),
        (["plan", "--fail-on", "drift,d"], ["plain,drift,delete"]),
        (["status", "--only", "out-of-sync,f"], ["plain,out-of-sync,failed"]),
        (["plan", "--environment", ""], ["plain,dev", "plain,prod"]),
        (["plan", "--environment", "p"], ["plain,prod"]),
        (["fleet", "plan", "--environments", "p"], ["plain,prod"]),
        (["plan", "wor"], ["file,wor"]),
        (["plan", "--save-plan", "x"], ["file,x"]),
        (["run", ""], [*_NAMES, "plain,scoring"]),
        (["run", "sco"], ["plain,scoring"]),
        (["executions", "sco"], ["plain,scoring"]),
        (["logs", "sco"], ["plain,scoring"]),
        (["export", "sco"], ["plain,scoring"]),
        (["capture", "sco"], ["plain,scoring"]),
        (["rollback", "sco"], ["plain,scoring"]),
        (["graph", "sco"], ["file,sco", "plain,scoring"]),
        (["render", "sco"], ["file,sco", "plain,scoring"]),
        (["plan", "--target", "sco"], ["plain,scoring"]),
        (["plan", "workflows/two.yaml", "--exclude", ""], ["plain,daily", "plain,nightly-report"]),
        (["plan", "-", "--target", "sco"], ["plain,scoring"]),
        (["run", "--environment", "prod", "prod-s"], ["plain,prod-scoring"]),
        (["run", "--environment", "prod", "pr"], [*map(_in_prod, _NAMES[:3]), "plain,prod-scoring"]),
        (["run", "--environment", "prod", "of"], [_NAMES[3]]),
        (["emulator", "--profile", "nulls,token-om"], ["plain,nulls,token-omitted"]),
        (["completion", ""], ["plain,bash", "plain,zsh", "plain,fish"]),
        (["plan", "--format=m"], ["plain,markdown"]),
        (["schema", "mani"], ["plain,manifest"]),
        (["run", "--environment", "unknown", ""], []),
    ],
)
def test_what_is_completed(repository: Path, words: list[str], expected: list[str]) -> None:
    """Commands, options, their values and the names of workflows are completed, from the files alone."""
    found = _completions(repository, *words)
    assert found == expected


def test_runs_with_backups_are_completed(repository: Path) -> None:
    """Rollback completes the ids of runs, the latest first."""
    for run in ("20260101T000000.000Z-aaaaaa", "20260102T000000.000Z-bbbbbb"):
        (repository / ".reconciler" / "backups" / run).mkdir(parents=True)
    found = _completions(repository, "rollback", "2026")
    assert found == ["plain,20260102T000000.000Z-bbbbbb", "plain,20260101T000000.000Z-aaaaaa"]


@pytest.mark.parametrize("configuration", ["version: [", "manifests: [../..]\nversion: 1\n", "\0", None])
def test_nothing_is_printed_where_something_is_wrong(repository: Path, configuration: str | None) -> None:
    """A broken configuration, or none, completes no name and prints no message."""
    file = repository / "reconciler.yaml"
    file.unlink()
    if configuration is not None:
        file.write_text(configuration)
    for words in (["run", ""], ["plan", "--environment", ""], ["plan", "--param", "a", "--target", ""]):
        assert _completions(repository, *words) == []


def test_no_file_outside_is_read(tmp_path: Path, repository: Path) -> None:
    """A link that leads outside, a pipe, a large file and a directory below a link complete nothing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("name: outside\n")
    folder = repository / "workflows"
    (folder / "link.yaml").symlink_to(outside / "secret.yaml")
    (folder / "linked").symlink_to(outside)
    os.mkfifo(folder / "pipe.yaml")
    (folder / "large.yaml").write_text("name: large\nx: " + "a" * 1_000_000)
    found = {*quick_names([str(folder)], "", 60)}
    assert found == {"bell\a", "daily", "excluded", "from-json", "nightly-report", "of, others", "scoring"}


def test_names_are_read_for_a_limited_time(repository: Path) -> None:
    """When the time is over, no further document is read."""
    assert len([*quick_names([str(repository / "workflows")], "", -1)]) <= 1


def test_every_command_is_suggested_for_a_typo() -> None:
    """The error for a command without its last letter names the command."""
    for name in group.list_commands(click.Context(group)):
        done = CliRunner().invoke(group, [name[:-1]])
        assert f"Error: No such command '{name[:-1]}'. Did you mean '{name}'?" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--tagret", "x"], "Did you mean '--target'?"),
        (["plan", "--fail-on", "drfit"], "unknown kind 'drfit'; did you mean 'drift'?"),
        (["status", "--only", "orphand"], "unknown state 'orphand'; did you mean 'orphaned'?"),
        (["plan", "--environment", "prdo"], "Did you mean 'prod'? Known environments: dev, prod."),
        (["emulator", "--port", "0", "--profile", "token-omited"], "Did you mean 'token-omitted'?"),
        (["kubernetes"], "No such command 'kubernetes'.\n"),
    ],
)
def test_near_words_are_suggested(repository: Path, words: list[str], message: str) -> None:
    """The error for an unknown option, value or name names a similar one, if there is one."""
    done = run_command(words, env=inherited_environment(), cwd=repository)
    assert done.returncode != 0
    assert message in done.stderr


_SETUPS: Final = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(peak-reconciler completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit; compinit -u -D; source <(peak-reconciler completion zsh)",
    ),
    "fish": (["fish", "--no-config", "-i"], "peak-reconciler completion fish | source"),
}


@pytest.mark.parametrize("shell", _SETUPS)
def test_completion_in_a_real_shell(shell: str, repository: Path, tmp_path: Path) -> None:
    """TAB completes in an interactive shell, also a name with a space, a list with commas and a file."""
    argv, setup = _SETUPS[shell]
    if shell != "bash" and DEPTH == 1:
        pytest.skip("only with TEST_DEPTH=2 or more")
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{shell} is not installed")
    path = os.pathsep.join([str(forked_command_folder()), os.environ["PATH"]])
    env = {"PATH": path, "HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    typed = {
        "peak-reconciler exec": ["executions"],
        "peak-reconciler run night": ["run", "nightly-report"],
        "peak-reconciler run of": ["run", "of, others"],
        "peak-reconciler plan --fail-on drift,conf": ["plan", "--fail-on", "drift,conflict"],
        "peak-reconciler plan workflows/sc": ["plan", "workflows/scoring.yaml"],
    }
    terminal = _Terminal(argv, env, repository)
    with closing(terminal):
        terminal.send(f"{setup}; PS1='> '\n" if shell != "fish" else f"{setup}\n")
        for line, words in typed.items():
            # The start of the line is typed last: what the shell then runs shows the words.
            terminal.send(f"{line}\t\x01printf '<%s>' \x05; echo\n")
            shown = "".join(f"<{word}>" for word in ["peak-reconciler", *words])
            assert terminal.waits_for(shown), f"{line!r} becomes not {shown}:\n{terminal.text}"


class _Terminal:
    """An interactive program in a terminal of its own."""

    def __init__(self, argv: list[str], env: dict[str, str], folder: Path) -> None:
        self._child, self._terminal = pty.fork()
        if not self._child:
            os.chdir(folder)
            os.execvpe(argv[0], argv, env)  # noqa: S606 - a shell under test
        self.text = ""

    def close(self) -> None:
        """End the program."""
        os.kill(self._child, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self._child, 0)

    def send(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._terminal, keys.encode())

    def waits_for(self, shown: str, seconds: float = 20) -> bool:
        """Return whether the terminal shows a text in time."""
        end = time.monotonic() + seconds
        while shown not in re.sub(r"\x1b[^A-Za-z]*[A-Za-z]", "", self.text) and time.monotonic() < end:
            if select.select([self._terminal], [], [], 0.1)[0]:
                self.text += os.read(self._terminal, 65536).decode(errors="replace")
        return time.monotonic() < end
