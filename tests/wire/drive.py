"""A driver of one client of the workflows API: makes the calls that it reads from standard input.

Run by two interpreters: the one with `peak-sdk` drives the public client (`drive.py sdk`), the project's
drives `reconciler.client` (`drive.py ours`). Except for the client it needs only the standard library.

An input line is `{"url": …, "method": …, "arguments": {…}}`; the output line for it is
`{"raised": "NameOfTheException" or null, "result": …}`. An iterator is read to its end.
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
"""Returns a client of the API at a URL."""


def connect_sdk() -> Connect:
    """Return a factory of public clients, whose three lookups of the base URL are replaced."""
    session = importlib.import_module("peak.session")
    workflows = importlib.import_module("peak.resources.workflows")
    places = [session, importlib.import_module("peak.helpers"), importlib.import_module("peak.telemetry")]

    def connect(url: str) -> Any:
        for place in places:
            vars(place)["get_base_domain"] = lambda *_args, **_options: url
        return workflows.get_client(session.Session(TOKEN, "prod"))

    return connect


def connect_ours() -> Connect:
    """Return a factory of this project's clients, without waits between retries."""
    client = importlib.import_module("reconciler.client")
    retry = client.RetryPolicy(sleep=lambda _seconds: None)
    return lambda url: client.get_client(client.Session(TOKEN, base_url=url, env={}, retry=retry))


def perform(connect: Connect, call: dict[str, Any]) -> dict[str, Any]:
    """Create a client, make one call, and return its outcome."""
    try:
        result = getattr(connect(call["url"]), call["method"])(**call["arguments"])
        if hasattr(result, "__next__"):
            result = list(result)
    except Exception as error:  # noqa: BLE001 - any exception is an outcome
        return {"raised": type(error).__name__, "result": None}
    finally:
        _wait_for_telemetry()
    return {"raised": None, "result": result}


def _wait_for_telemetry() -> None:
    """Wait for the public client's threads, so that they do not send requests to a stopped server."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(timeout=10)


def main() -> None:
    """Answer every line of standard input."""
    answers, sys.stdout = sys.stdout, sys.stderr
    connect = connect_sdk() if sys.argv[1] == "sdk" else connect_ours()
    for line in sys.stdin:
        answers.write(json.dumps(perform(connect, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
