"""Which live workflow is meant by a name or an id that somebody typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from reconciler.api import TenantReader
from reconciler.client import AmbiguousNameError
from reconciler.errors import ReconcilerError, UsageError
from reconciler.plan import describe, list_tenant
from reconciler.render import some_names
from reconciler.text import clip, printable
from reconciler.workflow import Live


def one_named(name: str | None, workflow_id: int | None) -> None:
    """See that one workflow is named, in one of the two ways.

    Raises:
        UsageError: It is not.
    """
    if (name is None) is (workflow_id is None):
        raise UsageError("name one workflow: by its NAME, or by --id N")


def live_workflow(
    api: TenantReader, name: str | None, workflow_id: int | None, reassurance: str = ""
) -> Live:
    """Return the live workflow that is meant: by its id, else by its exact name, over all pages.

    Args:
        api: The tenant.
        name: The name that was typed.
        workflow_id: The id that was typed.
        reassurance: What the error's hint ends with, such as that nothing was done.

    Raises:
        AmbiguousNameError: Several have that name.
        ReconcilerError: There is none; or as the client.
    """
    if workflow_id is not None or name is None:
        return describe(api, workflow_id or 0)
    found = list_tenant(api, name)
    if len(found) > 1:
        ids = ", ".join(str(item.id) for item in found)
        raise AmbiguousNameError(
            f"there are {len(found)} live workflows called {clip(printable(name), 100)!r}: ids {ids}",
            hint=_hint("Say which one with --id N.", reassurance),
        )
    if not found:
        names = {item.name for item in list_tenant(api)}
        raise unknown(f"there is no workflow called {clip(printable(name), 100)!r}", name, names, reassurance)
    return describe(api, found[0].id)


def unknown(message: str, name: str, known: Iterable[str], reassurance: str = "") -> ReconcilerError:
    """Return the error for a name that nothing has, with those that may be meant.

    Args:
        message: What was found.
        name: The name that was typed.
        known: The names that there are.
        reassurance: What the hint ends with.
    """
    near = difflib.get_close_matches(name, sorted(known))
    return ReconcilerError(message, hint=_hint(f"Is {some_names(near)} meant?" if near else "", reassurance))


def _hint(*parts: str) -> str:
    return " ".join(part for part in parts if part)
