"""A reader of Markdown that uses GitHub's parser and separates markup, text and code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from cmarkgfm import cmark, markdown_to_html_with_extensions

_EXTENSIONS = ["table", "strikethrough", "autolink", "tasklist"]

PLAN_TAGS = {
    *(
        "h3",
        "p",
        "strong",
        "b",
        "ul",
        "li",
        "code",
        "pre",
        "details",
        "details open",
        "summary",
        "blockquote",
    ),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
"""The HTML elements of a plan in Markdown: no link, no image, no other HTML."""

PLAN_WORDS = set(
    re.findall(
        r"\w+",
        """Plan No changes matches match Git to workflow workflows is not selected create update rename delete
        pause resume unchanged blocked unmanaged id in Environment Blocked Warning Reason Note Cut fit shown
        part omitted of them deletes lists shortened The job s log has the whole plan owned by and
        with same paths options shows it orphaned git drift conflict Since Changes""",
    )
)
"""The only words allowed outside of code."""


@dataclass
class RenderedMarkdown:
    """The parts of rendered Markdown.

    Args:
        tags: The HTML elements with their attributes, except a code block's language.
        comments: The HTML comments, which are not shown.
        text: The text outside of code, in which GitHub looks for mentions, references and the like.
        codes: The text of each piece of code.
    """

    tags: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)
    text: str = ""
    codes: list[str] = field(default_factory=list)

    def assert_plan_markup(self) -> None:
        """Check that only the markup and words of a plan are outside of code."""
        assert self.tags <= PLAN_TAGS, self.tags - PLAN_TAGS
        assert self.comments == [" peak-reconciler:plan "], self.comments
        words = set(re.findall(r"[^\W\d]+", self.text))
        assert words <= PLAN_WORDS, words - PLAN_WORDS
        assert set(re.sub(r"[\w\s]", "", self.text)) <= set(".,:()'·"), self.text


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rendered = RenderedMarkdown()
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = [
            name for name, value in attrs if (name, value) not in {("lang", "diff"), ("lang", "mermaid")}
        ]
        shown = "".join(f" {name}" for name in named if (tag, name, attrs) != ("code", "class", attrs))
        self.rendered.tags.add(tag + shown)
        if tag == "code":
            self._inside += 1
            self.rendered.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "code"

    def handle_comment(self, data: str) -> None:
        self.rendered.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rendered.codes[-1] += data
        else:
            self.rendered.text += data


def read_markdown(markdown: str) -> RenderedMarkdown:
    """Return `markdown` rendered; raw HTML passes, so that a test would find it."""
    parser = _Parser()
    parser.feed(markdown_to_html_with_extensions(markdown, cmark.Options.CMARK_OPT_UNSAFE, _EXTENSIONS))
    parser.close()
    return parser.rendered
