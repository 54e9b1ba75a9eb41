"""Compare options: what the user chose about how workflows are compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """The choices of a run that hold for all its workflows.

    Args:
        key: The key of the digests of sent values.
        remember: Whether digests of write-only fields are kept in tags.
        resend: Whether write-only fields are sent again, whatever their digests say.
        owner: Who owns the workflows of this run; `None` when nobody is named.
        allow_protected: The names of protected workflows that may be deleted, or lose their protection.
    """

    key: bytes = field(repr=False)
    remember: bool = True
    resend: bool = False
    owner: str | None = None
    allow_protected: frozenset[str] = frozenset()
