"""Expectations: what the profile of a tenant says of it, as far as plans and applies make use of it. Pure.

An expectation makes a plan say more or an apply wait longer. It never replaces a guard, and what the tenant
answers now counts more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.workflow import WriteOnlyField

if TYPE_CHECKING:
    from reconciler.tenant_profile import TenantProfile

_TOKEN: Final = ("token-masked", "token-omitted", "token-null", "token-empty")
_SECRET: Final = ("auth-masked", "auth-hidden")
_HIDING: Final[Mapping[WriteOnlyField, tuple[str, ...]]] = {
    WriteOnlyField.TOKEN: (*_TOKEN, "hidden=token", "hidden=repository"),
    WriteOnlyField.SECRET: (*_SECRET, "hidden=auth"),
    WriteOnlyField.METADATA: ("metadata-hidden", "hidden=metadata"),
    WriteOnlyField.RETRY: ("retry-hidden", "hidden=retryOptions"),
    WriteOnlyField.STEP_RETRY: ("step-retry-hidden", "hidden=retryOptions", "hidden=runConfiguration"),
}
"""The behaviours with which a platform does not return the fields of a kind."""

_MERGES_DEEPLY: Final = "put-merges-deep"
_MERGING: Final = frozenset({"put-merges", _MERGES_DEEPLY})
_LONGEST_LAG: Final = 10.0
"""The longest delay, in seconds, that is believed: a probe measures no longer one."""


class Expectations(NamedTuple):
    """What the profile of a tenant says of it.

    Args:
        write_only: The behaviour for each kind of fields that it does not return.
        returned: The kinds of fields that it returns.
        merges: Whether its PUT keeps what is not sent at the top.
        merges_deeply: Whether it does so at every level.
        replaces: Whether its PUT is known to keep nothing.
        lag: The seconds after which a write shows.
    """

    write_only: Mapping[WriteOnlyField, str] = {}
    returned: frozenset[WriteOnlyField] = frozenset()
    merges: bool = False
    merges_deeply: bool = False
    replaces: bool = False
    lag: float = 0.0

    @staticmethod
    def of(profile: TenantProfile) -> Expectations:
        """Return what a profile says; a behaviour that is not known says nothing."""
        words, ruled_out = profile.switches, frozenset(profile.not_found)
        hidden = {
            kind: found[0]
            for kind, hiding in _HIDING.items()
            if (found := [word for word in words if word in hiding])
        }
        return Expectations(
            write_only=hidden,
            returned=frozenset(
                kind
                for kind, hiding in _HIDING.items()
                if kind not in hidden and ruled_out.issuperset(_switches(hiding))
            ),
            merges=not _MERGING.isdisjoint(words),
            merges_deeply=_MERGES_DEEPLY in words,
            replaces=ruled_out.issuperset(_MERGING),
            lag=min(_LONGEST_LAG, profile.longest_delay / 1000),
        )

    def without(self, kinds: Iterable[WriteOnlyField]) -> Expectations:
        """Return these, without that the tenant does not return `kinds`."""
        dropped = frozenset(kinds)
        kept = {kind: word for kind, word in self.write_only.items() if kind not in dropped}
        return self._replace(write_only=kept)


def _switches(words: Iterable[str]) -> frozenset[str]:
    """Return the names of switches in words; that a key may be hidden by its name is never ruled out."""
    return frozenset(word for word in words if "=" not in word)


def returned(kind: WriteOnlyField) -> str:
    """Return the words for the expectation that fields of a kind are returned."""
    return f"{kind.value} is returned"


def contradiction_note(behaviours: Iterable[str]) -> str:
    """Return the note that a tenant no longer behaves as its profile says."""
    return (
        f"the tenant no longer behaves as its profile says ({', '.join(sorted(behaviours))}); "
        "what it answers now counts; compare with: peak-reconciler probe --write"
    )
