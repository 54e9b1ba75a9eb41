"""Own tags of a workflow: ownership, protection and sent digests.

Their names start with `reconciler-`; such a tag is never a difference. `reconciler-owner-NAME` names the
repository that owns the workflow: pruning deletes only what it owns, and nobody writes what another one owns.
`reconciler-protected` keeps the workflow from being deleted, also after its manifest or the line
`prevent_delete` in it is gone. `reconciler-sent-…` keeps the mark of the last write, which is another one for
each write, with a digest of the manifest that it was made from, and digests of fields
(`reconciler.workflow.write_only`).
A platform may keep tags in lower case, so an owner's name is one without capitals.
Tags are parsed and written here and nowhere else. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from reconciler.values import JsonValue, as_list
from reconciler.workflow.write_only import SentDigests

OWN_TAG_PREFIX: Final = "reconciler-"
_OWNER: Final = f"{OWN_TAG_PREFIX}owner-"
_PROTECTED: Final = f"{OWN_TAG_PREFIX}protected"
_SENT: Final = f"{OWN_TAG_PREFIX}sent-"
SENT_MANIFEST_LENGTH: Final = 6
"""Letters of the digest of the manifest that was last sent."""

_MARK: Final = re.compile(f"(0[a-z2-7]{{7}})([a-z2-7]{{0,{SENT_MANIFEST_LENGTH}}})")
"""A mark and the digest of a manifest; no digest has a zero, so one that a platform cuts is no mark."""


class Ownership(NamedTuple):
    """Who owns a workflow, and whether it is protected.

    Args:
        owners: The names of the owners: usually one or none; several are a conflict.
        protected: Whether it must not be deleted.
    """

    owners: frozenset[str] = frozenset()
    protected: bool = False

    def others(self, owner: str | None) -> list[str]:
        """Return the owners other than `owner`, sorted."""
        return sorted(self.owners - {owner})

    @property
    def tag_names(self) -> list[str]:
        """The names of the tags, always in the same order."""
        return [*map(owner_tag, sorted(self.owners)), *([_PROTECTED] if self.protected else [])]


class OwnTags(NamedTuple):
    """Everything that the reconciler's own tags of a workflow say.

    Args:
        ownership: Who owns it.
        digests: What was last sent for its write-only fields.
        marks: The mark of the last write; several where a platform adds tags to those that there were.
        sent_manifests: The digest of the manifest that it was made from; as many.
        others: The names of own tags that this release does not know; they are kept.
    """

    ownership: Ownership = Ownership()
    digests: SentDigests = SentDigests()
    marks: frozenset[str] = frozenset()
    sent_manifests: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    @staticmethod
    def of(tags: JsonValue) -> OwnTags:
        """Return what the tags of a workflow say; a tag that does not parse says nothing."""
        names = [name for tag in as_list(tags) if (name := tag_name(tag)).startswith(OWN_TAG_PREFIX)]
        if not names:
            return _NO_OWN_TAGS
        known = (_OWNER, _SENT)
        texts = [name.removeprefix(_SENT) for name in names if name.startswith(_SENT)]
        entries = (entry for text in texts for entry in text.split("-"))
        marks = [match for entry in entries if (match := _MARK.fullmatch(entry))]
        return OwnTags(
            ownership=Ownership(
                owners=frozenset(
                    name.removeprefix(_OWNER).casefold() for name in names if name.startswith(_OWNER)
                ),
                protected=_PROTECTED in names,
            ),
            digests=SentDigests.of_texts(texts),
            marks=frozenset(match[1] for match in marks),
            sent_manifests=frozenset(match[2] for match in marks if len(match[2]) == SENT_MANIFEST_LENGTH),
            others=tuple(name for name in names if name != _PROTECTED and not name.startswith(known)),
        )

    def tags(self) -> list[JsonValue]:
        """Return the tags that say this, without a mark, always in the same order."""
        return _tags([*self.others, *self.ownership.tag_names, *_sent_names(self.digests.texts())])


_NO_OWN_TAGS: Final = OwnTags()


def with_mark(tags: JsonValue, mark: str) -> list[JsonValue]:
    """Return tags with the mark of a write: in the first tag with digests, before them, else in its own.

    Args:
        tags: The tags.
        mark: The mark, with the digest of the manifest or without.
    """
    first, *more = [*OwnTags.of(tags).digests.texts(), ""]
    texts = [f"{mark}-{first}" if first else mark, *filter(None, more)]
    return [*_without_sent(tags), *_tags(_sent_names(texts))]


def tags_within_limits(tags: JsonValue) -> Iterator[list[JsonValue]]:
    """Yield other ways to write tags with a mark and digests, for a platform that refuses them.

    The first has the mark and each digest in a tag of its own, which is then short; the next has only the
    digests; the last has none.
    """
    own, rest = OwnTags.of(tags), _without_sent(tags)
    digests = list(own.digests.texts(1))
    found = [as_list(tags)]
    for texts in ([*sorted(own.marks), *digests], digests, []):
        other = [*rest, *_tags(_sent_names(texts))]
        if other not in found:
            found.append(other)
            yield other


def _without_sent(tags: JsonValue) -> list[JsonValue]:
    return [tag for tag in as_list(tags) if not is_digest_tag(tag)]


def _sent_names(texts: Iterable[str]) -> Iterator[str]:
    return (f"{_SENT}{text}" for text in texts)


def is_own_tag(tag: JsonValue) -> bool:
    """Return whether `tag`, an object or a name, is one of the reconciler's own."""
    return tag_name(tag).startswith(OWN_TAG_PREFIX)


def is_digest_tag(tag: JsonValue) -> bool:
    """Return whether `tag` keeps digests or a mark."""
    return tag_name(tag).startswith(_SENT)


def tag_name(tag: JsonValue) -> str:
    """Return the name of `tag`, which a platform may return as an object or as a text; empty for none."""
    name = tag.get("name") if isinstance(tag, dict) else tag
    return name if isinstance(name, str) else ""


def owner_tag(owner: str) -> str:
    """Return the name of the tag that makes `owner` the owner of a workflow."""
    return f"{_OWNER}{owner}"


def _tags(names: Iterable[str]) -> list[JsonValue]:
    return [{"name": name} for name in names]
