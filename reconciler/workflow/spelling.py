"""Spelling of workflow names: what a platform may change of a name when it keeps it. Pure.

A platform may trim a name, collapse its white space, change its case or its composition, or cut it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WIDE_SPACE: Final = re.compile(r"\s{2,}")
_CONTROL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PART_OF_WORDS: Final = frozenset("\u200c\u200d") | {chr(code) for code in range(0xE0020, 0xE0080)}
"""Invisible characters that belong to a script or to an emoji."""


def plain_name(name: str) -> str:
    """Return `name` in its plain spelling, which every platform can keep.

    That is without outer or doubled white space and control characters, in composed form (NFC).
    """
    visible = "".join(" " if char.isspace() and _is_control(char) else char for char in name)
    visible = "".join(char for char in visible if not _is_control(char))
    return _WIDE_SPACE.sub(" ", unicodedata.normalize("NFC", visible)).strip()


def name_problem(name: str) -> str:
    """Return what keeps `name` from being in its plain spelling; empty when it is."""
    if name == plain_name(name):
        return ""
    if any(map(_is_control, name)):
        return "has a control or invisible character"
    if name != name.strip():
        return "begins or ends with white space"
    return "has doubled white space" if _WIDE_SPACE.search(name) else "is not in composed Unicode form (NFC)"


def name_key(name: str) -> str:
    """Return what names have in common that differ only in case, white space or composition."""
    return " ".join(unicodedata.normalize("NFKC", plain_name(name).casefold()).split())


def may_be_cut(name: str, kept: str, longest: int) -> bool:
    """Return whether a platform that cuts names may have kept `name` as `kept`.

    Args:
        name: The name that was sent.
        kept: The name of a live workflow.
        longest: The length of the longest live name: where names are cut, none is longer than one that was.
    """
    return len(kept) == longest < len(name) and name.startswith(kept)


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in _CONTROL and char not in _PART_OF_WORDS
