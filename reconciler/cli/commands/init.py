"""`peak-reconciler init`: a first configuration and an example manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.help import command_of
from reconciler.cli.terminal import show, warn
from reconciler.errors import ExitCode
from reconciler.files import place_files
from reconciler.text import printable

_CONFIGURATION: Final = """\
# Settings of peak-reconciler. Every key is optional; for all keys and their meaning, run:
# peak-reconciler schema configuration
version: 1
manifests: [workflows]

# Owner of these workflows: tags what is applied; only tagged workflows are ever pruned.
# ownership: {tag: my-team}

# Limits of one apply.
# safety: {max_deletes: 3, max_delete_ratio: 0.3, max_change_ratio: 1.0}

# Tenants to choose from with --environment NAME. Commands that write to a protected one must name it.
# environments:
#   dev: {stage: dev, token_env: PEAK_DEV_TOKEN}
#   prod: {token_env: PEAK_PROD_TOKEN, protected: true}
"""

EXAMPLE: Final = """\
# A manifest describes its workflow completely, in the format that peak workflows create-or-update takes.
body:
  name: example
  triggers:
    - cron: "0 6 * * *"
  steps:
    load:
      imageId: 1 # replace with an image and a version of your tenant
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

_FILES: Final = {"reconciler.yaml": _CONFIGURATION, "workflows/example.yaml": EXAMPLE}


@command_of("init")
@click.argument(
    "directory", metavar="[DIRECTORY]", type=click.Path(file_okay=False, path_type=Path), default=Path()
)
def command(*, directory: Path) -> int:
    """Write a first reconciler.yaml and an example manifest into DIRECTORY, by default the current one.

    Writes nothing when one of the files exists already. To manage the workflows that a tenant has, run adopt
    next: it writes their manifests and removes the unchanged example.
    """
    paths = place_files(directory, _FILES, hint="Nothing was written.")
    show("\n".join(printable(str(path)) for path in paths))
    there = "" if directory == Path() else f"in {printable(str(directory))}, "
    warn(
        f"next: {there}run peak-reconciler validate; to manage the workflows that a tenant has: "
        "peak-reconciler adopt"
    )
    return ExitCode.OK
