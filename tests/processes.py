"""The command line as a separate process, and environments without credentials, for every kind of test."""

from __future__ import annotations

import atexit
import marshal
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMAND = [sys.executable, "-W", "error", "-m", "reconciler"]
"""The command line as Python starts it: for signals, pipes and what happens before `main`."""

_CONNECTION = ("PEAK_AUTH_TOKEN", "API_KEY", "PEAK__STAGE", "STAGE", "PEAK_API_URL", "NETRC")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@cache
def _command_server() -> str:
    """Start the process that forks commands, and return the path of its socket."""
    folder = tempfile.mkdtemp(prefix="commands-")
    path = f"{folder}/socket"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    server = subprocess.Popen(
        [*COMMAND[:3], Path(__file__).with_name("command_server.py"), str(listener.fileno())],
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
        env={**inherited_environment(), "LC_ALL": "C.UTF-8"},
    )
    listener.close()

    def end() -> None:
        server.kill()
        server.wait()
        shutil.rmtree(folder)

    atexit.register(end)
    return path


def forked_command() -> list[str]:
    """Return the first words of a command line that `command_server` forks, in the place of `COMMAND`."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("forked_command.py")), _command_server()]


@cache
def forked_command_folder() -> Path:
    """Return a directory for PATH, in which `peak-reconciler` is `forked_command`."""
    folder = Path(_command_server()).parent
    command = folder / "peak-reconciler"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(forked_command())} "$@"\n')
    command.chmod(0o755)
    return folder


def run_command(  # noqa: PLR0913 - what a process has
    words: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: str = "",
    sleeps: bool = True,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run the command line with `words` as a process of its own, which `command_server` forks.

    Args:
        words: The arguments, without the name of the command line.
        env: The whole environment.
        cwd: The working directory; this process's by default.
        stdin: The text on its standard input.
        sleeps: Whether sleeping takes time.
        timeout: How long it may take, in seconds.

    Returns:
        The exit status (negative for a signal) and the text of both outputs.

    Raises:
        subprocess.TimeoutExpired: When it did not end in time; it is killed.
    """
    arguments = [str(word) for word in words]
    request = {"words": arguments, "env": dict(env), "cwd": str(cwd or Path.cwd()), "sleeps": sleeps}
    given, out, err = os.pipe(), os.pipe(), os.pipe()
    with socket.socket(socket.AF_UNIX) as connection, ThreadPoolExecutor(3) as pipes:
        connection.connect(_command_server())
        connection.settimeout(timeout)
        theirs = [given[0], out[1], err[1]]
        socket.send_fds(connection, [b"."], theirs)
        connection.sendall(marshal.dumps(request))
        for descriptor in theirs:
            os.close(descriptor)
        pipes.submit(_write, given[1], stdin.encode())
        texts = [pipes.submit(_read, descriptor) for descriptor in (out[0], err[0])]
        try:
            status = int(connection.recv(100))
        except TimeoutError:
            connection.shutdown(socket.SHUT_RDWR)  # kills it
            raise subprocess.TimeoutExpired(arguments, timeout) from None
    return subprocess.CompletedProcess(arguments, status, *(text.result().decode() for text in texts))


def _write(descriptor: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def inherited_environment(*names: str) -> dict[str, str]:
    """Return the variables of this process that a child process needs: `names`, or the usual ones."""
    return {
        name: os.environ[name]
        for name in names or ("PATH", "HOME", "LANG", "PYTHONPATH")
        if name in os.environ
    }


def clear_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Unset every variable about connections, proxies and certificates; set the home directory to `home`."""
    for name in (*_CONNECTION, *_PROXIES, *_BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(home))
