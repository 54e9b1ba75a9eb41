from __future__ import annotations

import pickle
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from client_helpers import BODY, TOKEN, RawServer, client, http, one_try
from hypothesis import given
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.client import Session, Workflow, get_client
from reconciler.client.credentials import Token, is_loopback_http, is_safe_url
from reconciler.client.exceptions import (
    MissingEnvironmentVariableException,
    NotSentError,
    ReadOnlyError,
    UnauthorizedException,
)
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidParameterException, ReconcilerError

_LOOPBACK = "http://127.0.0.1:1"


def _sent_token(**options: Any) -> str:
    with RawServer(http(200, [])) as raw, Session(base_url=raw.url, **options) as session:
        get_client(session).list_resources()
        return raw.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("given_token", "env", "sent"),
    [
        ("given-1", {"PEAK_AUTH_TOKEN": "peak-2", "API_KEY": "key-3"}, "given-1"),
        (None, {"PEAK_AUTH_TOKEN": "peak-2", "API_KEY": "key-3"}, "peak-2"),
        (None, {"API_KEY": "key-3"}, "key-3"),
        (None, {"PEAK_AUTH_TOKEN": "", "API_KEY": "key-3"}, "key-3"),
        ("Bearer abc.def", {}, "Bearer abc.def"),
        ("clé-à-clé", {}, "clé-à-clé"),
    ],
)
def test_where_the_token_comes_from(given_token: str | None, env: dict[str, str], sent: str) -> None:
    """The given token goes first, then `PEAK_AUTH_TOKEN`, then `API_KEY`; it is sent exactly as it is."""
    assert _sent_token(auth_token=given_token, env=env) == sent


@pytest.mark.parametrize("env", [{}, {"PEAK_AUTH_TOKEN": "", "API_KEY": ""}])
def test_without_a_token(env: dict[str, str]) -> None:
    """Without a token there is no session, and the variables that may hold it are named."""
    with pytest.raises(MissingEnvironmentVariableException, match="PEAK_AUTH_TOKEN or API_KEY"):
        Session(env=env)


@pytest.mark.parametrize(
    "token",
    [
        "",
        " secret1",
        "secret1 ",
        "secret1\n",
        "sec\r\nX: ret1",
        "secret1\x00",
        "secret1\x7f",
        "secret1\u2028",
        "secret1€",
        "secret1" + chr(0xD800),
        "secret1" * 3000,
    ],
)
def test_tokens_that_no_header_can_carry(token: str) -> None:
    """A token with a line break, a control character or beyond Latin-1 is refused, and not quoted."""
    with pytest.raises(InvalidParameterException) as caught:
        Session(token, env={})
    assert "ret1" not in "".join(traceback.format_exception(caught.value))


@given(st.text())
def test_any_text_is_a_token_or_refused(token: str) -> None:
    """Whatever the text: a token that a header can carry, or our error."""
    try:
        made = Token(token)
    except InvalidParameterException:
        return
    assert token.encode("latin-1")
    assert repr(made) == "Token(…)"


def test_netrc_does_not_replace_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An entry of `~/.netrc` for the same host changes nothing, for the API and for a download."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert _sent_token(auth_token=TOKEN, env={}) == TOKEN
    with RawServer(http(200, b"log")) as raw, Session(TOKEN, base_url=raw.url, env={}) as session:
        session.download(f"{raw.url}/file", lambda _response, _tick: None)
        assert "authorization" not in raw.requests[0].headers


@pytest.mark.parametrize(
    ("stage", "env", "url"),
    [
        (None, {}, "https://service.peak.ai"),
        ("prod", {"PEAK__STAGE": "dev"}, "https://service.peak.ai"),
        (None, {"PEAK__STAGE": "dev", "STAGE": "beta"}, "https://service.dev.peak.ai"),
        (None, {"PEAK__STAGE": "", "STAGE": "beta"}, "https://service.beta.peak.ai"),
        ("latest", {}, "https://service.dev.peak.ai"),
        ("test", {}, "https://service.test.peak.ai"),
        ("parvati", {}, "https://service.parvati.peak.ai"),
        ("dev", {"PEAK_API_URL": "https://proxy.example/peak/"}, "https://proxy.example/peak"),
        ("dev", {"PEAK_API_URL": ""}, "https://service.dev.peak.ai"),
    ],
)
def test_where_requests_go(stage: str | None, env: dict[str, str], url: str) -> None:
    """The stage, given or from the environment, makes the address; `PEAK_API_URL` replaces it."""
    with Session(TOKEN, stage, env=env) as session:
        assert session.base_url == url
        assert (session.stage == stage) or stage is None


def test_a_given_address_goes_before_the_environment() -> None:
    """`base_url` wins over `PEAK_API_URL`, and a path of its own is kept."""
    with RawServer(http(200, [])) as raw:
        env = {"PEAK_API_URL": "https://elsewhere.example"}
        with Session(TOKEN, base_url=f"{raw.url}/peak/", env=env) as session:
            get_client(session).list_resources()
        assert raw.requests[0].target == "/peak/workflows/api/v1/resources"


