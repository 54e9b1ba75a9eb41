"""`peak-reconciler init`: a first configuration and an example manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from reconciler.cli.help import command_of
from reconciler.cli.terminal import show, warn
from reconciler.errors import ExitCode
from reconciler.files import place_files
from reconciler.operations import find_peak_folder
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

_FROM_PEAK: Final = """\
# Settings of peak-reconciler. Every key is optional; for all keys and their meaning, run:
# peak-reconciler schema configuration
version: 1
manifests: [{folder}]
{exclude}
# Renders every file as the peak client does, also .yaml: parameters, os_env.NAME, includes.
templates: peak

# The file that peak took with -v, or the values themselves; --params FILE and --param NAME=TEXT go over them.
{params}

# Owner of these workflows: tags what is applied; only tagged workflows are ever pruned.
# ownership: {{tag: my-team}}

# Tenants to choose from with --environment NAME, each with parameters of its own.
# environments:
#   dev: {{stage: dev, token_env: PEAK_DEV_TOKEN, params: params/dev.yaml}}
#   prod: {{token_env: PEAK_PROD_TOKEN, params: params/prod.yaml, protected: true}}
"""

_FILES: Final = {"reconciler.yaml": _CONFIGURATION, "workflows/example.yaml": EXAMPLE}


@command_of(
    "init",
    examples=(
        ("init", "Start in the current directory"),
        ("init --from-peak", "Keep a folder of files for the peak client as it is"),
    ),
)
@click.argument(
    "directory", metavar="[DIRECTORY]", type=click.Path(file_okay=False, path_type=Path), default=Path()
)
@click.option(
    "--from-peak",
    "peak_folder",
    metavar="[FOLDER]",
    is_flag=False,
    flag_value="",
    help="Write only reconciler.yaml, for a FOLDER of files for the peak client, templates or not; without "
    "FOLDER, the one that is found in DIRECTORY.",
)
def command(*, directory: Path, peak_folder: str | None) -> int:
    """Write a first reconciler.yaml and an example manifest into DIRECTORY, by default the current one.

    Writes nothing when one of the files exists already. To manage the workflows that a tenant has, run adopt
    next: it writes their manifests and removes the unchanged example.

    With --from-peak, files for the peak client stay as they are: reconciler.yaml says where they are, and has
    them rendered as that client does.
    """
    files = _FILES if peak_folder is None else {"reconciler.yaml": _for_peak(directory, peak_folder)}
    paths = place_files(directory, files, hint="Nothing was written.")
    show("\n".join(printable(str(path)) for path in paths))
    there = "" if directory == Path() else f"in {printable(str(directory))}, "
    warn(
        f"next: {there}run peak-reconciler validate; to manage the workflows that a tenant has: "
        "peak-reconciler adopt"
    )
    return ExitCode.OK


def _for_peak(directory: Path, folder: str) -> str:
    """Return the configuration for a folder of files for the public client."""
    found = find_peak_folder(directory, folder)
    exclude = "".join(f"  - {json.dumps(name)}\n" for name in found.other)
    params = [f"params: {json.dumps(name)}" for name in found.parameters] or ["params: params.yaml"]
    return _FROM_PEAK.format(
        folder=json.dumps(found.path),
        exclude=f"exclude: # no workflows\n{exclude}" if exclude else "",
        params="\n".join(f"# {line}" for line in params),
    )
