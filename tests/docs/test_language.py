"""One word for one thing: no phrase of the *never* list in help, pages, docstrings, messages and comments.

`python tests/docs/test_language.py [PATH …]` lists every hit below these paths with its line.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens
from typing import Final

import pytest
from click import Command, Context, Group

_ROOT: Final = Path(__file__).parents[2]

_NEVER: Final = {
    r"as git wants( it)?": "in sync, matches Git, verified",
    r"no manifest means( it)?": "unmanaged",
    r"nothing to do": "No changes.",
    r"seen to be gone": "verified",
    r"leftovers?": "orphaned, orphan",
    r"untold|not told|kept back": "write-only",
    r"not tried": "skipped",
    r"held back": "blocked",
    r"put(s|ting)?( it| them)? back": "restore",
    r"mistakes?": "error, problem",
    r"misfortunes?": "error, fault",
    r"mend(s|ed|ing)?": "fix",
    r"tell(s|ing)?|told": "report, return, show",
    r"(is|are|was|were|be|as) meant|unmeant": "say what it is for, or allow",
    r"(is|are) had": "have, exist",
    r"so many": "N",
    r"but for": "except",
    r"of one's own|one's own": "own",
    r"see that": "check, ensure",
    r"see to (it|that)": "ensure",
    r"(stand|stands|stood|standing)(?! (for|in for))": "is",
    r"what came of|what comes of": "result, outcome",
    r"carr(y|ies|ied|ying)( (it|them|that|this|one|a plan|the plan|a saved plan|exactly it))? out": "apply",
    r"whose (it|a workflow) is": "ownership",
    r"for good(?! (reason|measure))": "permanently",
    r"anew": "again",
    r"beside": "next to, besides",
    r"runs? of (a|the|this|that) workflows?": "execution",
    r"dialects?": "language",
}
"""What is never written, as a pattern, and what to write. A space matches a line end, too."""

_TEXTS: Final = (
    "*.md",
    "docs/**/*.md",
    "schemas/*.json",
    "examples/**/*",
    "integrations/**/*",
    "action.yml",
    "mkdocs.yml",
    "Makefile",
    "Dockerfile",
    ".ci/run",
    "pyproject.toml",
    "scripts/*-*",
)
"""Files that are read as a whole."""

_FOUND: Final = re.compile(
    rf"\b(?:{'|'.join(f'(?P<p{i}>{p})' for i, p in enumerate(_NEVER))})\b".replace(" ", r"\s+")
)
_BETWEEN_LITERALS: Final = re.compile(r"""["']\s*\n\s*[rf]*["']""")
"""What is between the parts of a string literal on several lines."""
_MACHINES: Final = re.compile(r"\S*")
"""A string without white space is a key, a value or a name: it is for machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A phrase of the list and its place."""

    path: str
    line: int
    phrase: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.phrase!r} -> {self.instead}"


def hits(text: str, path: str, line: int = 1) -> Iterator[Hit]:
    """Yield the phrases in a text whose first line has this number."""
    for found in _FOUND.finditer(text.lower()):
        instead = list(_NEVER.values())[int((found.lastgroup or "p0")[1:])]
        phrase = " ".join(found[0].split())
        yield Hit(path=path, line=line + text.count("\n", 0, found.start()), phrase=phrase, instead=instead)


def _in_text(file: Path) -> Iterator[Hit]:
    yield from hits(file.read_text(encoding="utf-8"), str(file.relative_to(_ROOT)))


def _in_module(module: Path) -> Iterator[Hit]:
    """Yield the hits in the string literals (docstrings, messages, parts of f-strings) and comments."""
    path, text = str(module.relative_to(_ROOT)), module.read_text(encoding="utf-8")
    if not _FOUND.search(_BETWEEN_LITERALS.sub("", text.lower())):
        return  # to parse a module takes longer than to search it whole
    tree = ast.parse(text)
    formatted = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) in formatted or not _MACHINES.fullmatch(node.value):
            yield from hits(node.value, path, node.lineno)
    for token in generate_tokens(StringIO(text).readline):
        if token.type == COMMENT:
            yield from hits(token.string, path, token.start[0])


def _in_help() -> Iterator[Hit]:
    from reconciler.cli import group  # noqa: PLC0415  # a listing of files needs no commands

    for name, text in _helps(group, Context(group, info_name="peak-reconciler")):
        yield from hits(text, f"--help/{name}")


def _helps(command: Command, context: Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, command.get_help(context)
    if isinstance(command, Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _helps(below, Context(below, info_name=name, parent=context))


def _all_hits() -> list[Hit]:
    texts = [file for pattern in _TEXTS for file in sorted(_ROOT.glob(pattern)) if file.is_file()]
    modules = [
        file for folder in ("reconciler", "scripts", "benchmarks") for file in (_ROOT / folder).rglob("*.py")
    ]
    return [
        *(hit for file in texts for hit in _in_text(file)),
        *(hit for module in sorted(modules) for hit in _in_module(module)),
        *_in_help(),
    ]


def test_no_phrase_of_the_list_is_used() -> None:
    """Each hit is shown with its line and what to write instead."""
    assert "\n".join(map(str, _all_hits())) == ""


def test_phrases_are_found_everywhere_in_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In docstrings, messages, f-strings and comments, across a line end; not in keys for machines."""
    module = tmp_path / "module.py"
    module.write_text(
        '"""Noun.\n\nNothing to\ndo."""\n'
        "key = {'leftover': 'told', 'not_tried': 'a standard'}\n"
        "message = f'{key} not tried'  # mend it\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(sys.modules[__name__], "_ROOT", tmp_path)
    seen = [(hit.line, hit.phrase) for hit in _in_module(module)]
    assert seen == [(3, "nothing to do"), (6, "not tried"), (6, "mend")]


if __name__ == "__main__":
    for hit in _all_hits():
        if len(sys.argv) == 1 or any(hit.path.startswith(start) for start in sys.argv[1:]):
            print(hit)  # noqa: T201  # the list that was asked for
