"""A short process in place of the command line: `command_server` forks the command, this one waits for it.

The command gets the descriptors, directory, environment and signals of this process, which ends as the
command does. It imports next to nothing, so that it starts in ten milliseconds.
"""

import marshal
import os
import sys
from _signal import (  # `signal` needs `enum`
    SIG_BLOCK,
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    SIGHUP,
    SIGINT,
    SIGTERM,
    getsignal,
    pthread_sigmask,
    signal,
)
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket

_FORWARDED = (SIGINT, SIGTERM, SIGHUP)


def main(path: str, *words: str) -> None:
    """Run the command with `words` by the server at `path`, and end as it does."""
    before = pthread_sigmask(SIG_BLOCK, _FORWARDED)  # the command may run before they are forwarded
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.connect(path)
    standard = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection.sendmsg([b"."], [(SOL_SOCKET, SCM_RIGHTS, standard)])
    request = {"words": list(words), "env": dict(os.environ), "cwd": os.getcwd(), "sleeps": True}  # noqa: PTH109 - `pathlib` costs as much as the rest
    connection.sendall(marshal.dumps(request))
    for number in _FORWARDED:
        if getsignal(number) != SIG_IGN:
            signal(number, lambda number, _: connection.sendall(bytes([number])))
    pthread_sigmask(SIG_SETMASK, before)
    answer = b""
    while not answer.endswith(b"\n"):
        answer += connection.recv(100) or sys.exit("the command server has ended")
    status = int(answer)
    if status < 0:
        signal(-status, SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
