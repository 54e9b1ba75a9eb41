"""`peak-reconciler comment`: keep one comment on a pull or merge request up to date, from CI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from reconciler.cli.help import command_of, option
from reconciler.cli.terminal import warn
from reconciler.comments import find_thread, upsert_comment
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files import UnreadableError, decode_text, read_bounded
from reconciler.text import printable

_MOST_BYTES: Final = 16 * 1024 * 1024
"""Limit of a file: many times what any host accepts."""


@command_of("comment", examples=(("comment plan.md", "Post what plan --output markdown=plan.md wrote"),))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@option(
    "--key",
    metavar="KEY",
    default="plan",
    help="Identify the comment: runs with the same key update the same one, on each pull or merge request.",
)
@option(
    "--author",
    metavar="LOGIN",
    help="Owner of GITHUB_TOKEN, on GitHub.",
    show_default="github-actions[bot]",
)
def command(*, file: Path, key: str, author: str | None) -> int:
    """Post the Markdown in FILE on the pull or merge request of this CI run, or replace the earlier comment.

    GitHub Actions needs GITHUB_TOKEN, and the job the permission pull-requests: write; GitLab CI needs
    GITLAB_TOKEN, an access token with the scope api. The rest is in variables that both set. A comment of
    somebody else is never changed.
    """
    text = _text(file)
    kept = upsert_comment(find_thread(os.environ, author), text, key)
    warn(f"the comment was {kept.value}")
    return ExitCode.OK


def _text(file: Path) -> str:
    name = printable(str(file))
    try:
        text = decode_text(read_bounded(file, _MOST_BYTES, streams=True))
    except UnreadableError as error:
        raise InvalidInputError(f"{name} cannot be read: {error}") from None
    if not text.strip():
        raise InvalidInputError(f"{name} is empty: an earlier comment is left as it is")
    return text
