"""What the leak tests share: canaries in every place a secret can be, and the search for them."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from flow_helpers import rich

from reconciler.cli import main
from reconciler.client import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer


def _canary(place: str) -> str:
    """Return a secret that no program writes by chance, and that no encoding leaves as it is."""
    return f"canary/{place}+7%3f9a~=&<b>"


PLACES = (
    "api-token", "remember-key", "url",
    "env",
    "repository", "sql", "client-secret", "password", "api-key", "bearer",
    "old-repository", "old-sql", "old-client-secret", "old-password", "old-api-key", "old-bearer",
    "run-global", "run-step", "before",
)  # fmt: skip
"""The places that a secret can be in; those that begin with `old-` are of the live workflow before."""

CANARIES = {place: _canary(place) for place in PLACES}

GITHUB_TOKEN = "ghp_" + "Canary7f9aCanary7f9aCanary7f9aCanary"
"""A secret by its looks only, in a free text, in Git and live."""


def _forms(canary: str) -> Iterator[str]:
    """Yield how a secret may be written: plain, in JSON, in a URL, in base64 at any offset, in hex."""
    yield canary
    yield json.dumps(canary)[1:-1]
    yield quote(canary)
    yield quote(canary, safe="")
    yield quote_plus(canary)
    raw = canary.encode()
    yield raw.hex()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode()
        inner = whole[4 if offset else 0 : len(whole) - 4]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


FORMS = {
    form: place
    for place, canary in {**CANARIES, "looks-like-one": GITHUB_TOKEN}.items()
    for form in _forms(canary)
}


def found_in(text: str) -> list[str]:
    """Return the places whose secret is in `text`, in any form."""
    return sorted({place for form, place in FORMS.items() if form in text})


def secretive(prefix: str = "", **changes: Any) -> dict[str, Any]:
    """Return a workflow with a canary in every field that is a secret."""
    whole = rich("secretive", **changes)
    steps = whole["steps"]
    steps["load"]["repository"]["token"] = CANARIES[f"{prefix}repository"]
    steps["query"]["repository"]["token"] = CANARIES[f"{prefix}sql"]
    steps["tell"]["auth"]["clientSecret"] = CANARIES[f"{prefix}client-secret"]
    steps["basic"]["auth"]["password"] = CANARIES[f"{prefix}password"]
    steps["key"]["auth"]["apiKey"] = CANARIES[f"{prefix}api-key"]
    steps["bearer"]["auth"]["bearerToken"] = CANARIES[f"{prefix}bearer"]
    return whole


FROM_ENV = """\
body:
  name: from-env
  tags: [{name: !env CANARY_ENV}]
  steps:
    one:
      imageId: 100
      imageVersionId: 200
      command: !env CANARY_ENV
      parameters: {env: {A: !env {name: CANARY_ENV, default: x}, LOOKS: %s}}
"""


class Stage:
    """Git and a tenant full of canaries, commands run in this process, and all that they wrote.

    Args:
        server: The tenant.
        folder: An empty directory: the repository.
        capture: Takes what is written to the streams.
        patch: Sets the environment.
    """

    def __init__(
        self,
        server: EmulatorServer,
        folder: Path,
        capture: pytest.CaptureFixture[str],
        patch: pytest.MonkeyPatch,
    ) -> None:
        self.server = server
        self.folder = folder
        self.manifests = folder / "workflows"
        self.manifests.mkdir()
        self.said: list[str] = []
        self._capture = capture
        self._patch = patch
        self._inputs: set[Path] = set()
        defaults = RetryPolicy()._replace(sleep=lambda _: None)
        patch.setattr(RetryPolicy.__new__, "__defaults__", tuple(defaults))
        self.env(
            PEAK_API_URL=server.url,
            PEAK_AUTH_TOKEN=CANARIES["api-token"],
            RECONCILER_REMEMBER_KEY=CANARIES["remember-key"],
            CANARY_ENV=CANARIES["env"],
        )
        patch.chdir(folder)

    def env(self, **variables: str) -> None:
        """Set variables of the environment."""
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def put(self, name: str, text: str) -> Path:
        """Write a file that may hold canaries: an input."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self._inputs.add(path)
        return path

    def git(self, prefix: str = "", **changes: Any) -> None:
        """Write the manifests: one with a canary in every secret field, one that takes all from `!env`."""
        self.put("workflows/secretive.yaml", json.dumps({"body": secretive(prefix, **changes)}))
        self.put("workflows/from-env.yaml", FROM_ENV % GITHUB_TOKEN)

    def run(self, *words: str, stdin: str = "") -> int:
        """Run the command line and return its exit code; what it writes is kept."""
        self._capture.readouterr()
        reader, writer = os.pipe()
        os.write(writer, stdin.encode())
        os.close(writer)
        with pytest.MonkeyPatch.context() as patch, os.fdopen(reader) as answers:
            patch.setattr("sys.stdin", answers)
            with pytest.raises(SystemExit) as ended:
                main(list(words))
        out, err = self._capture.readouterr()
        self.said += [out, err]
        code = ended.value.code
        assert isinstance(code, int)
        assert "Traceback" not in out + err
        return code

    def written(self) -> Mapping[str, str]:
        """Return every file that is no input, with its name in its text."""
        return {
            str(path): f"{path}\n" + path.read_bytes().decode("utf-8", "replace")
            for path in self.folder.rglob("*")
            if path.is_file() and path not in self._inputs
        }

    def sent(self) -> str:
        """Return what the server was sent, as one text."""
        return "\n".join(json.dumps(request.body, ensure_ascii=False) for request in self.server.requests)

    def is_tight(self) -> None:
        """Check that no canary is in anything that was written, and that something was."""
        assert any(self.said)
        texts = {**{f"output {number}": text for number, text in enumerate(self.said)}, **self.written()}
        leaks = {name: found_in(text) for name, text in texts.items() if found_in(text)}
        assert leaks == {}, "\n".join(texts[name] for name in leaks)
