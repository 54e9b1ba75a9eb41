"""Executions of a workflow on the platform: start exactly once, follow, list, and read the logs."""

from reconciler.executions.following import (
    FAILED,
    SUCCESS,
    UNFINISHED,
    ExecutionState,
    StepLog,
    StepState,
    StillRunningError,
    execution_state,
    follow_execution,
)
from reconciler.executions.listing import ExecutionFilter, ListedExecution, read_executions
from reconciler.executions.starting import StartedExecution, UncertainStartError, execute_once

__all__ = [
    "FAILED",
    "SUCCESS",
    "UNFINISHED",
    "ExecutionFilter",
    "ExecutionState",
    "ListedExecution",
    "StartedExecution",
    "StepLog",
    "StepState",
    "StillRunningError",
    "UncertainStartError",
    "execute_once",
    "execution_state",
    "follow_execution",
    "read_executions",
]
