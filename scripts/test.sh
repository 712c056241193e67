#!/usr/bin/env bash
# Runs `swift test`; at the end it names the tests that were skipped, if any were.
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
swift test --disable-xctest "$@" 2>&1 | tee "$log"

if skipped=$(grep -E '^[^ ]+ +(Test|Suite) .* skipped(\.|: .*)$' "$log"); then
  printf '%s\n' "Skipped:" "$skipped"
fi
