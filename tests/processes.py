"""The command line as a process of its own, and a machine without credentials, for every kind of test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "reconciler"]
IMPATIENT = [
    *COMMAND[:3],
    "-c",
    "import time; time.sleep = lambda seconds: None; from reconciler.cli import main; main()",
]
"""The same, where sleeping takes no time."""

_CONNECTION = ("PEAK_AUTH_TOKEN", "API_KEY", "PEAK__STAGE", "STAGE", "PEAK_API_URL", "NETRC")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def kept_environment(*names: str) -> dict[str, str]:
    """Return those variables of this process that one of its own needs: `names`, else the usual ones."""
    return {
        name: os.environ[name]
        for name in names or ("PATH", "HOME", "LANG", "PYTHONPATH")
        if name in os.environ
    }


def bare_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Take away whatever leads to a tenant or around it; the home directory is `home`."""
    for name in (*_CONNECTION, *_PROXIES, *_BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(home))
