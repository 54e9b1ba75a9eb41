"""Asks for known vulnerabilities of what is locked, and says so when there is nobody to be asked.

    python scripts/audit.py requirements.lock [--required]

pip-audit leaves out what is "not found", and a mirror may tell nothing of advisories: it would find nothing
wrong with anything. So a version that is known to be vulnerable is asked for first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import requests

_PROBE = "https://pypi.org/pypi/requests/2.19.0/json"
_SECONDS = 20


def main() -> int:
    """Ask, and return the exit code."""
    parser = argparse.ArgumentParser(description="Asks for known vulnerabilities of locked packages.")
    parser.add_argument("lock", nargs="+", help="requirement files with hashes")
    parser.add_argument("--required", action="store_true", help="fail where the advisories cannot be had")
    chosen = parser.parse_args()
    reason = _why_not()
    if reason:
        print(f"NOT AUDITED: the advisories of PyPI cannot be had from here ({reason})")
        return 1 if chosen.required else 0
    files = [word for lock in chosen.lock for word in ("--requirement", lock)]
    options = ("--require-hashes", "--disable-pip", "--strict", "--progress-spinner", "off")
    return subprocess.run([sys.executable, "-m", "pip_audit", *options, *files], check=False).returncode


def _why_not() -> str:
    try:
        answer = requests.get(_PROBE, timeout=_SECONDS)
        if answer.status_code != requests.codes.ok:
            return f"the answer is {answer.status_code}"
        return "" if answer.json()["vulnerabilities"] else "the answer has none"
    except (OSError, ValueError, KeyError, TypeError) as error:  # what requests raises is an OSError
        return type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
