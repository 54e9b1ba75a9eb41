"""Templates through the public client and through this package: the same file, the same body."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.manifests import ParameterLayer, Parameters, ReadOptions, load_manifests, read_parameter_file
from reconciler.templates import PEAK_TEMPLATES

_SDK_PYTHON = os.environ.get("PEAK_SDK_PYTHON")
_SCRIPT = """\
import json, sys
from peak.cli.helpers import template_handler
from peak.template import load_template
file, params_file, params = json.load(sys.stdin)
print(json.dumps(template_handler(file=file, params_file=params_file, params=params)["body"]))
"""

pytestmark = pytest.mark.skipif(
    not _SDK_PYTHON, reason="PEAK_SDK_PYTHON does not name an interpreter that has peak-sdk"
)

_PARAMS = {
    "name": "train",
    "image": 100,
    "team": "ds",
    "empty": None,
    "nested": {"cron": "0 0 * * *"},
}
_TEMPLATES = {
    "values": "body:\n  name: {{ name }}-{{ undefined }}\n  steps: {a: {imageId: {{ image }}}}\n",
    "nulls": "body:\n  name: {{ name }}\n  tags: {{ empty }}\n  steps: {a: {command: ~, imageId: 1}}\n",
    "nested": "body:\n  name: x\n  triggers:\n    - cron: '{{ nested.cron }}'\n  steps: {a: {imageId: 1}}\n",
    "os_env": "body:\n  name: {{ os_env.TEAM_NAME }}\n  steps: {a: {command: 'x {{ os_env.NOT_SET }}'}}\n",
    "loop": (
        "body:\n  name: x\n  steps:\n{% for i in range(3) %}\n    s{{ i }}:\n      imageId: {{ image + i }}\n"
        "{%- if i %}\n      parents: [s{{ i - 1 }}]\n{%- endif %}\n{% endfor %}\n"
    ),
    "include": "body:\n  name: x\n  steps:\n    a:\n      {% include 'parts/step.yaml.inc' %}\n    b: {}\n",
    "include-after-text": "body:\n  name: x\n  steps:\n    a: &s {% include 'parts/flow.inc' %}\n",
    "include-in-loop": (
        "body:\n  name: x\n  steps:\n{% for i in ['a', 'b'] %}\n    {{ i }}:\n"
        "      {% include './parts/step.yaml.inc' %}\n{% endfor %}\n"
    ),
    "include-twice-deep": "body:\n  name: x\n  steps:\n    a:\n      {% include 'parts/deep.inc' %}\n",
    "raw": "body:\n  name: x\n  steps: {a: {command: '{% raw %}{{payload}}{% endraw %}'}}\n",
    "filters": "body:\n  name: {{ name | upper }}\n  steps: {a: {command: {{ nested | tojson | tojson }}}}\n",
    "macro": (
        "{% macro step(n) %}{imageId: {{ n }}, command: run}{% endmacro %}\n"
        "body:\n  name: x\n  steps: {a: {{ step(1) }}, b: {{ step(image) }}}\n"
    ),
    "text-param": "body:\n  name: '{{ given }}'\n  steps: {a: {imageId: {{ given }}}}\n",
}
_PARTS = {
    "step.yaml.inc": "imageId: {{ image }}\ncommand: |\n  echo 1\n\n  echo {{ undefined }}\n",
    "flow.inc": "{imageId: 1,\ncommand: run}",
    "deep.inc": "imageId: 3\nparameters:\n  env:\n    {% include 'env.inc' %}\n",
    "env.inc": "A: '1'\nB: '{{ name }}'\n",
}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _client_body(file: Path, params_file: Path, params: list[str]) -> Any:
    call = json.dumps([file.name, params_file.name, params])
    env = {**os.environ, "TEAM_NAME": "ds"}
    words = [_SDK_PYTHON or "", "-c", _SCRIPT]
    done = subprocess.run(
        words, input=call, cwd=file.parent, env=env, capture_output=True, text=True, check=True
    )
    return _without_nulls(json.loads(done.stdout))


def _our_body(file: Path, params_file: Path, params: dict[str, str]) -> Any:
    layers = (read_parameter_file(params_file), ParameterLayer(values=dict(params), place="--param"))
    options = ReadOptions(templates=PEAK_TEMPLATES, parameters=Parameters().overridden_by(*layers))
    loaded = load_manifests((str(file),), {"TEAM_NAME": "ds"}, options)
    assert loaded.manifests or loaded.findings
    if not loaded.manifests:  # a body that the schema refuses is compared as well
        pytest.fail(str(loaded.findings))
    return loaded.manifests[0].body


@pytest.mark.parametrize("name", sorted(_TEMPLATES))
def test_templates_give_equal_bodies(tmp_path: Path, name: str) -> None:
    """Each template gives the same body through both, with parameters from a file and from options."""
    file, params_file = tmp_path / "flow.yaml", tmp_path / "params.yaml"
    file.write_text(_TEMPLATES[name])
    params_file.write_text(json.dumps(_PARAMS))
    for part, text in _PARTS.items():
        (tmp_path / "parts").mkdir(exist_ok=True)
        (tmp_path / "parts" / part).write_text(text)
    ours = _our_body(file, params_file, {"given": "12", "team": "ml"})
    assert ours == _client_body(file, params_file, ["given=12", "team=ml"])


def test_samples_give_equal_bodies(tmp_path: Path) -> None:
    """The client's own samples of workflows, with names made parameters, give the same body through both."""
    script = "import peak, pathlib; print(pathlib.Path(peak.__file__).parent)"
    package = subprocess.run([_SDK_PYTHON or "", "-c", script], capture_output=True, text=True, check=True)
    samples = Path(package.stdout.strip()) / "sample_yaml" / "resources" / "workflows"
    params_file = tmp_path / "params.yaml"
    params_file.write_text("name: from-file\nimage: 100\n")
    count = 0
    for sample in sorted(samples.glob("*create*workflow.yaml")) + sorted(samples.glob("workflow_*.yaml")):
        text = sample.read_text()
        first = next(line for line in text.splitlines() if line.startswith("  name: "))
        file = tmp_path / sample.name
        file.write_text(
            text.replace(first, "  name: {{ name }}").replace("imageId: 100", "imageId: {{ image }}")
        )
        assert _our_body(file, params_file, {"name": "typed"}) == _client_body(
            file, params_file, ["name=typed"]
        )
        count += 1
    assert count >= 7
