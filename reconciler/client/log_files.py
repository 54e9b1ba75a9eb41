"""Downloads of log files: their default names, and writing one whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.client.exceptions import InvalidPathException
from reconciler.client.responses import stream
from reconciler.files import write_atomically
from reconciler.text import clip, printable

if TYPE_CHECKING:
    import requests

    from reconciler.client.responses import Tick

MOST_LOG_BYTES: Final = 1024 * 1024 * 1024
"""The largest log file, in bytes."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 200


def default_name(workflow_id: int, execution_id: str, step_name: str) -> str:
    """Return `workflow_execution_logs_<workflow_id>_<execution_id>_<step_name>.log` (documentation).

    Any character but letters, digits, dots, hyphens and underscores becomes an underscore, so that no name
    leads out of the directory.
    """
    name = _UNSAFE.sub("_", f"workflow_execution_logs_{workflow_id}_{execution_id}_{step_name}")
    return f"{name[:_LONGEST_NAME]}.log"


class LogFile:
    """The target of a download: replaced when the download is complete, and readable by its owner only.

    A pipe or a device, such as /dev/stdout, is written to instead.

    Args:
        path: The file; an existing one is replaced.

    Raises:
        InvalidPathException: It is a directory, or its directory does not exist.
    """

    def __init__(self, path: str) -> None:
        if not path or "\0" in path or Path(path).is_dir() or not Path(path).parent.is_dir():
            raise _unwritable(path, "it must be a file in a directory that exists")
        self._path = Path(path)

    def save(self, response: requests.Response, tick: Tick) -> None:
        """Write the answer to the file.

        Raises:
            InvalidPathException: The file cannot be written.
            UnexpectedAnswerError: The answer is too large or was cut off; the file is unchanged.
            urllib3.exceptions.HTTPError: The connection failed; the file is unchanged.
        """
        try:
            write_atomically(
                self._path, stream(response, MOST_LOG_BYTES, tick), private=True, follow_link=False
            )
        except OSError as error:
            raise _unwritable(str(self._path), error.strerror) from error


def _unwritable(path: str, why: str | None) -> InvalidPathException:
    return InvalidPathException(f"cannot write the file `{clip(printable(path))}`: {why}")
