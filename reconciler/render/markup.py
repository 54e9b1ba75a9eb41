"""Markup: colours for a terminal, and Markdown in which text from outside never becomes markup.

In Markdown, code holds no HTML, link, mention, reference, quick action or emoji, and no text from outside
begins a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from reconciler.text import clip, printable

_CODES: Final = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "bold": "1", "dim": "2"}
_RUNS: Final = re.compile(r"`+")
_LONGEST_RUN: Final = 8
"""The longest run of backticks that is kept; longer ones are escaped, since parsers give up at 80."""


LIMIT: Final = 65_536
"""The default limit of a comment in bytes: that of GitHub."""

LEAST: Final = 4_096
"""The smallest limit in bytes, with room for the counts, a refusal and the note on what was cut."""


def paint(text: str, colour: str) -> str:
    """Return `text` in a colour, `bold` or `dim`, as escapes that only a terminal is to get.

    The spaces that it begins with stay before the escapes.
    """
    words = text.lstrip(" ")
    return f"{text[: len(text) - len(words)]}\x1b[{_CODES[colour]}m{words}\x1b[0m"


def code(text: str, limit: int = 300) -> str:
    """Return at most `limit` characters of `text` as inline code."""
    text = clip(printable(text), limit) or " "
    longest = max(map(len, _RUNS.findall(text)), default=0)
    if longest > _LONGEST_RUN:
        text, longest = clip(text.replace("`", "\\x60"), limit), 0
    fence = "`" * (longest + 1)
    spaced = text[0] == text[-1] == " " and bool(text.strip(" "))  # Markdown strips one at each end
    touches = "`" in (text[0], text[-1]) or spaced
    return f"{fence} {text} {fence}" if touches else f"{fence}{text}{fence}"


def html_code(text: str, limit: int = 300) -> str:
    """Return at most `limit` characters of `text` as code in HTML that is part of a Markdown text."""
    from html import escape  # noqa: PLC0415 - a terminal needs none

    return f"<code>{escape(clip(printable(text), limit)) or ' '}</code>"


def diff_block(lines: Iterable[str]) -> str:
    """Return `lines` as a block of code in the language `diff`.

    Args:
        lines: Lines that begin with a sign and a space. Where the sign is a space, what follows must not
            begin with a backtick, which would end the block.
    """
    return code_block("diff", lines)


def code_block(language: str, lines: Iterable[str]) -> str:
    """Return `lines`, of which none begins with a backtick, as a block of code in a language."""
    return "\n".join([f"```{language}", *lines, "```"])


def folded(summary: str, lines: Iterable[str], *, is_open: bool = False) -> str:
    """Return `lines` in a folded section.

    Args:
        summary: Its title, in which text from outside is `html_code`.
        lines: What is in it, as Markdown.
        is_open: Whether it is shown at first.
    """
    start = "<details open>" if is_open else "<details>"
    return "\n".join([f"{start}<summary>{summary}</summary>", "", *lines, "", "</details>"])


def size(text: str) -> int:
    """Return the number of bytes of `text`."""
    return len(text.encode())
