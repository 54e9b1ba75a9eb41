"""`peak-reconciler init`: a first configuration and an example manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.terminal import show, warn
from reconciler.exits import ExitCode
from reconciler.operations.new_files import place_files
from reconciler.text import printable

_CONFIGURATION: Final = """\
# What peak-reconciler works with here. Every key but version is optional; all of them, with what they mean:
# peak-reconciler schema configuration
version: 1
manifests: [workflows]

# Whose workflows these are: what is applied is marked so, and only what is marked is ever pruned.
# ownership: {tag: my-team}

# How much one apply may do.
# safety: {max_deletes: 3, max_delete_ratio: 0.3, max_change_ratio: 1.0}

# The tenants that --environment NAME chooses from. What writes to a protected one must name it.
# environments:
#   dev: {stage: dev, token_env: PEAK_DEV_TOKEN}
#   prod: {token_env: PEAK_PROD_TOKEN, protected: true}
"""

_MANIFEST: Final = """\
# A manifest is the whole truth of its workflow: the very file that peak workflows create-or-update takes.
body:
  name: example
  triggers:
    - cron: "0 6 * * *"
  steps:
    load:
      imageId: 1 # of your tenant, as are the versions
      imageVersionId: 1
      command: python load.py
      repository:
        url: https://github.com/example-org/example
        branch: main
    train:
      imageId: 1
      imageVersionId: 1
      command: python train.py
      parents:
        - load
"""

_FILES: Final = {"reconciler.yaml": _CONFIGURATION, "workflows/example.yaml": _MANIFEST}


@click.command(name="init")
@click.argument(
    "directory", metavar="[DIRECTORY]", type=click.Path(file_okay=False, path_type=Path), default=Path()
)
def command(*, directory: Path) -> int:
    """Write a first reconciler.yaml and an example manifest into DIRECTORY, else into this one.

    What is there already is never overwritten: then nothing is written. The workflows that a tenant has
    become manifests with export.
    """
    paths = place_files(directory, _FILES, hint="Nothing was written.")
    show("\n".join(printable(str(path)) for path in paths))
    there = "" if directory == Path() else f"in {printable(str(directory))}, "
    warn(
        f"next: {there}peak-reconciler validate; and for what is live: "
        "peak-reconciler export --all --out workflows"
    )
    return ExitCode.OK
