"""The JSON Schemas (2020-12) that ship with the package, and what they say about every field.

The schemas are the one table of what is documented: names, types, defaults, which lists are sets and which
values are secrets. This package reads them and knows nothing of files, manifests or the API.
"""

from reconciler.schema.fields import (
    SENSITIVE,
    STEP_TYPES,
    Field,
    FieldKind,
    body_fields,
    documented_default,
    manifest_only_step_fields,
    sensitive_step_fields,
    step_fields,
)
from reconciler.schema.schema_files import SCHEMA_NAMES, URN, bundled_schema, load_schema
from reconciler.schema.validation import SchemaProblem, is_valid, validate

__all__ = [
    "SCHEMA_NAMES",
    "SENSITIVE",
    "STEP_TYPES",
    "URN",
    "Field",
    "FieldKind",
    "SchemaProblem",
    "body_fields",
    "bundled_schema",
    "documented_default",
    "is_valid",
    "load_schema",
    "manifest_only_step_fields",
    "sensitive_step_fields",
    "step_fields",
    "validate",
]
