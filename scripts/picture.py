"""Picture for the README: the output of `plan` in a terminal, as SVG.

`make picture` draws it; the tests check that its text is what the command prints.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.client import Session, Workflow
from reconciler.emulator import EmulatorServer
from reconciler.plan import list_tenant

_ROOT: Final = Path(__file__).resolve().parent.parent
PICTURE: Final = _ROOT / "docs" / "images" / "plan.svg"
COMMAND: Final = ("plan", "--prune", "--allow-deletes", "1")

_WIDTH: Final = 92
_TOKEN: Final = "made-up"  # noqa: S105 - the emulator's
_CONFIGURATION: Final = "version: 1\nmanifests: [workflows]\nownership: {tag: team-a}\n"
_NEW: Final = """\
name: churn
steps:
  score: {imageId: 100, imageVersionId: 200, command: python churn.py}
"""
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: FONT; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: FONT; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONT", _FONT)
"""Rich's own template, without fonts from the network."""


def shown() -> str:
    """Return the output of `plan` in a terminal, with its colours, for a create, an update and a delete."""
    with EmulatorServer(token=_TOKEN) as server, TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(_ROOT / "examples" / "workflows", folder / "workflows")
        (folder / "reconciler.yaml").write_text(_CONFIGURATION, encoding="utf-8")
        env = {"PATH": os.environ["PATH"], "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": _TOKEN}
        env["COLUMNS"] = str(_WIDTH)
        applying = [*_command("apply"), "--auto-approve", "--concurrency", "1"]
        subprocess.run(applying, cwd=folder, env=env, check=True, capture_output=True)
        _change(server.url, folder / "workflows")
        return _in_terminal(_command(*COMMAND), folder, env)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "reconciler", *words]


def _change(url: str, workflows: Path) -> None:
    """Change a live workflow, delete a manifest, and write a new one."""
    with Session(_TOKEN, base_url=url) as session:
        client = Workflow(session)
        (scoring,) = list_tenant(client, "scoring")
        client.patch_workflow(scoring.id, command="python score.py --quick", step_names=["score"])
    (workflows / "nightly-report.yaml").unlink()
    (workflows / "churn.yaml").write_text(_NEW, encoding="utf-8")


def _in_terminal(command: list[str], folder: Path, env: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=env, stdout=theirs, stdin=theirs, stderr=theirs) as done:
        os.close(theirs)
        pieces = []
        try:
            while piece := os.read(ours, 65536):
                pieces.append(piece)
        except OSError:  # Linux's sign that the other side is closed
            pass
        os.close(ours)
    if done.returncode:
        raise SystemExit(b"".join(pieces).decode())
    return b"".join(pieces).decode().replace("\r\n", "\n")


def drawn(text: str) -> str:
    """Return `text` as an SVG picture of a terminal."""
    from rich.console import Console  # noqa: PLC0415 - needed only for drawing
    from rich.terminal_theme import DIMMED_MONOKAI  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console(record=True, width=_WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text(f"$ peak-reconciler {' '.join(COMMAND)}", style="bold"))
    console.print(Text.from_ansi(text))
    return console.export_svg(title="", theme=DIMMED_MONOKAI, code_format=_SVG, unique_id="plan")


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(shown()), encoding="utf-8")
