"""Page of the client, from the docstrings of its methods."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from reconciler.client import Workflow, get_client
from reference.markdown import code, head, text_page

_SECTION: Final = re.compile(r"^(Args|Returns|Yields|Raises):$", re.MULTILINE)
_ENTRY: Final = re.compile(
    r"^ {4}(?P<name>\*{0,2}[A-Za-z_]\w*): (?P<text>.*?)(?=^ {4}\S|\Z)", re.MULTILINE | re.DOTALL
)

_INTRODUCTION: Final = """\
`reconciler.client` has every documented method of the Peak workflow client, under its documented name.
It sends no telemetry and never shows the token. The commands use it for every request.

```python
from reconciler.client import get_client

client = get_client()
```
"""


def page() -> str:
    """Return the page."""
    lines = head("Client", _INTRODUCTION)
    found = inspect.getmembers(Workflow, inspect.isfunction)
    methods: list[tuple[str, Callable[..., Any]]] = [("get_client", get_client)]
    methods += [(name, method) for name, method in found if not name.startswith("_")]
    for name, method in methods:
        lines += _method(name, method)
    return text_page(lines)


def _method(name: str, method: Callable[..., Any]) -> Iterator[str]:
    signature = inspect.signature(method)
    shown = [parameter for key, parameter in signature.parameters.items() if key != "self"]
    text = str(signature.replace(parameters=shown)).replace("'", "")
    yield from (f"## {name}", "", "```text", f"{name}{text}", "```", "")
    text, *sections = _SECTION.split(inspect.cleandoc(method.__doc__ or ""))
    for paragraph in text.strip().split("\n\n"):
        yield from (" ".join(paragraph.replace("``", "`").split()), "")
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        yield from _section(title, body.strip("\n"))


def _section(title: str, body: str) -> Iterator[str]:
    entries = list(_ENTRY.finditer(body + "\n"))
    if title in {"Returns", "Yields"} or not entries:
        yield from (f"{title}: {_plain(body)}", "")
        return
    yield from (f"{'Takes' if title == 'Args' else title}:", "")
    for entry in entries:
        yield f"- {code(entry['name'])}: {_plain(entry['text'])}"
    yield ""


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
