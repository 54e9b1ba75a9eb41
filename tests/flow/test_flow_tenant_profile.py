"""The profile of a tenant in use: `validate` warns of what the tenant of the environment does not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flow_helpers import Ended

from reconciler.tenant_profile import Behaviour, TenantProfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST = """\
body:
  name: daily
  tags:
    - name: a-tag-that-is-longer-than-twenty-characters
  retryOptions: {duration: 7}
  steps:
    load:
      imageId: 1
      imageVersionId: 2
      command: python load.py
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, with a manifest and two environments, one of which has a profile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text(
        "manifests: [workflows]\nenvironments:\n  dev: {profile: dev/tenant-profile.yaml}\n  test: {}\n"
    )
    for name in ("workflows", "dev"):
        (tmp_path / name).mkdir()
    (tmp_path / "workflows" / "daily.yaml").write_text(MANIFEST)
    return tmp_path


def _profile(folder: Path, **found: tuple[str, ...]) -> None:
    profile = TenantProfile(
        found={name.replace("_", "-"): Behaviour(values=values) for name, values in found.items()}
    )
    profile.write(folder / "dev" / "tenant-profile.yaml")


def test_what_a_tenant_does_not_keep(folder: Path, typed: Callable[..., Ended]) -> None:
    """Each value that the tenant changes is a warning at its line; another environment has none."""
    _profile(folder, tag_length_cut=("20",), numbers_rounded=("10",), token_masked=(), put_merges=())
    ended = typed("validate", "--environment", "dev")
    assert ended.code == 0, ended.out
    assert "daily.yaml:4:" in ended.out
    assert "tags are cut to 20 characters" in ended.out
    assert "daily.yaml:5:" in ended.out
    assert "rounded up to a multiple of 10" in ended.out
    assert "2 warnings" in ended.out
    assert typed("validate", "--environment", "dev", "--strict").code == 3
    assert "no problems found" in typed("validate", "--environment", "test").out


def test_what_a_tenant_refuses(folder: Path, typed: Callable[..., Ended]) -> None:
    """A workflow that the tenant would refuse has one warning."""
    _profile(folder, tag_length_refused=("20",))
    ended = typed("validate", "--environment", "dev")
    assert "a tag of more than 20 characters is refused" in ended.out
    assert "1 warning" in ended.out


def test_a_profile_that_is_not_there(folder: Path, typed: Callable[..., Ended]) -> None:
    """A profile that cannot be read is an error that names the file; one outside is refused."""
    ended = typed("validate", "--environment", "dev")
    assert (ended.code, "dev/tenant-profile.yaml" in ended.err) == (3, True)
    text = (folder / "reconciler.yaml").read_text()
    (folder / "reconciler.yaml").write_text(text.replace("dev/tenant-profile.yaml", "../other.yaml"))
    assert typed("validate", "--environment", "dev").code == 3
