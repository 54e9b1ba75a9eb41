"""Secrecy: which fields and values are secrets, and how every output is kept free of them.

A value is a secret by its field (marked in the schema, or read through `!env`), by its name, by its looks,
or because this run knows it: `why_secret` decides. Outputs mask it, omit it, or refer to where it comes from.

Every renderer, plan file, backup, record, log and error goes through this package. It reads the schema, and
knows nothing of manifests, plans or HTTP.
"""

from reconciler.schema import SENSITIVE
from reconciler.secrecy.credential_patterns import credential_kind, may_hold_credential
from reconciler.secrecy.masking import (
    Omitted,
    hide_texts,
    mask,
    mask_credentials,
    mask_removed,
    omit_secrets,
    redact,
)
from reconciler.secrecy.redaction import Redactor
from reconciler.secrecy.secret_detection import (
    SecretFields,
    ends_in_secret_field,
    is_credential_name,
    is_mask,
    is_masked,
    is_named_by_users,
    is_named_secret,
    is_secret_field,
    is_secret_name,
    is_webhook_url,
    may_be_masked,
    may_state_mask,
    mentions_secret,
    secret_values,
    states_mask,
    why_secret,
)

__all__ = [
    "SENSITIVE",
    "Omitted",
    "Redactor",
    "SecretFields",
    "credential_kind",
    "ends_in_secret_field",
    "hide_texts",
    "is_credential_name",
    "is_mask",
    "is_masked",
    "is_named_by_users",
    "is_named_secret",
    "is_secret_field",
    "is_secret_name",
    "is_webhook_url",
    "mask",
    "mask_credentials",
    "mask_removed",
    "may_be_masked",
    "may_hold_credential",
    "may_state_mask",
    "mentions_secret",
    "omit_secrets",
    "redact",
    "secret_values",
    "states_mask",
    "why_secret",
]
