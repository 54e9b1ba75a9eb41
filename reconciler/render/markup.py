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


def diff_block(lines: Iterable[str]) -> str:
    """Return `lines` as a block of code in the language `diff`.

    Args:
        lines: Lines that begin with `+ `, `- `, `! `, `# ` or two spaces, so that none can end the block.
    """
    return "\n".join(["```diff", *lines, "```"])


def folded(summary: str, lines: Iterable[str]) -> str:
    """Return `lines` in a collapsed section titled `summary`, a text without anything from outside."""
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"])


def size(text: str) -> int:
    """Return the number of bytes of `text`."""
    return len(text.encode())
