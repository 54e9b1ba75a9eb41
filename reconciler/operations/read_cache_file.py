"""File of the read cache: one for each tenant and token, in the user's own cache directory.

What cannot be read, or is not exactly what this user wrote for this tenant, is no cache. Where nothing can be
written, nothing is kept. Neither is worth a message.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.files import remove, write_atomically
from reconciler.json_documents import NestingError, NotJsonError, parse_json
from reconciler.plan import MOST_ENTRIES, KnownInSync, ReadCache
from reconciler.values import JsonValue, as_list, as_object
from reconciler.workflow import WriteOnlyField

_VERSION: Final = 1
_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_FILES: Final = 500
_MOST_BYTES_OF_ALL: Final = 200 * 1024 * 1024
_LONGEST_UNUSED: Final = 90 * 24 * 3600.0
"""The seconds after which a file that no plan has written is removed."""

_MAC_LENGTH: Final = 64
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class ReadCacheFile:
    """The file of one tenant's read cache.

    Args:
        key: The key of the tenant and its token.
        env: The variables that name the user's cache directory.
    """

    def __init__(self, key: bytes, env: Mapping[str, str]) -> None:
        self._key = key
        directory = _directory(env)
        name = hmac.new(key, b"file", hashlib.sha256).hexdigest()[:32]
        self._path = None if directory is None else directory / f"reads-{name}.json"

    def read(self, *, refresh: bool = False) -> ReadCache:
        """Return the cache; an empty one where there is none to believe.

        Args:
            refresh: Whether to read all workflows again.
        """
        with suppress(OSError, ValueError, KeyError, TypeError, NotJsonError, NestingError):
            if self._path is not None:
                return self._parsed(_own_content(self._path), refresh=refresh)
        return ReadCache(self._key)

    def write(self, cache: ReadCache) -> None:
        """Write the cache, for its owner only; do nothing where that is not possible."""
        if self._path is None:
            return
        content = json.dumps(
            {
                "format_version": _VERSION,
                "context": cache.context,
                "unreliable": cache.unreliable,
                "entries": [_row(identity, entry) for identity, entry in cache.entries.items()],
            }
        )
        with suppress(OSError):
            directory = self._path.parent
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_own(directory.lstat()) and (not self._path.exists() or self._path.is_file()):
                write_atomically(
                    self._path, f"{self._mac(content)}\n{content}", private=True, follow_link=False
                )
                _remove_oldest(directory, self._path)

    def _parsed(self, data: bytes, *, refresh: bool) -> ReadCache:
        """Return the cache in `data`.

        Raises:
            ValueError: It is not what `write` wrote with this key.
        """
        mac, _, content = data.decode("ascii").partition("\n")
        if not hmac.compare_digest(mac, self._mac(content)):
            raise ValueError
        found = as_object(parse_json(content.encode()))
        if found["format_version"] != _VERSION:
            raise ValueError
        rows = as_list(found["entries"])[:MOST_ENTRIES]
        return ReadCache(
            self._key,
            dict(_entry(row) for row in rows),
            str(found["context"]),
            unreliable=found["unreliable"] is not False,
            refresh=refresh,
        )

    def _mac(self, content: str) -> str:
        return hmac.new(self._key, content.encode(), hashlib.sha256).hexdigest()


def _directory(env: Mapping[str, str]) -> Path | None:
    """Return the directory of the caches of this tool; `None` where the user has no home."""
    base = env.get("XDG_CACHE_HOME") or env.get("LOCALAPPDATA") or ""
    if not Path(base).is_absolute():
        home = env.get("HOME", "")
        if not Path(home).is_absolute():
            return None
        base = str(Path(home) / ".cache")
    return Path(base) / "peak-reconciler"


def _own_content(path: Path) -> bytes:
    """Return the content of a regular file that belongs to this user, and that nobody else may touch.

    Raises:
        OSError: It cannot be read.
        ValueError: It is of another kind, belongs to somebody else, or is too large.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not (stat.S_ISREG(status.st_mode) and _is_own(status)) or status.st_size > _MOST_BYTES:
            raise ValueError
        return file.read(_MOST_BYTES)


def _is_own(status: os.stat_result) -> bool:
    """Return whether a file belongs to this user alone; where systems have no users, any does."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS


def _remove_oldest(directory: Path, written: Path) -> None:
    """Remove the files of tenants and tokens that were not used for longest, or not for a long time.

    Args:
        directory: The directory of the files.
        written: The file that was just written, which stays.
    """
    found = [(file, file.lstat()) for file in directory.glob("reads-*.json") if file != written]
    oldest_kept = written.lstat().st_mtime - _LONGEST_UNUSED
    number, size = 1, written.lstat().st_size
    for file, status in sorted(found, key=lambda item: item[1].st_mtime, reverse=True):
        number, size = number + 1, size + status.st_size
        if number > _MOST_FILES or size > _MOST_BYTES_OF_ALL or status.st_mtime < oldest_kept:
            remove(file)


def _row(identity: int, entry: KnownInSync) -> JsonValue:
    return [
        identity,
        entry.stamp,
        entry.manifest,
        entry.content,
        [*sorted(entry.returned)],
        [*sorted(entry.write_only)],
        entry.plans,
    ]


def _entry(row: JsonValue) -> tuple[int, KnownInSync]:
    """Return an entry and its id.

    Raises:
        ValueError: `row` is not one.
        TypeError: As `ValueError`.
    """
    identity, stamp, manifest, content, returned, write_only, plans = as_list(row)
    if not isinstance(identity, int) or not isinstance(plans, int):
        raise TypeError
    entry = KnownInSync(
        stamp=str(stamp),
        manifest=str(manifest),
        content=str(content),
        returned=frozenset(map(WriteOnlyField, as_list(returned))),
        write_only=frozenset(map(WriteOnlyField, as_list(write_only))),
        plans=plans,
    )
    return identity, entry
