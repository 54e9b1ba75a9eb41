#!/usr/bin/env bash
# Install peak-reconciler in a separate environment below RUNNER_TEMP: its dependencies from the lock file, with hashes
# checked, and itself from this checkout. Nothing is built, and nothing else is downloaded.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=$RUNNER_TEMP/peak-reconciler
python=${INPUT_PYTHON:-python3}
made="$source $(cksum <"$source/requirements.lock")"

[[ -f $home/made && $(<"$home/made") == "$made" ]] && exit 0

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "::error title=peak-reconciler::Python 3.10 or newer is needed; run actions/setup-python first"
  exit 64
fi
"$python" -m venv --clear "$home"
"$home/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$source/requirements.lock"
site=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$source" >"$site/peak-reconciler.pth"
# Isolated (-I): no module is imported from the working directory, where a pull request may have added one.
printf '#!/usr/bin/env bash\nexec %q -I -c "from reconciler.cli import main; main()" "$@"\n' "$home/bin/python" \
  >"$home/bin/peak-reconciler"
chmod +x "$home/bin/peak-reconciler"
printf '%s\n' "$made" >"$home/made"
"$home/bin/peak-reconciler" --version
