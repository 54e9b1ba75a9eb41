"""File access: atomic writes and bounded reads."""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.errors import BlockedError, ReconcilerError, reason_of
from reconciler.text import first_few

_PART: Final = re.compile(r"\.peak-reconciler-[0-9a-f]{16}\.part")

_LEFT_AFTER: Final = 900.0
"""The seconds after which a partial file is left over: longer than any write takes, downloads included."""


class UnreadableError(Exception):
    """A file that cannot be read; the text says why, as a part of a sentence."""


def nearest_path(path: Path) -> str:
    """Return `path` as a user names it here: relative to the working directory, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) and path != here else str(path)


def write_atomically(
    path: Path,
    content: str | Iterable[str | bytes],
    *,
    private: bool = False,
    durable: bool = False,
    follow_link: bool = True,
) -> None:
    """Write `content` to the file `path`, replacing what is there in one step.

    A reader sees all of the old content or all of the new. A pipe or a device is written to, never replaced.

    Args:
        path: The file; its directory must exist.
        content: Text, written as UTF-8, or pieces of it or of bytes.
        private: Restrict a new file to its owner (mode 0600).
        durable: Return only once the content is on the disk.
        follow_link: Replace the target of a symbolic link; otherwise the link itself.

    Raises:
        OSError: The file cannot be written; what was there is unchanged.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            device.writelines(_pieces(content))
        return
    target = Path(os.path.realpath(path)) if follow_link else path
    part = write_part(target, content, private=private, durable=durable)
    try:
        part.replace(target)
    except BaseException:
        remove(part)
        raise


def write_text(path: Path, text: str | Iterable[str], *, private: bool = False) -> None:
    """Write `text` to the file `path` that a user named, in one step; a symbolic link is followed.

    Args:
        path: The file; `-` is refused, so that nobody who means standard output gets a file of that name.
        text: The text, or pieces of it.
        private: Restrict the file to its owner (mode 0600).

    Raises:
        ReconcilerError: The file cannot be written; what was there is unchanged.
    """
    if str(path) == "-":
        raise ReconcilerError("'-' is not a file name here", hint="Use /dev/stdout for standard output.")
    try:
        write_atomically(path, text, private=private)
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be written: {reason_of(error)}") from error


def write_part(
    path: Path, content: str | Iterable[str | bytes], *, private: bool = False, durable: bool = False
) -> Path:
    """Write `content` to a new file next to `path`, and return that file, which the caller moves or removes.

    Its name cannot be guessed and the file is created exclusively, so no link planted in the directory is
    followed. Files of this kind that earlier runs left there are removed.

    Raises:
        OSError: The file cannot be written; nothing is left.
    """
    import secrets  # noqa: PLC0415 - most commands write no file

    remove_left_parts(path.parent)
    part = path.with_name(f".peak-reconciler-{secrets.token_hex(8)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_pieces(content))
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        remove(part)
        raise
    return part


@functools.cache
def remove_left_parts(directory: Path) -> None:
    """Remove the partial files that runs which were killed left in a directory; once for each directory.

    Only regular files of this user that are named like ours and that nobody has written to for a while.
    """
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if _PART.fullmatch(entry.name) and _is_left(entry.stat(follow_symlinks=False)):
                remove(directory / entry.name)


def _is_left(status: os.stat_result) -> bool:
    ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return ours and stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > _LEFT_AFTER


def move_to_new(part: Path, path: Path) -> None:
    """Move `part` to `path` unless something is there, also when another process creates it at this moment.

    Raises:
        FileExistsError: Something is there.
        OSError: The file cannot be moved.
    """
    try:
        os.link(part, path)  # unlike a rename, this fails when another process was faster
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        part.rename(path)
    else:
        remove(part)


def place_files(
    directory: Path, files: Mapping[str, str], *, force: bool = False, hint: str = ""
) -> list[Path]:
    """Write new files into a directory, which is created if needed, and return their paths.

    All are written under temporary names first. A symbolic link in the place of a file is never followed.

    Args:
        directory: The directory.
        files: The texts by path below the directory.
        force: Replace existing files.
        hint: The hint of the error about existing files.

    Raises:
        BlockedError: A file exists; nothing was written.
        ReconcilerError: A file cannot be written.
    """
    paths = {directory / name: text for name, text in files.items()}
    if not force:
        _refuse([path for path in paths if os.path.lexists(path)], hint)
    parts: dict[Path, Path] = {}
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            parts[path] = write_part(path, text)
        for path, part in parts.items():
            if force:
                part.replace(path)
            else:
                move_to_new(part, path)
    except FileExistsError as error:
        _refuse([Path(error.filename2 or error.filename)], hint)
    except OSError as error:
        what = error.filename2 or error.filename or directory
        raise ReconcilerError(f"{what} cannot be written: {reason_of(error)}") from error
    finally:
        for part in parts.values():
            remove(part)
    return list(paths)


def _refuse(existing: list[Path], hint: str) -> None:
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        raise BlockedError(f"{first_few(map(str, existing))} already {verb}", hint=hint)


def remove(path: Path) -> None:
    """Remove the file `path` if it exists and can be removed."""
    with suppress(OSError):
        path.unlink()


def read_bounded(path: Path, limit: int, *, streams: bool = False) -> bytes:
    """Return the content of the file `path`.

    Args:
        path: The file.
        limit: The largest size, in bytes.
        streams: Accept pipes and devices as well as regular files.

    Raises:
        UnreadableError: It cannot be read, is larger than `limit`, or is not a regular file.
    """
    try:
        status = path.stat()
        if not streams and not stat.S_ISREG(status.st_mode):  # opening a pipe would hang
            raise UnreadableError("it is not a regular file")
        if status.st_size > limit:
            raise UnreadableError(f"it has {status.st_size} bytes; the limit is {limit}")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UnreadableError(reason_of(error)) from error
    except ValueError:  # a NUL in the name
        raise UnreadableError("no file can have this name") from None
    if len(data) > limit:
        raise UnreadableError(f"it has more than {limit} bytes, the limit")
    return data


def read_regular(path: Path, limit: int) -> bytes | None:
    """Return the content of the file `path`; `None` if it is no regular file, or cannot be read in one go.

    Links are not followed, and nothing is opened that blocks. It takes fewer system calls than
    `read_bounded`, which says what is wrong where this returns `None`.

    Args:
        path: The file.
        limit: The largest size, in bytes.
    """
    if not hasattr(os, "O_NOFOLLOW"):
        return None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        data = os.read(handle, status.st_size + 1)
        return data if len(data) == status.st_size else None
    except OSError:
        return None
    finally:
        os.close(handle)


def decode_text(data: bytes) -> str:
    """Return `data` as text, without a byte order mark.

    Raises:
        UnreadableError: It is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"it is not UTF-8 text (byte {error.start}, line {line})") from None


def _pieces(content: str | Iterable[str | bytes]) -> Iterable[bytes]:
    pieces = (content,) if isinstance(content, str) else content
    return (piece.encode("utf-8") if isinstance(piece, str) else piece for piece in pieces)
