"""One thing that a schema does not allow, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.values import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProblem:
    """One thing that the schema does not allow.

    Args:
        path: Where, from the root of the validated value.
        rule: The stable id of the rule, `schema-` and the schema's keyword.
        message: What is allowed.
        found: The rest of the message, which quotes what was found; never a field that the schema marks as
            sensitive, but the caller may know better and leave it out.
        at_key: Whether the problem is the key at the end of `path` itself, not its value.
    """

    path: Path
    rule: str
    message: str
    found: str = ""
    at_key: bool = False
