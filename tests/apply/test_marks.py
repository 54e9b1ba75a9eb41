"""Marks of writes: where they are put, and what a read-back with or without one proves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.marks import SentTags, WrittenBy, marked, new_mark
from reconciler.workflow import Live, OwnTags, tags_within_limits, with_mark
from reconciler.workflow.body import Body
from reconciler.workflow.write_only import SentDigests

_OURS, _THEIRS = "0aaaaaaa", "0bbbbbbb"
_OWNER = {"name": "reconciler-owner-team"}
_ENTRIES = st.lists(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=12, max_size=12), max_size=7)


def _live(*marks: str) -> Live:
    tags: list[Any] = [_OWNER, *({"name": f"reconciler-sent-{mark}"} for mark in marks)]
    return Live(id=1, name="flow", body=Body({"name": "flow", "tags": tags}))


@pytest.mark.parametrize(
    ("found", "tags_kept", "origin"),
    [
        ((_OURS,), 0, WrittenBy.OURS),
        ((_THEIRS,), 0, WrittenBy.ANOTHER),
        ((_OURS, _THEIRS), 2, WrittenBy.UNKNOWN),
        ((), 0, WrittenBy.UNKNOWN),
        ((), 1, WrittenBy.UNKNOWN),
        ((), 2, WrittenBy.ANOTHER),
    ],
    ids=["ours", "another", "both", "hidden", "one too many", "kept before"],
)
def test_what_a_read_back_proves(found: tuple[str, ...], tags_kept: int, origin: WrittenBy) -> None:
    """Our mark alone is our write; without any, only tags that were kept before prove another one."""
    sent = SentTags.of(marked({"tags": [_OWNER]}, _OURS, "team"))
    assert sent == SentTags(mark=_OURS, count=2)
    assert sent.origin(_live(*found), tags_kept) is origin


def test_a_write_without_a_mark_proves_nothing() -> None:
    """Whatever reads back, a body without a mark is not known again."""
    assert SentTags.of({"tags": [_OWNER]}).origin(_live(_THEIRS), 5) is WrittenBy.UNKNOWN


@pytest.mark.parametrize(
    ("tags", "owner", "has_mark"),
    [
        ([_OWNER], "team", True),
        ([_OWNER], "other", False),
        ([_OWNER], None, False),
        ([{"name": "reconciler-protected"}], None, False),
        ([{"name": "reconciler-sent-abcdefghijkl"}], None, True),
        ([{"name": "red"}], "team", False),
        (None, None, False),
    ],
)
def test_which_bodies_get_a_mark(tags: Any, owner: str | None, *, has_mark: bool) -> None:
    """A body of this run's owner gets one, and one with digests; any other stays as it is."""
    body = {"name": "flow", "tags": tags}
    assert (marked(body, _OURS, owner) != body) == has_mark
    assert marked(body, _OURS, owner, had_digests=True) != body


@given(_ENTRIES)
def test_a_mark_and_digests_are_read_again(entries: list[str]) -> None:
    """Whatever a platform refuses of them, what is left says the same; the last has neither."""
    digests = SentDigests.of_texts(entries)
    mark = new_mark()
    tags = with_mark([{"name": "red"}, *OwnTags(digests=digests).tags()], mark)
    assert (OwnTags.of(tags).digests, OwnTags.of(tags).marks) == (digests, {mark})
    assert len(tags) == 1 + max(1, -(-len(digests.digests) // 3))
    others = list(tags_within_limits(tags))
    assert others[-1] == [{"name": "red"}]
    for other in others[:-1]:
        assert OwnTags.of(other).digests == digests
        assert max(len(tag["name"]) for tag in other) <= 30  # type: ignore[index,call-overload,arg-type]


@given(_ENTRIES, st.integers(0, 80))
def test_what_is_cut_is_no_mark(entries: list[str], length: int) -> None:
    """Digests that a platform cuts are never taken for a mark."""
    tags = OwnTags(digests=SentDigests.of_texts(entries)).tags()
    cut: list[Any] = [{"name": tag["name"][:length]} for tag in tags]  # type: ignore[index,call-overload]
    assert OwnTags.of(cut).marks == frozenset()
