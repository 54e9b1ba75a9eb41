"""A process that has loaded the command line and forks a process for each command.

`processes.run_command` and `forked_command` send it requests. A command is a process with its own
descriptors, environment, working directory, signals and exit status; it saves the third of a second that
Python and the imports take. What only a fresh interpreter does (PYTHONPATH, closed streams) needs `COMMAND`.

A request is three descriptors and a marshalled mapping; each byte after it is a signal for the command. The
end of the connection kills the command. The answer is a line with its exit status, negative for a signal.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import marshal
import os
import pkgutil
import random
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any, BinaryIO

_real_sleep = time.sleep
_sleeps = True


def _sleep(seconds: float) -> None:
    if _sleeps:
        _real_sleep(seconds)


time.sleep = _sleep  # before any module takes `time.sleep` for a default

import reconciler  # noqa: E402
from reconciler.cli import main  # noqa: E402


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Take the descriptors, directory and environment of the request, and let Python's streams use them."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    global _sleeps  # noqa: PLW0603 - this process is the command's
    _sleeps = request["sleeps"]
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    random.seed()
    time.tzset()
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = os.fdopen(0, "r", encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)
    sys.argv = ["peak-reconciler", *request["words"]]


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


def _run(request: dict[str, Any], descriptors: list[int]) -> None:
    """Run one command in this process and end it."""
    _become(request, descriptors)
    status = _status_of_main()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = 120  # as the interpreter
    os._exit(status)


def _forward(signals: BinaryIO, child: int, ended: threading.Event) -> None:
    """Send each signal that is requested to the child, and SIGKILL at the end of the connection."""
    while not ended.is_set():
        number = signals.read(1)
        with suppress(ProcessLookupError):
            if not ended.is_set():
                os.kill(child, number[0] if number else signal.SIGKILL)
        if not number:
            return


def _serve(connection: socket.socket) -> None:
    """Fork the command that the connection asks for, forward signals, and send its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    first, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    if not first:
        os._exit(0)
    stream = connection.makefile("rb")
    request = marshal.load(stream)  # noqa: S302 - written by the tests themselves
    child = os.fork()
    if not child:
        stream.close()
        connection.close()
        _run(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    ended = threading.Event()
    threading.Thread(target=_forward, args=(stream, child, ended), daemon=True).start()
    _, status = os.waitpid(child, 0)
    ended.set()
    with suppress(BrokenPipeError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def serve(listener: socket.socket) -> None:
    """Answer each connection in a process of its own, until this process is killed."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith(("__main__", ".on_dask")):  # Dask takes a second, and starts threads
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
