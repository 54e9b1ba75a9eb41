"""Options for notifications: the address of a webhook, and the format of its messages."""

from __future__ import annotations

import os
from typing import Any, Final

import click

from reconciler.cli.help import Decorator, setting, variable_of
from reconciler.cli.terminal import warn
from reconciler.client import WebhookSender
from reconciler.errors import InvalidInputError, UsageError
from reconciler.job import FORMATS

URL_OPTION: Final = "--notify-url"


def notify_options(section: str) -> tuple[Decorator[Any], ...]:
    """Return the options, as decorators, for a section of the help."""
    return (
        setting(
            URL_OPTION,
            metavar="URL",
            help="Post notifications to a webhook. The URL is a secret: set the variable, not the option.",
            section=section,
        ),
        setting(
            "--notify-format",
            type=click.Choice(sorted(FORMATS)),
            default="generic",
            help="Send notifications in this format.",
            section=section,
        ),
    )


def notification_sender(url: str | None) -> WebhookSender | None:
    """Return the sender of notifications to `url`; takes and raises what `sender` does."""
    return sender(URL_OPTION, "the webhook", url, public=False)


def sender(name: str, receiver: str, url: str | None, *, public: bool) -> WebhookSender | None:
    """Return the sender to `url`; `None` without one, with a warning where it is empty.

    Args:
        name: The option that gave it.
        receiver: The receiver's name in messages.
        url: The address.
        public: Whether plain http is allowed.

    Raises:
        UsageError: It cannot be used. It is not quoted, since it may hold a secret.
    """
    if not url:
        # CI systems give an empty variable for a secret that is not defined, and click takes it for none.
        variable = variable_of(name)
        if url is not None or os.environ.get(variable) == "":
            warn(f"warning: {name} ({variable}) is empty: nothing is sent to {receiver}; set it, or unset it")
        return None
    try:
        return WebhookSender(receiver, url, public=public)
    except InvalidInputError as error:
        raise UsageError(f"{name}: {error.message}") from None