@pytest.mark.parametrize("stage", ["production", "PROD", "", "dev.evil.example/"])
def test_unknown_stages(stage: str) -> None:
    """An unknown stage is refused with the known ones, before it could become a host name."""
    with pytest.raises(InvalidParameterException, match="prod, dev, latest, test, beta, parvati"):
        Session(TOKEN, stage, env={})


@pytest.mark.parametrize(
    "url",
    [
        "https://service.peak.ai",
        "HTTPS://Service.Peak.AI:8443/base",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://127.9.9.9:1",
        "http://[::1]:8080",
    ],
)
def test_addresses_that_the_token_may_go_to(url: str) -> None:
    """The token goes to https anywhere, http to loopback only."""
    Session(TOKEN, base_url=url, env={}).close()


@pytest.mark.parametrize(
    "url",
    [
        "http://service.peak.ai",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://localhost@example.com",
        "http://localhost\\@example.com",
        "http://127.0.0.1:80@example.com",
        "https://user:hidden-password@example.com",
        "https://example.com?token=hidden-password",
        "https://example.com#x",
        "https://exam ple.com",
        "https://example.com\nX: y",
        "https://example.com:99999",
        "https://",
        "ftp://localhost",
        "localhost:8080",
        "",
    ],
)
def test_addresses_that_it_may_not_go_to(url: str) -> None:
    """Anything else is refused before any request, without a word of what it was."""
    chances: list[dict[str, Any]] = [{"base_url": url, "env": {}}, {"env": {"PEAK_API_URL": url}}]
    for options in chances:
        if url or "base_url" in options:
            with pytest.raises(InvalidParameterException) as caught:
                Session(TOKEN, **options)
            assert "hidden" not in caught.value.message
            assert ("base_url" in options) == ("base_url" in caught.value.message)


@given(st.text() | st.from_regex(r"https?://[^ ]{0,30}"))
def test_any_address_is_judged(url: str) -> None:
    """Whatever the text: it is safe or not, and what is safe is https or loopback."""
    if is_safe_url(url):
        assert url.lower().startswith("https:") or is_loopback_http(url)


def test_nothing_is_asked_before_it_is_needed(server: EmulatorServer) -> None:
    """Making and closing a session sends nothing; neither is there telemetry after a request."""
    with client(server.url).session as session:
        assert server.requests == []
        get_client(session).list_resources()
    assert [request.path for request in server.requests] == ["/workflows/api/v1/resources"]


def test_own_user_agent() -> None:
    """Requests say who sends them, and no cookie goes along."""
    reply = http(200, [], Set_Cookie="session=abc; Path=/")
    with RawServer(reply) as raw, client(raw.url).session as session:
        get_client(session).list_resources()
        get_client(session).list_resources()
    assert [request.headers["user-agent"] for request in raw.requests] == [
        f"peak-reconciler/{__version__}"
    ] * 2
    assert all("cookie" not in request.headers for request in raw.requests)


def test_connections_are_reused() -> None:
    """Requests one after the other go over one connection, refused ones among them."""
    replies = [http(200, []), http(404, {}), http(200, {"id": 1}), http(200, [])]
    with RawServer(*replies) as raw, client(raw.url).session as session:
        api = get_client(session)
        api.list_resources()
        with pytest.raises(ReconcilerError):
            api.describe_workflow(1)
        api.create_workflow(BODY)
        api.list_resources()
        assert (len(raw.requests), raw.connections) == (4, 1)


def test_many_threads_share_a_session(server: EmulatorServer) -> None:
    """A session serves many threads at once, each with its own answers."""
    with client(server.url, pool_size=8).session as session, ThreadPoolExecutor(8) as pool:
        api = get_client(session)
        names = [f"w{number}" for number in range(40)]
        ids: Any = list(pool.map(lambda name: api.create_workflow({**BODY, "name": name})["id"], names))
        assert [found["name"] for found in pool.map(api.describe_workflow, ids)] == names


def test_read_only_refuses_every_write(server: EmulatorServer, api: Workflow) -> None:
    """Through a read-only session only GETs go; a write is refused before anything is sent."""
    identity: Any = api.create_workflow(BODY)["id"]
    view = api.session.as_read_only()
    reader = get_client(view)
    server.clear_requests()
    writes: list[Any] = [
        lambda: reader.create_workflow(BODY),
        lambda: reader.create_or_update_workflow(BODY),
        lambda: reader.update_workflow(identity, BODY),
        lambda: reader.patch_workflow(identity, name="x"),
        lambda: reader.delete_workflow(identity),
        lambda: reader.pause_workflow(identity),
        lambda: reader.resume_workflow(identity),
        lambda: reader.execute_workflow(identity),
        lambda: view.request("PATCH", "x"),
        lambda: view.request("get", "x"),
    ]
    for write in writes:
        with pytest.raises(ReadOnlyError, match="nothing was sent"):
            write()
    assert {request.method for request in server.requests} == {"GET"}
    assert reader.describe_workflow(identity)["name"] == "alpha"
    assert (view.read_only, api.session.read_only) == (True, False)


