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


class _Globs(NamedTuple):
    """Globs, of which those that are the name of a workflow match only that.

    Args:
        names: Those that are the name of a workflow.
        others: The others.
    """

    names: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    def match(self, name: str) -> bool:
        """Return whether one of them matches the workflow `name`."""
        return name in self.names or any(fnmatchcase(name, glob) for glob in self.others)


class Selection(NamedTuple):
    """The workflows of a run; all of them when nothing is chosen.

    Args:
        targets: Globs, one of which a name must match.
        exclude: Globs, none of which it may match.
        shard: The shard that it must belong to.
        known: Targets and excluded ones where the names of all workflows are known (`resolved`).
    """

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: Shard | None = None
    known: tuple[_Globs, _Globs] | None = None

    def resolved(self, names: Collection[str]) -> Selection:
        """Return the selection among workflows of these names: a glob that is the name of one is no glob.

        Raises:
            UsageError: A glob matches none of them.
        """
        chosen = self.among(names)
        for option, globs in zip(("--target", "--exclude"), chosen.known or (), strict=True):
            for glob in globs.others:
                if not names_matching(glob, names):
                    shown = clip(printable(glob), 100)
                    raise UsageError(
                        f"{option} {shown!r} matches no workflow",
                        hint=_sentence(printable(did_you_mean(glob, names))),
                    )
        return chosen

    def among(self, names: Collection[str]) -> Selection:
        """Return the selection among workflows of these names, where some may match no glob."""
        all_names = frozenset(names)
        targets, exclude = (
            _Globs(all_names.intersection(globs), tuple(glob for glob in globs if glob not in all_names))
            for globs in (self.targets, self.exclude)
        )
        return self._replace(known=(targets, exclude))

    def takes(self, name: str) -> bool:
        """Return whether the workflow `name` is selected."""
        return self.names(name) and (self.shard is None or self.shard.takes(name))

    def may_take(self, name: str) -> bool:
        """Return whether the workflow `name` is selected, also where the names of others are not known yet.

        A target that is this name is then no glob; any other may be one.
        """
        return (self if self.known else self.among({name})).takes(name)

    def names(self, name: str) -> bool:
        """Return whether the globs select the workflow `name`, whatever the shard."""
        targets, exclude = self.known or (_Globs(others=self.targets), _Globs(others=self.exclude))
        return (not self.targets or targets.match(name)) and not exclude.match(name)


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
