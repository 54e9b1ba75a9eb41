"""Page of the exit codes, from `reconciler/errors.py`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Final

from reconciler.errors import ExitCode
from reference.markdown import head, table, text_page

_INTERRUPTS: Final = """\
After an interrupt (Ctrl-C, SIGTERM), an apply finishes the writes in flight and reports the rest as
skipped, with exit code 1. Any other command ends with 130.

With several environments, and for the units of a fleet, the exit code is the first of 1, 4, 3, 64, 2 and 0
that one of them has; it is 1, not 0, if one was skipped or has no result.
"""


def page() -> str:
    """Return the page."""
    lines = head("Exit codes", "They are the same for every command.")
    return text_page([*lines, *table(("exit code", "name", "meaning"), _rows()), *_INTERRUPTS.splitlines()])


def _rows() -> Iterator[tuple[str, str, str]]:
    meanings = dict(_meanings())
    for code in ExitCode:
        yield str(code.value), code.name.lower(), meanings[code.name]


def _meanings() -> Iterator[tuple[str, str]]:
    """Yield each code with the text below it."""
    (kind,) = (node for node in ast.parse(inspect.getsource(ExitCode)).body if isinstance(node, ast.ClassDef))
    for name, text in zip(kind.body, kind.body[1:], strict=False):
        match name, text:
            case ast.Assign(targets=[ast.Name(id=code)]), ast.Expr(value=ast.Constant(value=str(meaning))):
                yield code, " ".join(meaning.split())
