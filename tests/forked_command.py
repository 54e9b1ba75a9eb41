"""A short process in place of the command line: `command_server` forks the command, this one waits for it.

The command gets the descriptors, directory, environment and signals of this process, which ends as the
command does. It imports next to nothing, so that it starts in ten milliseconds.
"""

import marshal
import os
import sys
from _signal import SIG_DFL, SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal, signal  # `signal` needs `enum`
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket


def main(path: str, *words: str) -> None:
    """Run the command with `words` by the server at `path`, and end as it does."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.connect(path)
    standard = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection.sendmsg([b"."], [(SOL_SOCKET, SCM_RIGHTS, standard)])
    request = {"words": list(words), "env": dict(os.environ), "cwd": os.getcwd(), "sleeps": True}  # noqa: PTH109 - `pathlib` costs as much as the rest
    connection.sendall(marshal.dumps(request))
    for number in (SIGINT, SIGTERM, SIGHUP):
        if getsignal(number) != SIG_IGN:
            signal(number, lambda number, _: connection.sendall(bytes([number])))
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
