"""Executions of a workflow on the platform: start exactly once, follow, list, and read the logs."""

from reconciler.executions.following import (
    FAILED,
    SUCCESS,
    UNFINISHED,
    ExecutionState,
    LogTail,
    StepLog,
    StepState,
    StillRunningError,
    execution_state,
    follow_execution,
    log_tail,
)
from reconciler.executions.listed_executions import ExecutionFilter, ListedExecution, read_executions
from reconciler.executions.searching import (
    FoundExecutions,
    SearchedWorkflow,
    executions_or_error,
    search_executions,
)
from reconciler.executions.starting import StartedExecution, UncertainStartError, execute_once

__all__ = [
    "FAILED",
    "SUCCESS",
    "UNFINISHED",
    "ExecutionFilter",
    "ExecutionState",
    "FoundExecutions",
    "ListedExecution",
    "LogTail",
    "SearchedWorkflow",
    "StartedExecution",
    "StepLog",
    "StepState",
    "StillRunningError",
    "UncertainStartError",
    "execute_once",
    "execution_state",
    "executions_or_error",
    "follow_execution",
    "log_tail",
    "read_executions",
    "search_executions",
]
