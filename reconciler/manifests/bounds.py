"""How large a manifest may be: past any of these a finding says so, and nothing is read further."""

MAX_FILE_BYTES = 10 * 1024 * 1024
"""The size of one manifest file."""

MAX_INCLUDED_BYTES = 1024 * 1024
"""The size of one file included with `!file`."""

MAX_DOCUMENTS = 10_000
"""YAML documents in one file."""

MAX_DEPTH = 100
"""Mappings and lists inside one another."""

MAX_NODES = 1_000_000
"""Values in one file, counted after aliases are expanded."""

MAX_TEXT = 50_000_000
"""Characters of text in one file, counted after aliases and `!file` are expanded."""

MAX_FINDINGS = 200
"""Findings told about one file."""

MAX_FILES = 100_000
"""Manifest files below the paths given."""
