"""Markdown as GitHub and GitLab show it: whatever comes from outside stands in code, and stays text.

In code nothing is markup: no HTML, link, mention, reference, quick action or emoji. Nothing from outside
ever begins a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from reconciler.text import clip, printable

_RUNS: Final = re.compile(r"`+")
_LONGEST_RUN: Final = 8
"""Longer runs of backticks are written as escapes: the parsers of both give up at 80."""


def code(text: str, limit: int = 300) -> str:
    """Return at most `limit` characters of `text` as code within a line."""
    text = clip(printable(text), limit) or " "
    longest = max(map(len, _RUNS.findall(text)), default=0)
    if longest > _LONGEST_RUN:
        text, longest = clip(text.replace("`", "\\x60"), limit), 0
    fence = "`" * (longest + 1)
    spaced = text[0] == text[-1] == " " and bool(text.strip(" "))  # one at each end would be taken off
    touches = "`" in (text[0], text[-1]) or spaced
    return f"{fence} {text} {fence}" if touches else f"{fence}{text}{fence}"


def diff_block(lines: Iterable[str]) -> str:
    """Return a block of code, one of its lines for each of `lines`, none of which can end it.

    Args:
        lines: Each begins with what says how it is coloured: `+ `, `- `, `! `, `# ` or two spaces.
    """
    return "\n".join(["```diff", *lines, "```"])


def folded(summary: str, lines: Iterable[str]) -> str:
    """Return `lines`, folded away under `summary`, which must be words of our own."""
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"])


def size(text: str) -> int:
    """Return how many bytes `text` takes."""
    return len(text.encode())
