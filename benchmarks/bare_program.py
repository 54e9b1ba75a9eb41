"""The bare program: what a program must do at least, with the same libraries and nothing else.

    python benchmarks/bare_program.py parse FOLDER
    python benchmarks/bare_program.py list URL
    python benchmarks/bare_program.py plan FOLDER URL CONCURRENCY
    python benchmarks/bare_program.py apply FOLDER URL CONCURRENCY

`plan` parses manifests with `yaml.CSafeLoader`, lists the tenant and describes each workflow with one
`requests.Session`. `apply` then reads, writes and reads each of them once more. Nothing is compared.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

_TOKEN = "made-up-token-0123456789"  # noqa: S105 - of no tenant
_PAGE = 100


def parse(folder: str) -> list[dict[str, Any]]:
    """Return the bodies of all manifests in `folder`."""
    return [
        yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["body"]
        for file in sorted(Path(folder).rglob("*.yaml"))
    ]


class _Api:
    def __init__(self, url: str, concurrency: int) -> None:
        import requests  # noqa: PLC0415 - `parse` needs none

        self._base = f"{url}/workflows/api/v1/workflows/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = _TOKEN
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=concurrency)
        self._session.mount(self._base, adapter)

    def page(self, number: int) -> dict[str, Any]:
        answer = self._session.get(self._base, params={"pageSize": _PAGE, "pageNumber": number})
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        return page

    def describe(self, identity: int) -> dict[str, Any]:
        answer = self._session.get(f"{self._base}{identity}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def update(self, identity: int, body: dict[str, Any]) -> None:
        self.describe(identity)
        self._session.put(f"{self._base}{identity}", json=body).raise_for_status()
        self.describe(identity)


def _list(api: _Api, pool: ThreadPoolExecutor) -> list[dict[str, Any]]:
    first = api.page(1)
    others = pool.map(api.page, range(2, first["pageCount"] + 1))
    return [item for page in (first, *others) for item in page["workflows"]]


def main() -> None:
    """Do what the command line says."""
    what, *words = sys.argv[1:]
    if what == "parse":
        parse(*words)
        return
    folder, url, concurrency = words if what != "list" else ("", *words, "1")
    api = _Api(url, int(concurrency))
    bodies = {body["name"]: body for body in (parse(folder) if folder else ())}
    with ThreadPoolExecutor(int(concurrency)) as pool:
        listed = _list(api, pool)
        if what != "list":
            list(pool.map(api.describe, [item["id"] for item in listed]))
        if what == "apply":
            list(pool.map(lambda item: api.update(item["id"], bodies[item["name"]]), listed))


if __name__ == "__main__":
    main()
