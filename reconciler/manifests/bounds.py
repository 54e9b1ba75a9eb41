"""Limits on manifests: sizes, nesting, aliases and documents."""

MAX_FILES = 100_000
"""Manifest files below the paths of one check."""

MAX_FILE_BYTES = 10 * 1024 * 1024
"""Bytes of one manifest file."""

MAX_INCLUDED_BYTES = 1024 * 1024
"""Bytes of one file included with `!file`."""

MAX_DOCUMENTS = 10_000
"""YAML documents in one file."""

MAX_DEPTH = 100
"""Nesting levels of mappings and lists."""

MAX_NODES = 1_000_000
"""Values in one file, counted after aliases are expanded."""

MAX_TEXT = 50_000_000
"""Characters of text in one file, counted after aliases and `!file` are expanded."""

MAX_FINDINGS = 200
"""Findings reported for one file."""
