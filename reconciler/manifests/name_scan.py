"""Names of workflows, read from manifests in a hurry: for completion in a shell.

Nothing is checked, rendered or reported: a file that cannot be read, is large or is no YAML has no names. A
name that comes from a parameter, a variable or a template is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.files import UnreadableError
from reconciler.manifests.discovery import read_text, walk_files
from reconciler.manifests.read_options import OverlayOptions
from reconciler.manifests.yaml_nodes import (
    PLAIN_TAGS,
    MappingNode,
    Node,
    ScalarNode,
    YamlProblemError,
    compose,
    json_as_yaml,
)

_LARGEST: Final = 1_000_000
"""Bytes of a file that is read."""

_BODY: Final = "body"
_PATCH: Final = "patch"
_NAME: Final = "name"


def quick_names(
    paths: Sequence[str],
    start: str,
    seconds: float,
    excludes: Callable[[Path], bool] = lambda _: False,
    overlays: OverlayOptions | None = None,
) -> Iterator[str]:
    """Yield the names that begin with `start` in the manifests below `paths`, until the time is over.

    Args:
        paths: Files and directories.
        start: The beginning of the names.
        seconds: How long to read.
        excludes: Returns whether to leave out a file found below a directory.
        overlays: What an environment adds to names.
    """
    end = time.monotonic() + seconds
    prefix, suffix = (overlays.prefix, overlays.suffix) if overlays else ("", "")
    stated = start.removeprefix(prefix) if start.startswith(prefix) else ""
    for file in walk_files(paths, excludes):
        with suppress(UnreadableError, YamlProblemError):
            text = read_text(file.path, file.root, _LARGEST)
            may_have_one = stated.removesuffix(suffix) in text or start in text
            for root in compose(json_as_yaml(text)) if may_have_one else ():
                name, is_patch = _name(root)
                whole = name if is_patch else f"{prefix}{name}{suffix}"
                if name and whole.startswith(start) and "{{" not in name:
                    yield whole
                if time.monotonic() > end:
                    return
        if time.monotonic() > end:
            return


def _name(root: Node) -> tuple[str, bool]:
    """Return the name that a document states, empty for none, and whether it is that of a patch."""
    found = _entries(root)
    inner = next((key for key in (_BODY, _PATCH) if key in found), "")
    node = (_entries(found[inner]) if inner else found).get(_NAME)
    name = str(node.value) if isinstance(node, ScalarNode) and node.tag in PLAIN_TAGS else ""
    return name, inner == _PATCH


def _entries(node: Node) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
