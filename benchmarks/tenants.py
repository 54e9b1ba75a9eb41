"""Emulated tenants in a process of their own: the server, and what starts and controls it.

    python benchmarks/tenants.py COUNT [PROFILE]...

The process prints the addresses of COUNT tenants as one line of JSON. Then it reads a line of JSON for each
order, `{"tenant": 0, "order": …}`, and answers each with one:

    load       replace the workflows by the manifests in `folder`, every `other` of which has another command
    empty      delete all workflows
    faults     replace the faults by `faults`, such as `["latency:50ms", "429-seconds:1:100/s"]`
    profile    replace the profile by `profile`
    executions start an execution of each workflow, a day ago
    requests   answer the number of requests since the order before, by method and by status
    names      answer how many workflows there are, and how many names
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

TOKEN = "made-up-token-0123456789"  # noqa: S105 - of no tenant


class Tenants:
    """A process with emulated tenants, which ends with the `with` block.

    Args:
        count: The number of tenants.
        profile: The behaviours of all of them, such as `list-lag=1500`.
    """

    def __init__(self, count: int = 1, profile: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(count), *profile],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.urls: list[str] = self._answer()

    def __enter__(self) -> Tenants:  # noqa: PYI034 - `Self` needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.close()
        self._process.wait()

    def order(self, order: str, tenant: int = 0, **arguments: Any) -> Any:  # noqa: ANN401 - by order
        """Send an order, and return its answer."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.write(json.dumps({"tenant": tenant, "order": order, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - by order
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        return json.loads(self._process.stdout.readline())


def _serve(count: int, profile: frozenset[str]) -> None:
    from reconciler.emulator import EmulatorServer  # noqa: PLC0415 - only the server's process needs it

    with ExitStack() as stack:
        servers = [stack.enter_context(EmulatorServer(token=TOKEN, profile=profile)) for _ in range(count)]
        print(json.dumps([server.url for server in servers]), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            print(json.dumps(_obey(servers[asked.pop("tenant")], **asked)), flush=True)


def _obey(server: Any, order: str, **arguments: Any) -> Any:  # noqa: ANN401 - by order
    match order:
        case "load":
            _empty(server)
            _load(server, **arguments)
        case "empty":
            _empty(server)
        case "faults":
            server.faults = arguments["faults"]
        case "profile":
            server.profile = frozenset(arguments["profile"])
        case "executions":
            for identity in server.store.workflows():
                server.store.execute(identity, at=server.store.now() - 86_400)
        case "requests":
            found = server.requests
            server.clear_requests()
            by_method = Counter(request.method for request in found)
            return {"methods": by_method, "statuses": Counter(str(request.status) for request in found)}
        case "names":
            names = [record.name for record in server.store.records()]
            return {"workflows": len(names), "names": len(set(names))}
    return None


def _empty(server: Any) -> None:  # noqa: ANN401 - an emulator
    for identity in server.store.workflows():
        server.store.delete(identity)


def _load(server: Any, folder: str, other: int = 0) -> None:  # noqa: ANN401 - an emulator
    import yaml  # noqa: PLC0415 - only the server's process needs it

    for number, file in enumerate(sorted(Path(folder).rglob("*.yaml"))):
        body = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["body"]
        if other and not number % other:
            body["steps"]["load"]["command"] = "echo another"
        server.store.create(body)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), frozenset(sys.argv[2:]))
