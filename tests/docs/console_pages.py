"""Runner of the console blocks of a page: as written, in one shell and in order.

- A line that begins with `$ ` is a command, lines with `> ` continue it; the lines after it are its output.
- A command exits with 0, unless the next one is `echo $?`, which shows its exit code.
- A line `…` in an output matches any number of lines. Times, run ids and the like may differ.
- A block with a title is a file that the reader saves.
- `make TARGET` is skipped: CI runs the targets themselves.
- `<!-- run: COMMAND -->` is run without being shown; `<!-- not run: REASON -->` skips the next block.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Final

from markdown_pages import ROOT, Fence, Remark, parts
from processes import forked_command_folder

_MARK: Final = "\x1e"
_QUESTION: Final = re.compile(r"accepted: (\w+)$", re.MULTILINE)
_VARYING: Final = (
    (re.compile(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"\b([Ss])ince [0-9a-f]{12}"), r"\1ince COMMIT"),
    (re.compile(r"\(id \d+"), "(id N"),
    (re.compile(r"waited \d+\.\d s\b"), "waited SECONDS"),
    (re.compile(r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d\b"), "WHEN"),
    (re.compile(r"in \d+\.\d\d s\b"), "in SECONDS"),
)
"""What differs from run to run, and its placeholder when two outputs are compared."""
_KEPT: Final = frozenset({"LANG", "TMPDIR", "SSL_CERT_FILE"})
_TIMEOUT: Final = 100.0
"""Seconds that a page may take."""
_HOME: Final = "/home/you/work"
"""The working directory in the pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCommand:
    """A command of a page.

    Args:
        place: Page and line.
        command: Text for the shell.
        shown: The output on the page; `None` for a command that the page does not show.
    """

    place: str
    command: str
    shown: str | None

    @property
    def answer(self) -> str | None:
        """The reader's answer to its question, if it asks one."""
        question = _QUESTION.search(self.shown or "")
        return question[1] if question else None


def page_commands(fence: Fence) -> Iterator[PageCommand]:
    """Yield the commands of a console block."""
    command, shown, line = "", [""], fence.line
    for number, text in enumerate(fence.text.splitlines(), fence.line + 1):
        if text.startswith("$ "):
            if command:
                yield _page_command(fence, line, command, shown)
            command, shown, line = text[2:], [], number
        elif text.startswith("> ") and not shown:
            command += "\n" + text[2:]
        else:
            shown.append(text)
    assert command, f"{fence.place}: a console block begins with a line that begins with '$ '"
    yield _page_command(fence, line, command, shown)


def _page_command(fence: Fence, line: int, command: str, shown: list[str]) -> PageCommand:
    text = "".join(f"{item}\n" for item in shown).rstrip("\n")
    return PageCommand(place=f"{fence.page.relative_to(ROOT)}:{line}", command=command, shown=text)


def run_page(page: Path, folder: Path, env: dict[str, str], *, also: str = "", strict: bool = False) -> None:
    """Run a page in `folder`, and check that each command prints what the page shows.

    Args:
        page: A Markdown file.
        folder: The working directory.
        env: Variables in addition to those of every shell.
        also: The reason of a `not run` remark whose blocks are run nevertheless.
        strict: Whether a command without shown output must print nothing.

    Raises:
        AssertionError: A command has another exit code or output.
    """
    steps = list(_steps(page, also))
    port = _free_port()
    output = _shell("exec 2>&1\n" + "".join(_line(step, port) for step in steps), folder, env)
    commands = [step for step in steps if isinstance(step, PageCommand)]
    results = _results(output)
    assert len(results) >= len(commands), f"the shell ended early:\n{output}"
    for index, (step, (printed, code)) in enumerate(zip(commands, results, strict=False)):
        after = commands[index + 1].command if index + 1 < len(commands) else ""
        seen = _comparable(printed, port, folder)
        assert code == 0 or after == "echo $?", f"{step.place}: $ {step.command}\nexits with {code}:\n{seen}"
        if step.shown or (strict and step.shown is not None):
            expected = _comparable(step.shown, port, folder)
            message = f"{step.place}: $ {step.command}\nprints\n{seen}\n-- instead of\n{expected}"
            assert _fits(expected, seen), message


def _shell(script: str, folder: Path, env: dict[str, str]) -> str:
    """Return the output of a script; its background processes end with it."""
    kept = {key: value for key, value in os.environ.items() if key in _KEPT or key.startswith("PIP_")}
    folders = [forked_command_folder(), Path(sys.executable).parent, os.environ["PATH"]]
    path = os.pathsep.join(map(str, folders))
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env={"HOME": str(folder), "PATH": path, "COLUMNS": "110", **kept, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        ending = Timer(_TIMEOUT, _end, [shell])
        ending.start()
        try:
            return shell.communicate()[0]
        finally:
            ending.cancel()
            _end(shell)


def _end(shell: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)


def _steps(page: Path, also: str) -> Iterator[PageCommand | Fence]:
    for part in parts(page):
        if isinstance(part, Remark):
            if part.kind == "run":
                place = f"{page.relative_to(ROOT)}:{part.line}"
                yield PageCommand(place=place, command=part.text, shown=None)
        elif part.title is not None:
            yield part
        elif part.language == "console" and (not part.is_marked("not run") or _is_requested(part, also)):
            yield from (step for step in page_commands(part) if not step.command.startswith("make "))


def _is_requested(fence: Fence, also: str) -> bool:
    return bool(also) and fence.remark is not None and fence.remark.text == also


def _line(step: PageCommand | Fence, port: int) -> str:
    if isinstance(step, Fence):
        file = shlex.quote(step.title or "")
        return f"mkdir -p $(dirname {file})\ncat > {file} <<'END-OF-FILE'\n{step.text}END-OF-FILE\n"
    command = step.command.replace("8080", str(port))
    if command.rstrip().endswith("&"):  # runs in the background: it is ready when it has printed something
        started = f"{command.rstrip()[:-1]} > .background 2>&1 &"
        command = (
            f": > .background\n{started}\nuntil [ -s .background ]; do sleep 0.05; done; cat .background"
        )
    elif command.startswith("kill "):
        command += " && wait"  # the next command may need the port
    elif step.answer is not None:
        command += f" <<< {step.answer}"
    return f"{command}\n__code=$?; printf '{_MARK}%d{_MARK}' $__code; (exit $__code)\n"


def _results(output: str) -> list[tuple[str, int]]:
    pieces = output.split(_MARK)
    return [(text, int(code)) for text, code in zip(pieces[::2], pieces[1::2], strict=False)]


def _comparable(text: str, port: int, folder: Path) -> str:
    text = _QUESTION.sub("accepted: ", text).replace("accepted: \n", "accepted: ")
    text = text.replace(str(port), "8080").replace(str(folder), _HOME)
    for varying, name in _VARYING:
        text = varying.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def _fits(expected: str, seen: str) -> bool:
    lines = [
        r"(?:.*\n)*" if line.strip() == "…" else re.escape(line) + r"\n" for line in expected.splitlines()
    ]
    return re.fullmatch("".join(lines), seen + "\n" if seen else "") is not None


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def prepared_folder(folder: Path) -> Path:
    """Return the repository that the how-to guides start with: the examples, owned by `team-a`, committed."""
    shutil.copytree(ROOT / "examples" / "workflows", folder / "workflows")
    (folder / "reconciler.yaml").write_text(
        "version: 1\nmanifests: [workflows]\nownership: {tag: team-a}\n", encoding="utf-8"
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        ["commit", "--quiet", "-m", "Workflows"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    return folder
