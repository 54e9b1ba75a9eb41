"""Generator of realistic manifests: three to five steps, about two kilobytes each."""

from __future__ import annotations

import random
from pathlib import Path

_STEP = """\
    {name}:
      type: standard
      imageId: {image}
      imageVersionId: {version}
      command: python {name}.py --workflow {workflow} --days {days}
      resources:
        instanceTypeId: {instance}
        storage: 20GB
      stepTimeout: 3600
      repository:
        url: https://github.com/example-org/{workflow}
        branch: main
        token: repository-credential
      parameters:
        env:
          SOURCE: warehouse
          REGION: region-{image}
        secrets:
          - WAREHOUSE_PASSWORD
      outputParameters:
        rows: rows-{number}.txt
{parents}"""

_HEAD = """\
# {workflow}: generated for a benchmark
body:
  name: {workflow}
  tags:
    - name: team-{team}
    - name: nightly
  triggers:
    - cron: "{minute} {hour} * * *"
  watchers:
    - user: team-{team}@example.com
      events:
        success: false
        fail: true
  retryOptions:
    duration: 10
    numberOfRetries: 2
  steps:
"""


def write_manifests(folder: Path, count: int, seed: int = 0) -> int:
    """Write `count` manifests into `folder`, a hundred to a directory, and return their size in bytes."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    size = 0
    for number in range(count):
        text = manifest_text(number, chance)
        file = folder / f"team-{number // 100:03}" / f"workflow-{number:05}.yaml"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text, encoding="utf-8")
        size += len(text)
    return size


def write_templates(folder: Path, count: int, seed: int = 0) -> None:
    """Write the same manifests as templates, with parameters, a loop and an include.

    Each reads `region`, `storage` and `tags` of the parameters.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    for number in range(count):
        file = folder / f"team-{number // 100:03}" / f"workflow-{number:05}.yaml.j2"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(_as_template(manifest_text(number, chance)), encoding="utf-8")
        (file.parent / "repository.inc").write_text("branch: {{ branch }}\ntoken: repository-credential\n")


def _as_template(text: str) -> str:
    replaced = {
        "20GB": "{{ storage }}",
        "region-": "{{ region }}-",
        "branch: main\n        token: repository-credential": "{% include 'repository.inc' %}",
        "    - name: nightly\n": "{% for tag in tags %}\n    - name: {{ tag }}\n{% endfor %}\n",
    }
    for literal, expression in replaced.items():
        text = text.replace(literal, expression)
    return text


def manifest_text(number: int, chance: random.Random) -> str:
    """Return the text of one manifest."""
    workflow = f"workflow-{number:05}"
    text = _HEAD.format(workflow=workflow, team=number % 7, minute=number % 60, hour=number % 24)
    names = ["load", "clean", "train", "score", "publish"][: chance.randint(3, 5)]
    for index, name in enumerate(names):
        parents = f"      parents:\n        - {names[index - 1]}\n" if index else ""
        text += _STEP.format(
            name=name,
            number=index,
            workflow=workflow,
            image=chance.randint(1, 40),
            version=chance.randint(1, 400),
            days=chance.randint(1, 90),
            instance=chance.randint(1, 20),
            parents=parents,
        )
    return text
