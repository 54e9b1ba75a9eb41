"""Page of the fields of a manifest, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.schema import STEP_TYPES, load_schema
from reconciler.values import as_object
from reference.markdown import code, head, text_page
from reference.schemas import schema_table

_INTRODUCTION: Final = """\
A file contains one or more YAML documents (or JSON), each with a workflow under `body:`, or bare. A
document can have `patch:` instead of `body:`. Both can have a sibling `reconcile:`, with settings for
the reconciler.

A manifest is the whole truth of its workflow: a field that it leaves out has the default below, or is
absent. `peak-reconciler schema manifest` prints all of this as a JSON Schema.

```yaml
reconcile:
  renamedFrom: [forecast]
  ignore: [steps.*.imageVersionId]
  whenRunning: wait
body:
  name: daily-forecast
  triggers:
    - cron: "0 6 * * *"
  watchers:
    - user: ops@example.com
      events: {fail: true}
  steps:
    load:
      imageId: 100
      imageVersionId: 200
      command: python load.py
    train:
      imageId: 100
      imageVersionId: 200
      command: python train.py
      parents: [load]
---
patch:
  name: someone-elses-workflow
  stepNames: [train]
  set:
    imageVersionId: 12
```
"""
_ELSEWHERE: Final = """\
## Values from elsewhere

- `!param NAME`, or `!param {name: NAME, default: VALUE}`: a parameter, of any type, from `--param`,
  `--params` or `params` in [`reconciler.yaml`](configuration.md). A dot leads into a mapping. One that is
  not set is an error; `default: null` leaves the key out.
- `!env NAME`, or `!env {name: NAME, type: TYPE, default: TEXT}`: the value of an environment variable, of
  type `string` (the default), `integer`, `number`, `boolean` or `json`. It is never shown, logged or saved.
  A variable that is empty counts as not set, and the default is taken: `default: ''` says that an empty
  text is intended. A missing value is a warning in `validate`; `plan` and `apply` need it for the workflows
  that they are about.
- `!file PATH`: the text of a file below the given directory, with `\\n` line ends.

Top-level keys that start with `x-` are ignored: a place for YAML anchors. Files are found by their endings
`.yaml`, `.yml` and `.json`, in any case. A file that looks like a manifest and is not read, such as
`train.yaml.bak`, is a warning, and blocks a prune of the workflows that it names.
"""


def page() -> str:
    """Return the page."""
    lines = head("Manifests", _INTRODUCTION)
    return text_page([*lines, *_workflow(), *_steps(), *_beside(), *_ELSEWHERE.splitlines()])


def _workflow() -> Iterator[str]:
    yield from ("## Workflow", "", "Below `body:`, or at the top of a bare document.", "")
    yield from schema_table(load_schema("workflow"), "workflow", leave=frozenset({"steps"}))


def _steps() -> Iterator[str]:
    parts = as_object(load_schema("workflow")["$defs"])
    for kind in STEP_TYPES:
        schema = as_object(parts[f"{kind}Step"])
        title = kind.upper() if kind in {"http", "sql"} else kind.capitalize()
        yield from (f"## {title} step", "", f"{schema['description']} Below `steps.<step>`.", "")
        yield from schema_table(schema, "workflow")


def _beside() -> Iterator[str]:
    for name, title in (("reconcile", "Settings"), ("patch", "Patch manifest")):
        schema = load_schema(name)
        yield from (f"## {title}", "", f"{schema['description']} Below {code(f'{name}:')}.", "")
        yield from schema_table(schema, name, leave=frozenset({"body.steps"}))
