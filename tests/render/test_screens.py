"""Screens of real terminals (tmux) at 60, 80 and 120 columns, as files that people read.

A case is a file `tests/cases/screens/NAME.yaml`; its screens are next to it: `NAME.60.txt`, `NAME.80.txt` and
`NAME.120.txt`. To add or to change one, run the tests with UPDATE_SCREENS=1, and read what they wrote. A case
has these keys:

    command: the words of the command line to show
    before: command lines to run first, which are not shown
    live: the workflows that the tenant has, as their bodies
    files: the files in the current directory, by name: a text, or a value to write as JSON
    faults: faults of the tenant for the command that is shown
    env: further environment variables
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import yaml
from processes import forked_command, inherited_environment, run_command
from rich.cells import cell_len
from strategies import DEPTH

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CASES = Path(__file__).parent.parent / "cases" / "screens"
_NAMES = sorted(path.stem for path in _CASES.glob("*.yaml"))
_WIDTHS = (60, 80, 120) if DEPTH > 1 or os.environ.get("UPDATE_SCREENS") else (60,)
_ROWS = 50

_TOKEN = "made-up-token"
_UUID = "\n?".join("-" if char == "-" else "[0-9a-f]" for char in str(UUID(int=0)))
_VARYING: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (_UUID, lambda found: re.sub(r"[^\n]", "0", found[0])),  # which a terminal may have broken
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:00000"),
    (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2000-00-00T00:00:00Z"),
    (r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}\b", "Sat 28 Nov 2026"),
    (r"waited \d\.\d s", "waited 0.0 s"),
)
"""What differs from run to run, with what to read in its place."""

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class _Tmux:
    """A tmux server with a session for each screen."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux"

    def __call__(self, *words: str) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", str(self._socket), *words]
        env = {**inherited_environment(), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=env)
        assert not done.returncode, done.stderr
        return done.stdout

    def screen(self, line: str, width: int, env: dict[str, str], cwd: Path, *, colours: bool = False) -> str:
        """Return what a terminal of this width shows once the shell has run `line`."""
        variables = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        size = ["-x", str(width), "-y", str(_ROWS)]
        waiting = f"{line}; tmux wait-for -S ended; exec sleep 60"
        self("new-session", "-d", "-s", "screen", "-c", str(cwd), *size, *variables, "sh", "-c", waiting)
        self("wait-for", "ended")
        shown = self("capture-pane", "-p", "-S", "-", "-t", "screen", *(["-e"] if colours else []))
        self("kill-session", "-t", "screen")
        for pattern, instead in _VARYING:
            shown = re.sub(pattern, instead, shown)
        return "\n".join(map(str.rstrip, shown.rstrip().splitlines())) + "\n"


@pytest.fixture(scope="module")
def tmux() -> Iterator[_Tmux]:
    """Yield a tmux server."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        server = _Tmux(Path(folder))
        server("new-session", "-d", "-s", "first", "sleep", "600")
        server("set-option", "-g", "status", "off")
        server("set-option", "-g", "history-limit", "10000")
        yield server
        server("kill-server")


@dataclass(frozen=True)
class _Stage:
    """A directory with the files of a case, and its tenant."""

    case: dict[str, Any]
    server: EmulatorServer
    folder: Path

    @staticmethod
    def of(name: str, server: EmulatorServer, folder: Path) -> _Stage:
        case = yaml.safe_load((_CASES / f"{name}.yaml").read_text(encoding="utf-8"))
        for body in case.get("live", []):
            server.store.create(body)
        for file, content in case.get("files", {}).items():
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else json.dumps(content, indent=2)
            target.write_text(text, encoding="utf-8")
        stage = _Stage(case, server, folder)
        for line in case.get("before", []):
            done = run_command(shlex.split(line), env=stage.env, cwd=folder)
            assert done.returncode in {0, 2}, done.stderr
        server.faults = tuple(case.get("faults", []))
        return stage

    @property
    def env(self) -> dict[str, str]:
        """The environment of its commands."""
        own = {"PEAK_API_URL": self.server.url, "PEAK_AUTH_TOKEN": _TOKEN, "HOME": str(self.folder)}
        return {**inherited_environment("PATH"), **own, "LC_ALL": "C.UTF-8", **self.case.get("env", {})}

    @property
    def line(self) -> str:
        """The command line, for a shell."""
        return shlex.join([*forked_command(), *shlex.split(self.case["command"])])


@pytest.mark.parametrize("name", _NAMES)
def test_screens(tmux: _Tmux, tmp_path: Path, name: str) -> None:
    """Each screen is as it was read, and no line is wider than the terminal, which would break it."""
    with EmulatorServer(token=_TOKEN, step_seconds=0.0) as server:
        stage = _Stage.of(name, server, tmp_path)
        for width in _WIDTHS:
            shown = tmux.screen(stage.line, width, stage.env, tmp_path)
            golden = _CASES / f"{name}.{width}.txt"
            if os.environ.get("UPDATE_SCREENS"):
                golden.write_text(shown, encoding="utf-8")
            assert golden.read_text(encoding="utf-8") == shown
            assert all(cell_len(line) <= width for line in shown.splitlines())


def test_variables_of_the_terminal(tmux: _Tmux, tmp_path: Path) -> None:
    """COLUMNS is the width; NO_COLOR leaves out colours; a dumb terminal gets what a pipe gets."""
    with EmulatorServer(token=_TOKEN) as server:
        stage = _Stage.of("validate", server, tmp_path)

        def shown(width: int, *, colours: bool = False, **env: str) -> str:
            variables = shlex.join(f"{name}={value}" for name, value in env.items())
            return tmux.screen(f"{variables} {stage.line}", width, stage.env, tmp_path, colours=colours)

        narrow = (_CASES / "validate.60.txt").read_text(encoding="utf-8")
        assert shown(120, COLUMNS="60") == narrow
        assert "\x1b[31merror:" in shown(60, colours=True)
        assert "\x1b" not in shown(60, colours=True, NO_COLOR="1", FORCE_COLOR="1")
        dumb = shown(60, colours=True, TERM="dumb")
        piped = run_command(shlex.split(stage.case["command"]), env=stage.env, cwd=tmp_path)
        assert "".join(dumb.split()) == "".join(piped.stdout.split())
        assert dumb != narrow
