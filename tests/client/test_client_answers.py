from __future__ import annotations

import gzip
import json
from contextlib import suppress
from typing import Any

import pytest
from client_helpers import RawServer, Reply, client, http, one_try
from hypothesis import given
from hypothesis import strategies as st

from reconciler.client import Workflow, get_client
from reconciler.client import responses as reading
from reconciler.client.exceptions import UnreadableAnswerError
from reconciler.client.responses import NotJsonAnswerError, parse_answer
from reconciler.errors import ReconcilerError, UnexpectedAnswerError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def _asked(reply: Reply, ask: Any, **options: Any) -> object:
    """Return what `ask` makes of a client whose every request is answered so."""
    options.setdefault("retry", one_try())
    with RawServer(reply) as raw, client(raw.url, **options).session as session:
        return ask(get_client(session))


def _resources(api: Workflow) -> object:
    return api.list_resources()


@given(_JSON)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    """What is JSON comes through unchanged."""
    assert parse_answer(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_junk_is_our_error_or_json(data: bytes) -> None:
    """Whatever bytes come: a JSON value or our error, and nothing else."""
    with suppress(UnexpectedAnswerError):
        parse_answer(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"<html>",
        b"{",
        b'{"a": 1} x',
        b"\xff",
        b'{"a": NaN}',
        b"-Infinity",
        b"1e999",
        b'"\xed\xa0\x80"',
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        "{}".encode("utf-16"),
        b"1" * 5000,
    ],
)
def test_what_is_not_strict_json(data: bytes) -> None:
    """NaN, infinity, a repeated key, other encodings and trailing words are no JSON."""
    with pytest.raises(NotJsonAnswerError, match="not JSON"):
        parse_answer(data)


@pytest.mark.parametrize("depth", [101, 10_000, 1_000_000])
def test_depth_is_bounded(depth: int) -> None:
    """An answer that is nested too deeply is refused, however deep it is."""
    with pytest.raises(UnexpectedAnswerError, match="nested too deeply"):
        parse_answer(b"[" * depth + b"]" * depth)
    assert parse_answer(b"[" * 100 + b"]" * 100)


@pytest.mark.parametrize("encoding", ["gzip", "identity", ""])
def test_compressed_answers(encoding: str) -> None:
    """An answer may come compressed in the way that was offered."""
    body = json.dumps([{"id": 1}]).encode()
    data = gzip.compress(body) if encoding == "gzip" else body
    assert _asked(http(200, data, Content_Encoding=encoding), _resources) == [{"id": 1}]


