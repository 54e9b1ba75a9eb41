"""Planning: the differences between Git and the tenant, and the action for each workflow.

Reads through the port (`reconciler.api`) and writes nothing; the result is a `Plan`, a value. It knows
manifests and workflows, and nothing of commands, files or output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.plan.attribution import (
        EarlierManifests,
        count_origins,
        count_unattributed,
        with_origins,
        with_webhook_warnings,
    )
    from reconciler.plan.bodies import Method, sent_body
    from reconciler.plan.compare_options import CompareOptions
    from reconciler.plan.comparing import HIDDEN, Comparison, comparable, compare
    from reconciler.plan.deciding import created_body, decide, not_converging
    from reconciler.plan.desired import Desired, without_unset_fields
    from reconciler.plan.expectations import Expectations, contradiction_note
    from reconciler.plan.kinds import KINDS, kinds_of
    from reconciler.plan.last_sent import changes_with_known_origins, sent_manifest, with_known_origins
    from reconciler.plan.listing import list_tenant
    from reconciler.plan.masked_changes import (
        known_secrets,
        masked,
        masked_live_texts,
        reads_back,
        sensitive_fields,
        sensitive_places,
    )
    from reconciler.plan.matching import Found, match_manifests, unmatched
    from reconciler.plan.model import (
        Action,
        Blocked,
        BlockedDelete,
        Create,
        Delete,
        Orphan,
        Plan,
        Refusal,
        ScheduleChange,
        SetPaused,
        Subject,
        Unchanged,
        Update,
        Write,
        live_id,
        may_remove_note,
    )
    from reconciler.plan.named_ids import changed_ids, with_names
    from reconciler.plan.next_runs import (
        allows_concurrency,
        is_paused,
        known_rules,
        scheduled_workflow,
        triggers_of,
        with_next_runs,
    )
    from reconciler.plan.planning import make_plan
    from reconciler.plan.platform_facts import DefaultResource, PlatformFacts, hidden_fields
    from reconciler.plan.read_cache import MOST_ENTRIES, KnownInSync, ReadCache
    from reconciler.plan.scope import Scope, Selection, Shard, names_matching
    from reconciler.plan.side_comparison import (
        Side,
        SideComparison,
        SideWorkflow,
        WorkflowDifference,
        compare_sides,
    )
    from reconciler.plan.tenant import Snapshot, list_managed, take_snapshot
    from reconciler.plan.tenant_reads import TenantReads, describe, describe_all, read_default_resource
    from reconciler.plan.workflow_status import (
        LAST_FAILED,
        STATES,
        NextRun,
        Sync,
        WorkflowStatus,
        workflow_statuses,
    )

__all__ = [
    "HIDDEN",
    "KINDS",
    "LAST_FAILED",
    "MOST_ENTRIES",
    "STATES",
    "Action",
    "Blocked",
    "BlockedDelete",
    "CompareOptions",
    "Comparison",
    "Create",
    "DefaultResource",
    "Delete",
    "Desired",
    "EarlierManifests",
    "Expectations",
    "Found",
    "KnownInSync",
    "Method",
    "NextRun",
    "Orphan",
    "Plan",
    "PlatformFacts",
    "ReadCache",
    "Refusal",
    "ScheduleChange",
    "Scope",
    "Selection",
    "SetPaused",
    "Shard",
    "Side",
    "SideComparison",
    "SideWorkflow",
    "Snapshot",
    "Subject",
    "Sync",
    "TenantReads",
    "Unchanged",
    "Update",
    "WorkflowDifference",
    "WorkflowStatus",
    "Write",
    "allows_concurrency",
    "changed_ids",
    "changes_with_known_origins",
    "comparable",
    "compare",
    "compare_sides",
    "contradiction_note",
    "count_origins",
    "count_unattributed",
    "created_body",
    "decide",
    "describe",
    "describe_all",
    "hidden_fields",
    "is_paused",
    "kinds_of",
    "known_rules",
    "known_secrets",
    "list_managed",
    "list_tenant",
    "live_id",
    "make_plan",
    "masked",
    "masked_live_texts",
    "match_manifests",
    "may_remove_note",
    "names_matching",
    "not_converging",
    "read_default_resource",
    "reads_back",
    "scheduled_workflow",
    "sensitive_fields",
    "sensitive_places",
    "sent_body",
    "sent_manifest",
    "take_snapshot",
    "triggers_of",
    "unmatched",
    "with_known_origins",
    "with_names",
    "with_next_runs",
    "with_origins",
    "with_webhook_warnings",
    "without_unset_fields",
    "workflow_statuses",
]

__getattr__ = lazy_face(  # a command loads the part of planning that it needs
    __name__,
    attribution="count_origins count_unattributed EarlierManifests with_origins with_webhook_warnings",
    bodies="Method sent_body",
    compare_options="CompareOptions",
    comparing="comparable compare Comparison HIDDEN",
    deciding="created_body decide not_converging",
    desired="Desired without_unset_fields",
    expectations="contradiction_note Expectations",
    kinds="KINDS kinds_of",
    last_sent="changes_with_known_origins sent_manifest with_known_origins",
    listing="list_tenant",
    masked_changes="known_secrets masked masked_live_texts reads_back sensitive_fields sensitive_places",
    matching="Found match_manifests unmatched",
    model="Action Blocked BlockedDelete Create Delete live_id may_remove_note Orphan Plan Refusal "
    "ScheduleChange SetPaused Subject Unchanged Update Write",
    named_ids="changed_ids with_names",
    next_runs="allows_concurrency is_paused known_rules scheduled_workflow triggers_of with_next_runs",
    planning="make_plan",
    platform_facts="DefaultResource hidden_fields PlatformFacts",
    read_cache="KnownInSync MOST_ENTRIES ReadCache",
    scope="names_matching Scope Selection Shard",
    side_comparison="compare_sides Side SideComparison SideWorkflow WorkflowDifference",
    tenant="list_managed Snapshot take_snapshot",
    tenant_reads="describe describe_all read_default_resource TenantReads",
    workflow_status="LAST_FAILED NextRun STATES Sync workflow_statuses WorkflowStatus",
)
