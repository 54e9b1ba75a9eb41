#!/usr/bin/env bash
# Run peak-reconciler for the action: log, step summary, outputs, exit code.
# The tool escapes its output, so that nothing in it is a command to the runner.
set -euo pipefail

command=$INPUT_COMMAND
if [[ ! $command =~ ^(validate|plan|apply)$ ]]; then
  echo "::error title=peak-reconciler::invalid input 'command': use validate, plan or apply"
  exit 64
fi
tool=$RUNNER_TEMP/peak-reconciler/bin/peak-reconciler
files=$(mktemp -d "$RUNNER_TEMP/peak-reconciler-$command-XXXXXX")
log=$files/log.txt
plan_file=${INPUT_PLAN_FILE:-$files/plan.json}
options=()
paths=()
status=0

output() { printf '%s=%s\n' "$1" "${2//$'\n'/ }" >>"$GITHUB_OUTPUT"; }

# Append the lines of $1, without empty ones, to the array named $2.
add_lines() {
  local -n array=$2
  local line
  while IFS= read -r line; do
    line=${line%$'\r'}
    [[ -z ${line//[[:space:]]/} ]] || array+=("$line")
  done <<<"$1"
}

# Run the tool, with its output in the log as well. If the job is cancelled, it finishes the writes in flight and reports.
run_tool() {
  local tee child interrupted=yes
  mkfifo "$files/pipe"
  tee -i "$log" <"$files/pipe" &
  tee=$!
  "$tool" "$command" "$@" >"$files/pipe" 2>&1 &
  child=$!
  trap 'interrupted=yes; kill -TERM "$child" 2>/dev/null || true' INT TERM
  while [[ $interrupted ]]; do
    interrupted='' status=0
    wait "$child" || status=$?
  done
  trap - INT TERM
  wait "$tee"
  rm "$files/pipe"
}

# Print the end of the log as a block of code; every line is indented, so that none can end the block.
log_as_code() {
  echo
  tail -n "$1" "$log" | tail -c 50000 | { iconv -cs -f UTF-8 -t UTF-8 || true; } | sed 's/^/    /'
  echo
}

# Print the counts in the JSON file $1, below the keys that follow, as JSON in one line.
counts() {
  "${tool%/*}/python" -I - "$@" <<'PYTHON'
import json, pathlib, sys

file = pathlib.Path(sys.argv[1])
value = json.loads(file.read_text()) if file.exists() else {}
for key in sys.argv[2:]:
    value = (value or {}).get(key)
print(json.dumps(value or {}))
PYTHON
}

case $command in
validate)
  options+=("--output=sarif=$files/findings.sarif" "--output=json=$files/findings.json")
  options+=("--output=github=$files/annotations.txt")
  ;;
plan)
  rm -f "$plan_file"
  options+=(--detailed-exitcode "--save-plan=$plan_file")
  options+=("--output=markdown=$files/plan.md" "--output=json=$files/changes.json")
  options+=("--output=html=$files/plan.html")
  ;;
apply)
  options+=(--auto-approve "--run-record=$files/report.json")
  options+=("--output=markdown=$files/apply.md" "--output=html=$files/apply.html")
  [[ -z $INPUT_PLAN_FILE ]] || options+=("--plan=$INPUT_PLAN_FILE")
  export RECONCILER_BACKUP_DIR=${RECONCILER_BACKUP_DIR:-$files/backups}
  ;;
esac
[[ -z $INPUT_CONFIG ]] || options+=("--config=$INPUT_CONFIG")
[[ -z $INPUT_ENVIRONMENT ]] || options+=("--environment=$INPUT_ENVIRONMENT")
add_lines "$INPUT_ARGUMENTS" options
add_lines "$INPUT_PATHS" paths
[[ -z $INPUT_TOKEN ]] || export PEAK_AUTH_TOKEN=$INPUT_TOKEN
unset INPUT_TOKEN

run_tool "${options[@]}" -- "${paths[@]}"

output exit-code "$status"
output files "$files"
case $command in
validate)
  [[ ! -f $files/annotations.txt ]] || cat "$files/annotations.txt"
  [[ ! -f $files/findings.sarif ]] || output sarif-file "$files/findings.sarif"
  output summary "$(counts "$files/findings.json" summary)"
  { echo "### Manifests: exit code $status" && log_as_code 200; } >>"$GITHUB_STEP_SUMMARY"
  ;;
plan)
  # A failed plan replaces an earlier one, so that nobody approves an old plan.
  [[ -f $files/plan.md ]] || { echo "### No plan: exit code $status" && log_as_code 40; } >"$files/plan.md"
  [[ ! -f $plan_file ]] || output plan-file "$plan_file"
  output markdown-file "$files/plan.md"
  output differences "$([[ $status -eq 2 ]] && echo true || echo false)"
  output summary "$(counts "$files/changes.json" summary)"
  cat "$files/plan.md" >>"$GITHUB_STEP_SUMMARY"
  [[ $status -ne 2 || $INPUT_FAIL_ON_DIFFERENCES == true ]] || status=0
  ;;
apply)
  output summary "$(counts "$files/report.json" report summary)"
  # What was refused before anything was written has no result, but a message in the log.
  [[ -f $files/apply.md ]] || { echo "### Apply: exit code $status" && log_as_code 400; } >"$files/apply.md"
  cat "$files/apply.md" >>"$GITHUB_STEP_SUMMARY"
  ;;
esac
exit "$status"
