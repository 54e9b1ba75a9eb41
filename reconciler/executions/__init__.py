"""Executions: runs of a workflow on the platform: start, wait, follow, read logs."""
