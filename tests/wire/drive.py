"""Drives one client of the workflows API, call by call, as told on standard input.

Run by two interpreters: the one that has `peak-sdk` drives the public client (`drive.py sdk`), the project's
own drives `reconciler.client` (`drive.py ours`). Beside its client it needs the standard library only.

A line in is `{"url": …, "method": …, "arguments": {…}}`; the line out that answers it is
`{"raised": "NameOfTheException" or null, "result": …}`. An iterator is walked to its end.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

TOKEN = "made-up-token-0123456789"

Connect = Callable[[str], Any]
"""Makes a client of what listens at a URL."""


def connect_sdk() -> Connect:
    """Return what makes public clients: all three places that ask for an address are told the URL."""
    session = importlib.import_module("peak.session")
    workflows = importlib.import_module("peak.resources.workflows")
    places = [session, importlib.import_module("peak.helpers"), importlib.import_module("peak.telemetry")]

    def connect(url: str) -> Any:
        for place in places:
            vars(place)["get_base_domain"] = lambda *_args, **_options: url
        return workflows.get_client(session.Session(TOKEN, "prod"))

    return connect


def connect_ours() -> Connect:
    """Return what makes clients of this project; waits between tries are left out."""
    client = importlib.import_module("reconciler.client")
    retry = client.RetryPolicy(sleep=lambda _seconds: None)
    return lambda url: client.get_client(client.Session(TOKEN, base_url=url, env={}, retry=retry))


def perform(connect: Connect, order: dict[str, Any]) -> dict[str, Any]:
    """Make a client, do the one call, and tell what came of it."""
    try:
        result = getattr(connect(order["url"]), order["method"])(**order["arguments"])
        if hasattr(result, "__next__"):
            result = list(result)
    except Exception as error:  # noqa: BLE001 - whichever it is, it is the outcome
        return {"raised": type(error).__name__, "result": None}
    finally:
        _wait_for_telemetry()
    return {"raised": None, "result": result}


def _wait_for_telemetry() -> None:
    """Let the public client's threads finish, so that they do not ask a server that is about to stop."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(timeout=10)


def main() -> None:
    """Answer every line until there is none."""
    answers, sys.stdout = sys.stdout, sys.stderr
    connect = connect_sdk() if sys.argv[1] == "sdk" else connect_ours()
    for line in sys.stdin:
        answers.write(json.dumps(perform(connect, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
