"""Workflow as a value: a body, its canonical form, and everything derived from it.

`Body` wraps the JSON of a manifest or of the platform; its canonical form is one in which equal means equal:
documented defaults, nulls and empty values gone, sets sorted, triggers and watchers by name, each step with
the retry options that take effect. `Live` is a body that the platform returned. The package is pure and total
(no input makes it raise, also none that a hostile server invents); it knows the schemas, and nothing of
manifests, plans or HTTP.
"""

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face
from reconciler.workflow.body import Body
from reconciler.workflow.header_names import header_key, with_header_names_of
from reconciler.workflow.named_lists import by_name_path, list_item_name, lists_back, lists_by_name
from reconciler.workflow.normal_text import as_written
from reconciler.workflow.own_tags import (
    SENT_MANIFEST_LENGTH,
    Ownership,
    OwnTags,
    is_digest_tag,
    is_own_tag,
    owner_tag,
    tag_name,
    tags_within_limits,
    with_mark,
)
from reconciler.workflow.sendable import masked_fields, sendable_body
from reconciler.workflow.spelling import may_be_cut, name_key, name_problem, plain_name
from reconciler.workflow.step import STANDARD, Step, stated_options
from reconciler.workflow.step_graph import StepGraph
from reconciler.workflow.undocumented import (
    extra_forms,
    extra_values,
    keeping_undocumented,
    kept_fields,
    lost_fields,
    undocumented_fields,
    with_values,
    without_fields,
)
from reconciler.workflow.write_only import (
    Digester,
    SentDigests,
    WriteOnlyField,
    is_returned,
    kinds_of_fields,
    shown_value,
    tokens_left_out,
    write_only_field,
    write_only_fields,
)

if TYPE_CHECKING:
    from reconciler.workflow.comparable_forms import (
        ComparableForms,
        hoisted_form,
        without_default_resource,
        without_retry_options,
    )
    from reconciler.workflow.field_changes import FieldChange, Origin, PackedChanges, diff, written_sides
    from reconciler.workflow.live import Listed, Live, schedules
    from reconciler.workflow.packed_body import PackedBody
    from reconciler.workflow.patching import (
        KEYWORDS,
        keyword_of,
        patched_body,
        patched_sendable,
        preserving_webhooks,
    )
    from reconciler.workflow.rewriting import (
        NOT_RETURNED,
        Rewrite,
        RewriteKind,
        are_foreign,
        gone_fields,
        known_rewrite,
    )
    from reconciler.workflow.unreturned import shown_fields, unreturned_fields

__all__ = [
    "KEYWORDS",
    "NOT_RETURNED",
    "SENT_MANIFEST_LENGTH",
    "STANDARD",
    "Body",
    "ComparableForms",
    "Digester",
    "FieldChange",
    "Listed",
    "Live",
    "Origin",
    "OwnTags",
    "Ownership",
    "PackedBody",
    "PackedChanges",
    "Rewrite",
    "RewriteKind",
    "SentDigests",
    "Step",
    "StepGraph",
    "WriteOnlyField",
    "are_foreign",
    "as_written",
    "by_name_path",
    "diff",
    "extra_forms",
    "extra_values",
    "gone_fields",
    "header_key",
    "hoisted_form",
    "is_digest_tag",
    "is_own_tag",
    "is_returned",
    "keeping_undocumented",
    "kept_fields",
    "keyword_of",
    "kinds_of_fields",
    "known_rewrite",
    "list_item_name",
    "lists_back",
    "lists_by_name",
    "lost_fields",
    "masked_fields",
    "may_be_cut",
    "name_key",
    "name_problem",
    "owner_tag",
    "patched_body",
    "patched_sendable",
    "plain_name",
    "preserving_webhooks",
    "schedules",
    "sendable_body",
    "shown_fields",
    "shown_value",
    "stated_options",
    "tag_name",
    "tags_within_limits",
    "tokens_left_out",
    "undocumented_fields",
    "unreturned_fields",
    "with_header_names_of",
    "with_mark",
    "with_values",
    "without_default_resource",
    "without_fields",
    "without_retry_options",
    "write_only_field",
    "write_only_fields",
    "written_sides",
]

__getattr__ = lazy_face(  # what only a comparison with a tenant, or a patch, needs
    __name__,
    comparable_forms="ComparableForms hoisted_form without_default_resource without_retry_options",
    field_changes="FieldChange Origin PackedChanges diff written_sides",
    live="Listed Live schedules",
    packed_body="PackedBody",
    patching="KEYWORDS keyword_of patched_body patched_sendable preserving_webhooks",
    rewriting="NOT_RETURNED Rewrite RewriteKind are_foreign gone_fields known_rewrite",
    unreturned="shown_fields unreturned_fields",
)
