"""The line that a finding is about, to be shown with it, unless a secret may stand there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

from reconciler.findings import Finding
from reconciler.schema import sensitive_step_fields
from reconciler.values import Path

_SECRET_WORDS: Final = re.compile(
    r"token|secret|passw|api.?key|bearer|authorization|credential", re.IGNORECASE
)
_LONGEST: Final = 400


def with_excerpt(finding: Finding, lines: Sequence[str]) -> Finding:
    """Return `finding` with the line it stands on.

    A line is left out where the value is a secret, where a word on it says that one may stand there, and
    where it is too long to be read.

    Args:
        finding: The finding.
        lines: The lines of its file.
    """
    if finding.position is None or finding.position.line > len(lines) or _is_secret(finding.path):
        return finding
    line = lines[finding.position.line - 1]
    if len(line) > _LONGEST or _SECRET_WORDS.search(line):
        return finding
    return dataclasses.replace(finding, excerpt=line)


def _is_secret(path: Path) -> bool:
    return any(path[-len(part) :] == part for part in (*sensitive_step_fields(), ("set", "token")))
