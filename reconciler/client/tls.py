"""Certificates that a connection trusts: those of the machine, or a bundle of one's choice."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

if sys.platform in {"darwin", "win32"}:
    import truststore


def trusted_certificates(bundle: bool | str) -> ssl.SSLContext:
    """Return the context of connections over https; reading it takes a while, so they share it.

    Args:
        bundle: A file or a directory of certificates (`REQUESTS_CA_BUNDLE`), which alone are trusted; true
            for those in the machine's own store, where a company adds its own, and those of `requests`.

    Raises:
        OSError: The bundle does not exist, or has no certificate.
    """
    if isinstance(bundle, str):
        if not Path(bundle).exists():
            raise OSError(f"the CA bundle does not exist: {bundle}")
        context = create_urllib3_context()
        if Path(bundle).is_dir():
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
        return context
    context = _of_the_machine()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _of_the_machine() -> ssl.SSLContext:
    """Return a context that trusts what the machine trusts.

    On Linux the store is what OpenSSL reads by itself (also `SSL_CERT_FILE`, `SSL_CERT_DIR`). That of macOS
    and Windows has its own interface; there, connections are opened one after another.
    """
    if sys.platform in {"darwin", "win32"}:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = create_urllib3_context()
    context.set_default_verify_paths()
    return context
