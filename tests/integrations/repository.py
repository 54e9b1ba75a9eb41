"""The repository that the CI integrations work on, and a check for everything that they print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PEAK_TOKEN = "made-up-peak-token-0123456789"

HOSTILE = [
    "::error::pwned",
    "a ##[add-mask]pwned ##[error]pwned",
    "/close @pwned #1 <img src=x onerror=pwned>",
    "`" * 81 + "[pwned](https://pwned.example)",
    "<!-- peak-reconciler:plan --> --> </details>",
    "$(touch pwned) `touch pwned` ; touch pwned",
]


def write_manifest(folder: Path, name: str, file: str = "flow.yaml", command: str = "echo hi") -> None:
    """Write a manifest of a workflow with one step."""
    body = {"name": name, "steps": {"one": {"imageId": 1, "imageVersionId": 1, "command": command}}}
    (folder / "workflows" / file).write_text(json.dumps({"body": body}))
