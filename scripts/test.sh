#!/usr/bin/env bash
# Runs `swift test`; at the end it names the tests that were skipped, if any were, and those that failed.
# usage: test.sh LOG [OPTION OF swift test...]
set -euo pipefail

log=$1
shift
binary=$PWD/.build/release/tokenrotate
if [[ -z ${TOKENROTATE_BINARY:-} && -x $binary ]]; then
  # The tests of the commands try the program that would be installed.
  export TOKENROTATE_BINARY=$binary
fi

echo "swift test --disable-xctest $*"
status=0
swift test --disable-xctest "$@" 2>&1 | tee "$log" || status=$?

if skipped=$(grep -E '^[^ ]+ +(Test|Suite) .* skipped(\.|: .*)$' "$log"); then
  printf '%s\n' "Skipped:" "$skipped"
fi
if ((status != 0)); then
  # Hundreds of tests ago, so said again where a person looks first: what failed, then the runner's closing line.
  echo "Failed:"
  grep -A 4 -E '^✘ Test .* recorded an issue' "$log" | grep -vE '^◇|^✔' | head -n 40 | cut -c 1-400 || true
  grep -E '^✘ Test run with' "$log" || true
fi
exit "$status"
