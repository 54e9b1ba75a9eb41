"""Page of the emulator's profiles, from the table of switches."""

from __future__ import annotations

from typing import Final

from reconciler.emulator.profiles import FAMILIES, SWITCHES
from reference.markdown import code, head, table, text_page

_INTRODUCTION: Final = """\
The values of `--profile` of [`emulator`](cli.md#emulator). Each is a switch for one behaviour of a
platform that the documentation of the API leaves open. They combine freely, except that of one group
only one may be given, and take effect in the order of this page. Without any, the emulator stores what
it is sent and returns it as documented.

Effect: *returned* changes only what is returned; *stored* changes what is stored, and so what is
returned; *refused* refuses a write; *endpoint* changes when a write is seen, or how an endpoint answers
otherwise. A rewritten value that is sent back is not changed again.

A parameter follows the name: `--profile list-lag=1500,names-cut=30`. `--profile all` is all of the first
table that combine, with masked tokens, on a tenant that is not a spoke.
"""


def page() -> str:
    """Return the page."""
    lines = head("Profiles of the emulator", _INTRODUCTION)
    for family, names in FAMILIES.items():
        lines += [f"## {family}", ""]
        lines += table(("profile", "behaviour", "effect", "default", "group"), map(_row, names))
    return text_page(lines)


def _row(name: str) -> tuple[str, ...]:
    switch = SWITCHES[name]
    written = code(f"{name}={switch.takes}" if switch.takes else name)
    default = code(switch.default) if switch.default else ""
    return written, switch.meaning, switch.effect, default, switch.group
