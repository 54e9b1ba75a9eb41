"""Digests in tags: each shows whether a value is still the same, and nothing else."""

from __future__ import annotations

import base64
import hmac
import re
from typing import Any

import pytest
import strategies
from forms import canonical_of, digest_tags, digests_in
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.values import dump_compact, leaves
from reconciler.workflow import (
    Digester,
    SentDigests,
    WriteOnlyField,
    is_digest_tag,
    is_own_tag,
    write_only_field,
)

_DIGESTER = Digester(b"key", "w")
_PATH = ("steps", "train", "repository", "token")
_FIELDS = st.dictionaries(
    st.tuples(st.sampled_from(["metadata", "steps", "retryOptions"]), st.text(max_size=3)),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    max_size=9,
)


@given(_FIELDS)
@LAWS
def test_digests_are_read_back_from_the_tags(fields: Any) -> None:
    """Digests written into tags and read back are the same, in any order of tags and among other ones."""
    memory = _DIGESTER.digests(fields.items())
    tags = digest_tags(memory)
    assert digests_in({"tags": tags}) == memory
    assert digests_in({"tags": [{"name": "team"}, *reversed(tags), {"name": "reconciler-other"}]}) == memory
    assert all(_DIGESTER.agrees(memory, path, value) for path, value in fields.items())
    assert all(_DIGESTER.knows(memory, path) for path in fields)


@given(_FIELDS)
@LAWS
def test_digests_never_change(fields: Any) -> None:
    """A digest is base 32 of a keyed hash of compact JSON: those in the tags of a tenant stay valid."""

    def letters(what: Any, number: int) -> str:
        message = dump_compact(["w", what]).encode("utf-8", "surrogatepass")
        digest = hmac.digest(b"key", message, "sha256")[:5]
        return base64.b32encode(digest).decode("ascii")[:number].lower()

    assert _DIGESTER.digests(fields.items()).digests == {
        letters([*path], 5): letters([[*path], value], 7) for path, value in fields.items()
    }


@given(_FIELDS, _FIELDS)
@LAWS
def test_a_digest_has_one_path(sent: Any, others: Any) -> None:
    """The fields with a digest are found wherever they are; what is left is of other fields."""
    memory = _DIGESTER.digests(sent.items())
    assert {*_DIGESTER.known(memory, [*others, *sent])} >= sent.keys()
    assert {*_DIGESTER.known(memory, [*sent, *others])} == sent.keys()
    left = _DIGESTER.others(memory, others)
    assert left == _DIGESTER.digests((path, value) for path, value in sent.items() if path not in others)


