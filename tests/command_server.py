"""A process that has loaded the command line and forks a process for each command.

`processes.run_command` talks to it. A command is a process with descriptors, environment, working directory,
signals and exit status of its own; it saves the third of a second that Python and the imports take.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pickle
import pkgutil
import random
import signal
import socket
import sys
import threading
import time
import traceback

if "--no-sleep" in sys.argv:  # before any module takes `time.sleep` for a default
    time.sleep = lambda _seconds: None

import reconciler
from reconciler.cli import main


def _receive(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    """Return the request and the three descriptors that came with its first byte."""
    first, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    if not first:
        raise SystemExit(0)
    with connection.makefile("rb") as stream:
        return pickle.load(stream), descriptors  # noqa: S301 - written by the tests themselves


def _become(request: dict[str, object], descriptors: list[int]) -> None:
    """Take the descriptors, directory and environment of the request, and let Python's streams use them."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    random.seed()
    time.tzset()
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.argv = ["peak-reconciler", *request["words"]]  # type: ignore[misc]


def _status_of_main() -> int:
    """Run the command line, as the interpreter would, and return the exit status."""
    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - what the interpreter does with it
        traceback.print_exc()
        return 1
    return 0


def _run(request: dict[str, object], descriptors: list[int]) -> None:
    """Run one command in this process and end it."""
    _become(request, descriptors)
    status = _status_of_main()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _serve(connection: socket.socket) -> None:
    """Fork the command that the connection asks for, and send its process number and its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, descriptors = _receive(connection)
    child = os.fork()
    if not child:
        connection.close()
        _run(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def serve(listener: socket.socket) -> None:
    """Answer each connection in a process of its own, until this process is killed."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        if not os.fork():
            listener.close()
            _serve(connection)
        connection.close()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
