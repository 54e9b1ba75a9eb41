"""Text from outside made safe to show: for a terminal, a CI log and a file name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeAlias

_MOST_COMPARED: Final = 300
_LONGEST_COMPARED: Final = 100
"""With more names, or longer ones, no similar name is searched for: it would take too long."""

_MOST_NAMED: Final = 5
_NOT_IN_A_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG: Final = 60


def printable(text: str) -> str:
    r"""Return `text` with every character that could control a terminal or a log as an escape.

    Control, format (bidirectional overrides among them), surrogate, private and line separator characters
    become `\n`, `\x1b`, `\u202e` and the like; everything else stays.
    """
    if text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    if char.isprintable() or (char == "\u200d"):
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape").decode("ascii") if not "\ud800" <= char <= "\udfff" else "\ufffd"


_DEVICE = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")
_COMMAND_ANYWHERE = re.compile(r"##(?=[A-Za-z]*\[)")
_COMMAND_AT_START = re.compile(r"^([ \t]*)::", re.MULTILINE)


TextOrPieces: TypeAlias = "str | Iterator[str]"
"""A text, or the pieces of one that is too large to be in memory."""


def without_commands(text: str) -> str:
    r"""Return `text` without commands for a CI system: one character of each becomes an escape.

    Azure Pipelines, GitHub Actions and TeamCity read commands from everything that a step prints, so a
    workflow's name could set a variable or the PATH of the steps that follow. The escape is JSON's, so that
    JSON keeps its meaning: `#\u0023vso[`, `\u003a:error`.
    """
    text = _COMMAND_ANYWHERE.sub(r"#\\u0023", text)
    return _COMMAND_AT_START.sub(r"\1\\u003a:", text)


def clip(text: str, limit: int = 300) -> str:
    """Return at most `limit` characters of `text`, with an ellipsis at the end when it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def first_few(names: Iterable[str]) -> str:
    """Return the first five of `names`, separated by commas, with an ellipsis when there are more."""
    named = list(names)
    return ", ".join(named[:_MOST_NAMED]) + (", …" if len(named) > _MOST_NAMED else "")


def counted(number: int, word: str) -> str:
    """Return a number with a regular noun: `1 workflow`, `2 workflows`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def did_you_mean(name: str, known: Collection[str], shown: int = 10, listed: str = "allowed here") -> str:
    """Return a suggestion for the unknown `name`, as the end of a message.

    Args:
        name: The name that is not known.
        known: The names that are.
        shown: The maximum number of names to list where none is similar.
        listed: The words before that list.
    """
    if len(known) > _MOST_COMPARED:
        return f"{len(known)} names are allowed here"
    close = close_name(name, known)
    if close:
        return f"did you mean {close!r}?"
    return f"{listed}: {', '.join(sorted(known)[:shown])}" if known else "there are none to choose from"


def close_name(name: str, known: Iterable[str]) -> str:
    """Return the one of the `known` names that is most similar to `name`; empty if none is similar."""
    import difflib  # noqa: PLC0415 - only needed where there is an error

    if len(name) > _LONGEST_COMPARED:
        return ""
    lowered = {other.lower(): other for other in known if len(other) <= _LONGEST_COMPARED}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    return lowered[close[0]] if close else ""


def nearest_names(name: str, known: Iterable[str], shown: int) -> list[str]:
    """Return at most `shown` of the `known` names, those most similar to `name` first.

    Of more than 300 names only 300 are compared: those that contain `name` and those with its initial first.
    """
    import difflib  # noqa: PLC0415 - only needed where there is an error

    wanted = name[:_LONGEST_COMPARED].lower()
    others = list(dict.fromkeys(known))
    if len(others) > _MOST_COMPARED:
        others.sort(key=lambda other: (wanted not in other.lower(), other[:1].lower() != wanted[:1], other))

    def similarity(other: str) -> float:
        return difflib.SequenceMatcher(None, wanted, other[:_LONGEST_COMPARED].lower()).ratio()

    return sorted(others[:_MOST_COMPARED], key=similarity, reverse=True)[:shown]


def slug(name: str, fallback: str = "workflow") -> str:
    """Return a file name made of `name`: at most 60 lower-case letters, digits and hyphens.

    Args:
        name: Any text.
        fallback: Returned when `name` has no letter and no digit; it also begins the slug of a name that
            Windows reserves for a device, such as `con`.
    """
    made = _NOT_IN_A_SLUG.sub("-", name[:1000].lower()).strip("-")[:_LONGEST_SLUG].strip("-") or fallback
    return f"{fallback}-{made}" if _DEVICE.fullmatch(made) else made