def test_chunked_answers() -> None:
    """An answer may come in chunks, without a length."""
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[{\r\n2\r\n}]\r\n0\r\n\r\n"
    assert _asked(Reply(whole), _resources) == [{}]
    with pytest.raises(UnexpectedAnswerError, match="cut off"):
        _asked(Reply(whole[:-15], keep=False), _resources)


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer beyond the limit is refused, also one that is small only while it is compressed."""
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    with pytest.raises(
        UnexpectedAnswerError, match=r"GET .*/resources: the answer is larger than 1,000 bytes"
    ):
        _asked(http(200, b" " * 1001), _resources)
    bomb = gzip.compress(b" " * 1_000_000)
    with pytest.raises(UnexpectedAnswerError, match="larger than"):
        _asked(http(200, bomb, Content_Encoding="gzip"), _resources)
    assert _asked(http(200, b" " * 996 + b"[{}]"), _resources) == [{}]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http(200, b"[]", Content_Encoding="br"), "compression"),
        (http(200, b"[]", Content_Encoding="gzip, gzip"), "compression"),
        (http(200, b"junk", Content_Encoding="gzip"), "cut off"),
        (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{}]", keep=False), "cut off"),
        (http(200, b""), "not JSON"),
        (http(204, b""), "not JSON"),
        (http(200, {}), "not a list"),
        (http(200, [1]), "not an object"),
    ],
)
def test_successes_that_are_none(reply: Reply, words: str) -> None:
    """A success whose body is not what was promised is an unexpected answer, with method, path and reason."""
    with pytest.raises(UnexpectedAnswerError, match=rf"GET /workflows/api/v1/resources.*{words}"):
        _asked(reply, _resources)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"SMTP ready\r\n", keep=False),
        Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n[]", keep=False),
        Reply(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n[]", keep=False),
        Reply(b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n[]", keep=False),
        Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", keep=False),
    ],
    ids=["no HTTP", "two lengths", "many headers", "long line", "no chunk"],
)
def test_answers_that_are_no_http(reply: Reply) -> None:
    """What breaks the rules of HTTP ends in our errors, too."""
    with pytest.raises(ReconcilerError, match="GET /workflows/api/v1/resources"):
        _asked(reply, _resources)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"pageCount": 1},
        {"pageCount": 1, "workflows": {}},
        {"pageCount": 1, "workflows": [1]},
        {"pageCount": 1, "workflows": [{"id": 1}]},
        {"pageCount": 1, "workflows": [{"name": "x"}]},
        {"pageCount": 1, "workflows": [{"id": True, "name": "x"}]},
        {"pageCount": 1, "workflows": [{"id": "1", "name": "x"}]},
        {"pageCount": 1, "workflows": [{"id": 1, "name": None}]},
        {"pageCount": True, "workflows": []},
        {"pageCount": -1, "workflows": []},
        {"pageCount": 1.0, "workflows": []},
        {"pageCount": 10**6, "workflows": []},
        {"workflows": []},
    ],
)
@pytest.mark.parametrize("iterator", [True, False])
def test_lists_of_another_shape(answer: object, iterator: bool) -> None:
    """A page that is none is an error and never an empty list: absent is what the server says is absent."""
    with pytest.raises(UnexpectedAnswerError):
        _asked(http(200, answer), lambda api: list(api.list_workflows(return_iterator=iterator)))


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"name": 1, "steps": {}},
        {"name": None, "steps": {}},
        {"name": "x", "steps": []},
    ],
)
def test_descriptions_of_another_shape(answer: object) -> None:
    """A described workflow has a name, and its steps are an object, or it is none."""
    with pytest.raises(UnexpectedAnswerError):
        _asked(http(200, answer), lambda api: api.describe_workflow(1))


@pytest.mark.parametrize("answer", [{"id": 1, "name": "x"}, {"id": 1, "name": "x", "steps": None}])
def test_a_draft_without_steps(answer: object) -> None:
    """A workflow without steps can be described; patched it cannot be, for that would send none back."""
    assert _asked(http(200, answer), lambda api: api.describe_workflow(1)) == answer
    with pytest.raises(UnexpectedAnswerError, match="no `steps`"):
        _asked(http(200, answer), lambda api: api.patch_workflow(1, name="y"))


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.get_default_resource(),
        lambda api: api.get_execution_details(1, "e"),
        lambda api: api.list_executions(1, return_iterator=False),
        lambda api: api.get_execution_logs(1, "e", "s"),
    ],
)
def test_other_answers_of_another_shape(ask: Any) -> None:
    """What is documented as an object is one."""
    with pytest.raises(UnexpectedAnswerError):
        _asked(http(200, []), ask)


@pytest.mark.parametrize("answer", [[], {}, {"id": None}, {"id": "x"}, {"id": True}])
def test_a_write_that_returns_no_id(answer: object) -> None:
    """A create or update whose answer lacks the ID has probably taken effect all the same."""
    for ask in (lambda api: api.create_workflow({}), lambda api: api.update_workflow(1, {})):
        with pytest.raises(UnreadableAnswerError, match="probably taken effect"):
            _asked(http(200, answer), ask)


@pytest.mark.parametrize("reply", [http(200, b""), http(204, b""), http(202, b" \n"), http(200, {})])
def test_empty_successes(reply: Reply) -> None:
    """An empty answer is enough for delete, pause and resume, and for nothing else."""
    for ask in (
        lambda api: api.delete_workflow(1),
        lambda api: api.pause_workflow(1),
        lambda api: api.resume_workflow(1),
    ):
        assert _asked(reply, ask) == {}
    for ask in (lambda api: api.create_workflow({}), lambda api: api.describe_workflow(1)):
        with pytest.raises(UnexpectedAnswerError):
            _asked(reply, ask)
