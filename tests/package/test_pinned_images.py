"""Images that the project builds from or runs: each is named by a version or a digest that does not move."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]

_PINNED = re.compile(r"[^:@]+(:v?\d+\.\d+\.\d+[\w.-]*)?(@sha256:[0-9a-f]{64})?")


def _files(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / line for line in listed.splitlines()]


def _images(file: Path) -> list[str]:
    """Return the images that a file names."""
    text = file.read_text(encoding="utf-8")
    if file.name == "Dockerfile":
        named = re.findall(r"^(?:ARG \w*IMAGE=|FROM )(\S+)", text, re.MULTILINE)
        return [image for image in named if not image.startswith("${")]
    if file.name == "kustomization.yaml":
        return [
            f"{image['newName']}:{image['newTag']}"
            if "newTag" in image
            else f"{image['newName']}@{image['digest']}"
            for image in yaml.safe_load(text).get("images", [])
        ]
    return re.findall(r"IMAGE: \$CI_REGISTRY/(\S+)", text)


FILES = {
    str(file.relative_to(ROOT)): _images(file)
    for file in _files("*Dockerfile", "*kustomization.yaml", "*.gitlab-ci.yml")
    if _images(file)
}


def test_there_are_images() -> None:
    """The base image, the examples, git-sync and the pipeline are found."""
    assert len(FILES) >= 7
    assert sum("git-sync" in image for images in FILES.values() for image in images) == 2


@pytest.mark.parametrize("file", FILES)
def test_every_image_is_pinned(file: str) -> None:
    """A tag with three numbers, or a digest: `latest` or `3.12-slim` is another image next month."""
    for image in FILES[file]:
        found = _PINNED.fullmatch(image)
        assert found, image
        assert any(found.groups()), image


@pytest.mark.parametrize("page", ["container.md", "kubernetes.md"])
def test_the_guides_say_how_to_renew_an_image(page: str) -> None:
    """The guide names the very image of the files, and the command that prints its digest."""
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    (image,) = re.findall(r"imagetools inspect (\S+)", text)
    assert image in {named for images in FILES.values() for named in images}
