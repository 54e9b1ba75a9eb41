"""Certificates: those that the machine trusts and those of a bundle, over https on loopback."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
from client_helpers import TOKEN, RawServer, Reply, http, one_try

from reconciler.client import NotSentError, Session, get_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


class _HttpsServer(RawServer):
    """A server with a certificate of its own."""

    def __init__(self, certificate: Path, reply: Reply) -> None:
        super().__init__(reply)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "own.pem", certificate / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate of 127.0.0.1, which signs itself, also under the name for OpenSSL."""
    folder = tmp_path_factory.mktemp("certificates")
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names = ["-keyout", "key.pem", "-out", "own.pem", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *made.split(), *names], cwd=folder, check=True, capture_output=True)
    hashed = ["openssl", "x509", "-hash", "-noout", "-in", "own.pem"]
    name = subprocess.run(hashed, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    shutil.copy(folder / "own.pem", folder / f"{name}.0")
    return folder


@pytest.fixture(name="https")
def _https(certificate: Path) -> Iterator[RawServer]:
    with _HttpsServer(certificate, http(200, [])) as server:
        yield server


def _ask(server: RawServer) -> object:
    with Session(TOKEN, base_url=server.url, env={}, retry=one_try()) as session:
        return get_client(session).list_resources()


def test_a_certificate_that_nothing_vouches_for(https: RawServer) -> None:
    """A server with a certificate of its own gets no token, and the error says what to do."""
    with pytest.raises(NotSentError, match="certificate is not trusted") as caught:
        _ask(https)
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    assert https.requests == []


def test_what_the_machine_trusts_is_trusted(
    monkeypatch: pytest.MonkeyPatch, https: RawServer, certificate: Path
) -> None:
    """A certificate in the machine's store, as a company adds it, needs no variable of ours."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "own.pem"))
    assert _ask(https) == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("bundle", ["own.pem", "."])
def test_a_bundle_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, https: RawServer, certificate: Path, variable: str, bundle: str
) -> None:
    """A bundle of the environment is a file or a directory."""
    monkeypatch.setenv(variable, str(certificate / bundle))
    assert _ask(https) == []


def test_a_bundle_alone_is_trusted(
    monkeypatch: pytest.MonkeyPatch, https: RawServer, certificate: Path, tmp_path: Path
) -> None:
    """With a bundle, the machine's store does not count."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "own.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with pytest.raises(NotSentError, match="certificate is not trusted"):
        _ask(https)


def test_certificates_are_read_once(
    monkeypatch: pytest.MonkeyPatch, https: RawServer, certificate: Path, tmp_path: Path
) -> None:
    """Further connections and requests of a session read neither the environment nor the bundle again."""
    bundle = tmp_path / "bundle.pem"
    shutil.copy(certificate / "own.pem", bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Session(TOKEN, base_url=https.url, env={}, retry=one_try()) as session:
        get_client(session).list_resources()
        bundle.unlink()
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        assert get_client(session).list_resources() == []


def test_a_proxy_with_https(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """A proxy that is spoken to over https is trusted by the same certificates."""
    with _HttpsServer(certificate, http(403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for bundle, heard in [(os.curdir, []), (str(certificate / "own.pem"), ["CONNECT"])]:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
            with Session(TOKEN, env={}, retry=one_try()) as session, pytest.raises(NotSentError):
                get_client(session).list_resources()
            assert proxy.methods == heard