@given(_FIELDS)
@LAWS
def test_tags_are_short_and_plain(fields: Any) -> None:
    """A tag has few letters, digits and hyphens, and nothing else; the same memory has the same tags."""
    tags: list[Any] = digest_tags(_DIGESTER.digests(fields.items()))
    assert all(re.fullmatch(r"reconciler-sent-[a-z2-7]{12}(-[a-z2-7]{12}){0,2}", tag["name"]) for tag in tags)
    assert all(tag.keys() == {"name"} and is_own_tag(tag) and is_digest_tag(tag) for tag in tags)
    assert len(tags) == -(-len(fields) // 3)
    assert digest_tags(_DIGESTER.digests(reversed(list(fields.items())))) == tags


@given(strategies.workflow_bodies())
@LAWS
def test_every_field_of_a_workflow_can_have_a_digest(body: Any) -> None:
    """No field, value or name makes remembering fail, and each is known again."""
    fields = list(leaves(canonical_of(body)))
    digester = Digester(b"key", body["name"])
    memory = digests_in({"tags": digest_tags(digester.digests(fields))})
    assert all(digester.agrees(memory, path, value) for path, value in fields)


def _digests(**given_: Any) -> set[str]:
    facts = {"key": b"key", "name": "w", "path": _PATH, "value": "v", **given_}
    (tag,) = digest_tags(Digester(facts["key"], facts["name"]).digests([(facts["path"], facts["value"])]))
    name = tag["name"].removeprefix("reconciler-sent-")  # type: ignore[index,call-overload,union-attr]
    return {name[:5], name[5:]}


@pytest.mark.parametrize(
    "other",
    [{"key": b"KEY"}, {"name": "W"}, {"path": (*_PATH[:1], "score", *_PATH[2:])}, {"path": _PATH[:-1]}],
)
def test_the_key_the_name_and_the_path_change_all_of_a_digest(other: Any) -> None:
    """Equal values of two workflows, two fields or two owners do not look alike, nor do their paths."""
    assert not _digests() & _digests(**other)


@pytest.mark.parametrize("value", ["V", "v ", "", None, 1, True, ["v"], {"v": None}])
def test_another_value_has_another_digest(value: Any) -> None:
    """The digest of a field changes with its value, and only that half of the entry does."""
    assert len(_digests() & _digests(value=value)) == 1
    memory = _DIGESTER.digests([(_PATH, "v")])
    assert _DIGESTER.agrees(memory, _PATH, "v")
    assert not _DIGESTER.agrees(memory, _PATH, value)


def test_values_that_only_look_alike_have_other_digests() -> None:
    """`true` is not `1`, and `1` is not `"1"`."""
    values: list[Any] = [True, 1, "1", "true", [1], None, "null"]
    assert len({tuple(sorted(_digests(value=value))) for value in values}) == len(values)


def test_a_digest_reveals_nothing_without_the_key() -> None:
    """With another key nothing is remembered, and the key is in no text."""
    memory = _DIGESTER.digests([(_PATH, "v")])
    stranger = Digester(b"another key", "w")
    assert not stranger.knows(memory, _PATH)
    assert not stranger.agrees(memory, _PATH, "v")
    assert "another key" not in repr(stranger)


def test_no_digest_says_nothing() -> None:
    """A workflow without such tags neither remembers nor agrees, also not to nothing."""
    for tags in (None, [], [{"name": "team"}], "x", {"name": "reconciler-sent-x"}):
        memory = digests_in({"tags": tags})
        assert memory == SentDigests()
        assert digest_tags(memory) == []
        assert not _DIGESTER.knows(memory, _PATH)
        assert not _DIGESTER.agrees(memory, _PATH, None)
    assert digests_in({}) == SentDigests()


@pytest.mark.parametrize(
    "name",
    [
        "reconciler-sent-",
        "reconciler-sent-abc",
        "reconciler-sent-abcdefghijkl2",
        "reconciler-sent-ABCDEFGHIJKL",
        "reconciler-sent-abcdefghijk1",
        "reconciler-sent-abcdef hijkl",
        "reconciler-sent-abcdefghijk\u0131",
        "reconciler-sent--",
        "reconciler-keep",
        "xreconciler-sent-abcdefghijkl",
        None,
        7,
        ["reconciler-sent-abcdefghijkl"],
    ],
)
def test_tags_that_do_not_parse_say_nothing(name: Any) -> None:
    """Whatever someone writes into a tag: what is no digest is not read as one, and the others count."""
    (good,) = digest_tags(_DIGESTER.digests([(_PATH, "v")]))
    assert digests_in({"tags": [{"name": name}]}) == SentDigests()
    assert digests_in({"tags": [{"name": name}, good, name]}) == _DIGESTER.digests([(_PATH, "v")])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("steps", "x", "repository", "token"), WriteOnlyField.TOKEN),
        (("steps", "x", "auth", "password"), WriteOnlyField.SECRET),
        (("steps", "x", "auth", "clientSecret"), WriteOnlyField.SECRET),
        (("steps", "x", "auth", "apiKey"), WriteOnlyField.SECRET),
        (("steps", "x", "auth", "bearerToken"), WriteOnlyField.SECRET),
        (("metadata", "allowConcurrentExecution"), WriteOnlyField.METADATA),
        (("metadata",), WriteOnlyField.METADATA),
        (("retryOptions", "duration"), WriteOnlyField.RETRY),
        (("steps", "x", "runConfiguration", "retryOptions", "exitCodes"), WriteOnlyField.STEP_RETRY),
        (("steps", "x", "runConfiguration", "skipConfiguration", "skip"), None),
        (("steps", "x", "repository", "url"), None),
        (("steps", "x", "auth", "username"), None),
        (("steps", "x"), None),
        (("steps", "metadata", "command"), None),
        (("name",), None),
        (("watchers", "x", "repository", "token"), None),
        (("tags",), None),
    ],
)
def test_which_fields_may_be_write_only(path: Any, kind: WriteOnlyField | None) -> None:
    """Credentials, metadata and retry options may be write-only; nothing else is ever taken to be."""
    assert write_only_field(path) is kind
    assert kind is None or kind.is_credential == (kind in {WriteOnlyField.TOKEN, WriteOnlyField.SECRET})
