"""Scope of a run: the workflows it covers (by name or shard), and whether it prunes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from reconciler.apply_limits import Safety
from reconciler.errors import UsageError
from reconciler.text import clip, did_you_mean, printable

_SHARD: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several parts of all workflows, by a hash of their names that is the same on every machine.

    Args:
        number: Which part, from 1.
        of: The number of parts.
    """

    number: int
    of: int

    @staticmethod
    def of_text(text: str) -> Shard:
        """Return the shard that `I/N` names, such as `1/4`.

        Raises:
            UsageError: It names none.
        """
        match = _SHARD.fullmatch(text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"invalid shard {clip(printable(text), 40)!r}: use I/N with 1 <= I <= N")
        return Shard(number=int(match[1]), of=int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def takes(self, name: str) -> bool:
        """Return whether the workflow `name` belongs to this shard."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1


class Selection(NamedTuple):
    """The workflows of a run; all of them when nothing is chosen.

    Args:
        targets: Globs, one of which a name must match.
        exclude: Globs, none of which it may match.
        shard: The shard that it must belong to.
        exact: Those of the globs that are the name of a workflow, and so match only that (`resolved`).
    """

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: Shard | None = None
    exact: frozenset[str] = frozenset()

    def resolved(self, names: Collection[str]) -> Selection:
        """Return the selection among workflows of these names: a glob that is the name of one is no glob.

        Raises:
            UsageError: A glob matches none of them.
        """
        for option, globs in (("--target", self.targets), ("--exclude", self.exclude)):
            for glob in globs:
                if not names_matching(glob, names):
                    shown = clip(printable(glob), 100)
                    raise UsageError(
                        f"{option} {shown!r} matches no workflow",
                        hint=_sentence(printable(did_you_mean(glob, names))),
                    )
        return self.among(names)

    def among(self, names: Collection[str]) -> Selection:
        """Return the selection among workflows of these names, where some may match no glob."""
        return self._replace(exact=frozenset({*self.targets, *self.exclude} & set(names)))

    def takes(self, name: str) -> bool:
        """Return whether the workflow `name` is selected."""
        return self.names(name) and (self.shard is None or self.shard.takes(name))

    def names(self, name: str) -> bool:
        """Return whether the globs select the workflow `name`, whatever the shard."""
        taken = not self.targets or any(self._matches(name, glob) for glob in self.targets)
        return taken and not any(self._matches(name, glob) for glob in self.exclude)

    def _matches(self, name: str, glob: str) -> bool:
        return name == glob if glob in self.exact else fnmatchcase(name, glob)


def names_matching(glob: str, names: Iterable[str]) -> set[str]:
    """Return the name that is exactly `glob`, else those that match it."""
    known = set(names)
    return {glob} if glob in known else {name for name in known if fnmatchcase(name, glob)}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


class Scope(NamedTuple):
    """The workflows that a run is about, and its limits.

    Args:
        selection: The workflows.
        prune: Whether to delete owned workflows that no longer have a manifest.
        allow_deletes: The number of deletes to allow, overriding the limits.
        safety: The limits.
        show_unmanaged: Whether the plan lists the live workflows that no manifest matches.
        whole: Whether the manifests are all there are, so that an owned workflow without one is orphaned.
        left_out: The file of each name in a file that looks like a manifest and is not read.
    """

    selection: Selection = Selection()
    prune: bool = False
    allow_deletes: int | None = None
    safety: Safety = Safety()
    show_unmanaged: bool = False
    whole: bool = True
    left_out: Mapping[str, str] = {}
