# shellcheck shell=bash
# What the parts of the action share; sourced, never run.

# Runs a command whose output may quote names from outside: meanwhile the runner takes no commands from the log,
# in which it finds `::…::` at the beginning of a line and `##[…]` anywhere.
without_commands() {
  local token code=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$token"
  "$@" || code=$?
  echo "::$token::"
  return "$code"
}
