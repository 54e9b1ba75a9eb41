"""Reads Markdown the way GitHub does (its own parser), and tells what of it is markup and what is code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from cmarkgfm import cmark, markdown_to_html_with_extensions

_EXTENSIONS = ["table", "strikethrough", "autolink", "tasklist"]

OUR_TAGS = {"h3", "p", "strong", "ul", "li", "code", "pre", "details", "summary", "blockquote"}
"""What a plan in Markdown is made of: no link, no image, no other HTML."""

OUR_WORDS = set(
    re.findall(
        r"\w+",
        """Plan No changes matches match Git to workflow workflows is not selected create update rename delete
        pause resume unchanged blocked unmanaged id in Environment Blocked Warning Reason Note Cut fit shown
        part omitted of them deletes lists shortened The job s log has the whole plan owned by""",
    )
)
"""The only words that stand outside of code."""


@dataclass
class Read:
    """What a reader of the rendered Markdown gets.

    Args:
        tags: The HTML elements, with their attributes but for a code block's language.
        comments: The HTML comments, which no one sees.
        text: What stands outside of code, where mentions, references and the like are found.
        codes: What stands in each piece of code.
    """

    tags: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)
    text: str = ""
    codes: list[str] = field(default_factory=list)

    def is_ours(self) -> None:
        """See that nothing but our own markup and our own words stands outside of code."""
        assert self.tags <= OUR_TAGS, self.tags - OUR_TAGS
        assert self.comments == [" peak-reconciler:plan "], self.comments
        words = set(re.findall(r"[^\W\d]+", self.text))
        assert words <= OUR_WORDS, words - OUR_WORDS
        assert set(re.sub(r"[\w\s]", "", self.text)) <= set(".,:()'"), self.text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = [name for name, value in attrs if (name, value) != ("lang", "diff")]
        shown = "".join(f" {name}" for name in named if (tag, name, attrs) != ("code", "class", attrs))
        self.read.tags.add(tag + shown)
        if tag == "code":
            self._inside += 1
            self.read.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "code"

    def handle_comment(self, data: str) -> None:
        self.read.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.read.codes[-1] += data
        else:
            self.read.text += data


def read_markdown(markdown: str) -> Read:
    """Return what `markdown` becomes; raw HTML is let through, so that it would be seen."""
    reader = _Reader()
    reader.feed(markdown_to_html_with_extensions(markdown, cmark.Options.CMARK_OPT_UNSAFE, _EXTENSIONS))
    reader.close()
    return reader.read
