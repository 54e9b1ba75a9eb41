"""Executions of a workflow on the platform: start exactly once, follow, and read the logs."""

from reconciler.executions.following import (
    SUCCESS,
    ExecutionState,
    StepLog,
    StepState,
    StillRunningError,
    execution_state,
    follow_execution,
)
from reconciler.executions.starting import StartedExecution, UncertainStartError, execute_once

__all__ = [
    "SUCCESS",
    "ExecutionState",
    "StartedExecution",
    "StepLog",
    "StepState",
    "StillRunningError",
    "UncertainStartError",
    "execute_once",
    "execution_state",
    "follow_execution",
]
