"""Parts of the documentation pages: fences, links and headings, as a Markdown parser finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).parent.parent.parent
README: Final = ROOT / "README.md"
TUTORIAL: Final = ROOT / "docs" / "tutorial.md"

_COMMENT: Final = re.compile(r"<!--\s*(?P<kind>[a-z ]+):\s*(?P<text>.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment about the block that follows it, such as `<!-- not run: needs a cluster -->`."""

    line: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced block of a page.

    Args:
        page: The file that contains it.
        line: Its first line.
        language: The language of its text.
        title: The file that the reader saves it as, if any.
        text: The lines between the fences.
        remark: The comment right before it.
    """

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    remark: Remark | None = None

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def is_marked(self, kind: str) -> bool:
        """Return whether the comment before it is of this kind, with a reason."""
        return self.remark is not None and self.remark.kind == kind and bool(self.remark.text)


def all_pages() -> list[Path]:
    """Return every page for users."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def parts(page: Path) -> Iterator[Fence | Remark]:
    """Yield the fences and remarks of a page, in order."""
    before: Remark | None = None
    for token in _tokens(page):
        line = token.map[0] + 1 if token.map else 0
        found = _COMMENT.match(token.content) if token.type == "html_block" else None
        if found:
            before = Remark(line=line, kind=found["kind"], text=found["text"])
            yield before
            continue
        if token.type == "fence":
            language, _, attributes = token.info.partition(" ")
            title = re.search(r'title="([^"]+)"', attributes)
            yield Fence(
                page=page,
                line=line,
                language=language,
                title=title[1] if title else None,
                text=token.content,
                remark=before,
            )
        before = None


def fences(page: Path, *languages: str) -> list[Fence]:
    """Return the fences of a page that are written in one of these languages."""
    return [part for part in parts(page) if isinstance(part, Fence) and part.language in languages]


def links(page: Path) -> Iterator[str]:
    """Yield the targets of the links and images of a page."""
    for token in _tokens(page):
        for child in token.children or []:
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield str(target)


def headings(page: Path) -> list[str]:
    """Return the texts of a page's headings, without their markup."""
    tokens = _tokens(page)
    inline = (after for token, after in pairwise(tokens) if token.type == "heading_open")
    return ["".join(child.content for child in token.children or []) for token in inline]


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