def test_a_read_only_view_shares_the_connections() -> None:
    """The view uses the session's connections, and closing it leaves them open."""
    with RawServer(http(200, [])) as raw, client(raw.url).session as session:
        get_client(session).list_resources()
        with session.as_read_only() as view:
            get_client(view).list_resources()
        get_client(session).list_resources()
        assert (len(raw.requests), raw.connections) == (3, 1)


def test_a_session_may_be_read_only_from_the_start() -> None:
    """`read_only` makes a session that never writes."""
    with Session(TOKEN, base_url=_LOOPBACK, env={}, read_only=True) as session, pytest.raises(ReadOnlyError):
        get_client(session).delete_workflow(1)


def test_loopback_goes_past_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is for loopback over http is given to no proxy: it would see the token."""
    with RawServer(http(200, [])) as raw, RawServer(http(200, [])) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with client(raw.url).session as session:
            get_client(session).list_resources()
        assert (len(raw.requests), len(proxy.requests)) == (1, 0)


def test_https_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for https is asked for a tunnel, and never hears the token; refused, nothing was sent."""
    with RawServer(http(403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        session = Session(TOKEN, env={}, retry=one_try())
        with session, pytest.raises(NotSentError, match="nothing was sent"):
            get_client(session).create_workflow(BODY)
        assert [(r.method, r.target) for r in proxy.requests] == [("CONNECT", "service.peak.ai:443")]
        assert TOKEN not in repr(proxy.requests)


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be reached was sent nothing."""
    with RawServer(http(200)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    session = Session(TOKEN, env={}, retry=one_try())
    with session, pytest.raises(NotSentError, match="no connection could be made"):
        get_client(session).create_workflow(BODY)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:s3cret@[::1",
        "http://user:s3cret@host:port",
        "http://user:s3cret\u2603@127.0.0.1:9",
        "ftp://user:s3cret@host",
        "user:s3cret@127.0.0.1:9",
    ],
)
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """An address that is no proxy's is named as the cause, without its password, and nothing was sent."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    session = Session(TOKEN, env={})
    with session, pytest.raises(NotSentError, match="; nothing was sent") as caught:
        get_client(session).create_workflow(BODY)
    assert "HTTPS_PROXY" in caught.value.hint
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_ca_bundle_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment's CA bundle is used: one that cannot be read is an error before anything is sent."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    session = Session(TOKEN, base_url="https://localhost:1", env={})
    with session, pytest.raises(NotSentError, match=r"missing\.pem"):
        get_client(session).create_workflow(BODY)


def test_the_token_is_nowhere_to_be_seen(server: EmulatorServer) -> None:
    """No text form of a session or of what it holds shows the token, and no traceback does."""
    server.faults = ("401",)
    with client(server.url).session as session:
        with pytest.raises(UnauthorizedException) as caught:
            get_client(session).list_resources()
        shown = [
            repr(session),
            str(session),
            repr(session.as_read_only()),
            repr(vars(session)),
            repr(Token(TOKEN)),
        ]
        shown += traceback.format_exception(caught.value)
    assert TOKEN not in "".join(shown)
    assert "127.0.0.1" in repr(session)


def test_a_session_is_not_to_be_copied_to_disk() -> None:
    """A session cannot be pickled, so that its token ends in no file."""
    with Session(TOKEN, env={}) as session, pytest.raises(TypeError):
        pickle.dumps(session)


def test_spoke_question_is_asked_once() -> None:
    """Whether the tenant is a spoke is asked once, also by many threads and through a view."""
    with EmulatorServer(profile=frozenset({"spoke"})) as server, client(server.url).session as session:
        barrier = threading.Barrier(4)

        def ask(number: int) -> str | None:
            barrier.wait()
            return (session if number % 2 else session.as_read_only()).spoke_domain

        with ThreadPoolExecutor(4) as pool:
            domains = set(pool.map(ask, range(4)))
        assert len(server.requests) == 1
    assert len(domains) == 1
    assert domains != {None}


def test_spoke_question_is_asked_again_after_a_failure(server: EmulatorServer, api: Workflow) -> None:
    """A failed question has no answer that could be kept."""
    server.faults = ("403:x1",)
    with pytest.raises(ReconcilerError, match="403"):
        _ = api.session.spoke_domain
    assert api.session.spoke_domain is None


@pytest.mark.parametrize(
    ("date", "time"),
    [("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000.0), ("soon", None), ("", None)],
)
def test_the_time_of_the_server(date: str, time: float | None) -> None:
    """The `Date` of the last answer is the time of the server; one that is none says nothing."""
    with RawServer(http(200, [], Date=date)) as raw, client(raw.url).session as session:
        assert session.server_time() is None
        get_client(session).list_resources()
        assert session.server_time() == time


def test_a_key_for_what_this_machine_keeps() -> None:
    """It differs from token to token and from address to address, and is the same for the same ones."""
    keys = [
        Session(token, base_url=url, env={}).derived_key()
        for token in (TOKEN, TOKEN + "x")
        for url in (_LOOPBACK, "https://example.com")
    ]
    assert len(set(keys)) == 4
    assert Session(TOKEN, base_url=_LOOPBACK, env={}).derived_key() == keys[0]
