"""Explore every world of every protocol, and print what was found; `make model` runs it.

With names of protocols as arguments, only these. Exits with 1 where a law does not hold.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import Any

from protocols import PROTOCOLS

from reconciler.text import counted

_COUNTS = {
    "losses": "lost answer",
    "crashes": "kill",
    "refusals": "refusal",
    "renewals": "renewal",
}
_SECONDS = {
    "list_lag": "of lag of the list",
    "describe_lag": "of lag of describe",
    "late": "until a lost create takes effect",
    "seconds": "in all",
}
_LINE = "  {:<44} {:>10} {:>19} {:>14} {:>7}  {}"


def bounds(world: Any) -> str:
    """Return what may happen in a world."""
    fields = {field.name: getattr(world, field.name) for field in dataclasses.fields(world)}
    runs = fields.get("variants") or fields.get("commits")
    said = [counted(fields["runs"] if runs is None else len(runs), "run")]
    said += [counted(fields[name], noun) for name, noun in _COUNTS.items() if fields.get(name)]
    said += [f"{fields[name]:g} s {what}" for name, what in _SECONDS.items() if fields.get(name)]
    if fields.get("edits"):
        said.append(f"one of {len(fields['edits'])} edits")
    said += ["an edit"] * bool(fields.get("edit"))
    said += ["a workflow of somebody else"] * bool(fields.get("theirs"))
    said += ["suspended runs"] * (fields.get("punctual") is False)
    said += ["the file is removed"] * bool(fields.get("removal"))
    if any(fields.get("skews", ())):
        said.append(f"clocks {max(fields['skews']):g} s apart")
    return ", ".join(said)


def main(names: list[str]) -> int:
    """Print the worlds of the protocols with these names, or of all; return the exit code."""
    violations = 0
    states = 0
    for protocol in PROTOCOLS:
        if names and protocol.name not in names:
            continue
        sys.stdout.write(f"\n{protocol.name}\n")
        for law in protocol.laws:
            sys.stdout.write(f"  - {law}\n")
        head = ("world", "states", "interleavings", "in a window", "CPU s", "bounds")
        sys.stdout.write(_LINE.format(*head) + "\n")
        for name, world in protocol.worlds.items():
            began = time.process_time()
            found = protocol.explore(world)
            seconds = time.process_time() - began
            windows = f"{found.in_windows / found.interleavings:.2%}" if found.in_windows else "none"
            line = _LINE.format(
                name,
                f"{found.states:,}",
                f"{found.interleavings:,}",
                windows,
                f"{seconds:.1f}",
                bounds(world),
            )
            sys.stdout.write(f"{line}\n")
            states += found.states
            if found.violation:
                violations += 1
                sys.stdout.write("  VIOLATION: " + "\n    ".join([found.violation, *found.trace]) + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"\n{states:,} states, {violations} violations\n")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
