"""Excerpt of a finding: the line that it is about, unless the line may contain a secret."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

from reconciler.findings import Finding
from reconciler.secrecy import (
    Redactor,
    ends_in_secret_field,
    mask_credentials,
    may_hold_credential,
    mentions_secret,
)
from reconciler.values import Path

_FROM_ENV: Final = re.compile(r"!env\s*\{")
_LONGEST: Final = 400


def with_excerpt(finding: Finding, lines: Sequence[str], redactor: Redactor) -> Finding:
    """Return `finding` with its line as the excerpt, and with credentials removed from its message.

    There is no excerpt if the value is a secret, if a word on the line suggests a secret, if part of the line
    looks like a credential, or if the line is too long to read.

    Args:
        finding: The finding.
        lines: The lines of its file.
        redactor: The redactor of the values that came through `!env`.
    """
    message = mask_credentials(finding.message)
    if message != finding.message:
        finding = dataclasses.replace(finding, message=message)
    if finding.position is None or finding.position.line > len(lines) or _is_secret(finding.path):
        return finding
    line = lines[finding.position.line - 1]
    if len(line) > _LONGEST or mentions_secret(line) or _FROM_ENV.search(line) or may_hold_credential(line):
        return finding
    if finding.rule == "schema-unknown-key" and mentions_secret(finding.message):
        return finding  # the misspelled key of a secret
    if redactor.finds(line):
        return finding
    return dataclasses.replace(finding, excerpt=line)


def _is_secret(path: Path) -> bool:
    return ends_in_secret_field(path) or path[-2:] == ("set", "token")
