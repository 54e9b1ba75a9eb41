#!/usr/bin/env bash
# Keep the plan as one comment on the pull request. Without permission (a fork's pull request), the step summary, which
# has the plan already, is enough: the job continues.
set -euo pipefail

if [[ ! ${GITHUB_REF:-} =~ ^refs/pull/[0-9]+/merge$ || ! -f ${INPUT_MARKDOWN_FILE:-} ]]; then
  echo "No pull request, or no plan: no comment."
  exit 0
fi
key=plan${INPUT_ENVIRONMENT:+-$INPUT_ENVIRONMENT}
key=${INPUT_COMMENT_KEY:-${key//[^A-Za-z0-9._-]/-}}
export GITHUB_TOKEN=$INPUT_GITHUB_TOKEN
unset INPUT_GITHUB_TOKEN
if ! "$RUNNER_TEMP/peak-reconciler/bin/peak-reconciler" comment \
  "$INPUT_MARKDOWN_FILE" "--key=$key" "--author=$INPUT_COMMENT_AUTHOR"; then
  echo "::warning title=peak-reconciler::The plan could not be posted as a comment; the step summary has it."
fi
