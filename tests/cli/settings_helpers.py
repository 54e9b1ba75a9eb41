"""What the tests of settings share: the settings that words and variables lead to, a process, a turnstile."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from click.testing import CliRunner
from loopback import loopback_server
from processes import inherited_environment, run_command

from reconciler.cli.command_settings import Environments, tenant_options
from reconciler.cli.options import backup_dir_option
from reconciler.operations import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOW = "name: a\nsteps: {one: {imageId: 100, imageVersionId: 200, command: x}}\n"


def configure(folder: Path, whole: dict[str, Any] | str, name: str = "reconciler.yaml") -> Path:
    """Write a configuration and return its file."""
    text = whole if isinstance(whole, str) else yaml.safe_dump(whole)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def settings_of(folder: Path, *words: str, **env: str) -> Settings:
    """Return what a command with these words and variables would work with in `folder`."""
    found: list[Settings] = []

    @click.command()
    @tenant_options(backup_dir_option)
    def command(*, environments: Environments) -> None:
        found.extend(environments.settings.values())

    before = Path.cwd()
    os.chdir(folder)
    try:
        CliRunner().invoke(command, list(words), env=env, catch_exceptions=False, standalone_mode=False)
    finally:
        os.chdir(before)
    return found[0]


def process(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in `folder` as a process of its own, with no variables but these."""
    return run_command(words, cwd=folder, env={**inherited_environment(), **env})


class Turnstile:
    """Lets requests through once the expected number has arrived, and counts how many there were at most.

    Args:
        expected: How many are expected at a time; what comes beyond is waited for a moment, too.
    """

    def __init__(self, expected: int) -> None:
        self.most = 0
        self._expected = expected
        self._here = 0
        self._changed = threading.Condition()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Let one request in, and out at the end."""
        with self._changed:
            self._here += 1
            self.most = max(self.most, self._here)
            self._changed.notify_all()
            if self._changed.wait_for(lambda: self.most >= self._expected, timeout=10):
                self._changed.wait_for(lambda: self.most > self._expected, timeout=0.1)
        try:
            yield
        finally:
            with self._changed:
                self._here -= 1


@contextmanager
def relayed(url: str, turnstile: Turnstile) -> Iterator[str]:
    """Yield an address that hands each GET on to `url`, those of single workflows through the turnstile."""
    host = url.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.rpartition("/")[2].isdigit():
                with turnstile.passed():
                    self._hand_on()
            else:
                self._hand_on()

        def _hand_on(self) -> None:
            onward = http.client.HTTPConnection(host, timeout=10)
            onward.request("GET", self.path, headers={"Authorization": self.headers["Authorization"]})
            answer = onward.getresponse()
            body = answer.read()
            onward.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with loopback_server(Handler) as address:
        yield address
