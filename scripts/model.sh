#!/usr/bin/env bash
# Checks model/rotation.pml with Spin: what must hold, and that it breaks without each of its safeguards.
# usage: model.sh
set -euo pipefail

model=$(cd "$(dirname "${BASH_SOURCE[0]}")/../model" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

failures=0
report() {
  printf '%-52s %8s states, depth %4s, %4s s: %s\n' "$1" "$states" "$depth" "$seconds" "$2"
}
fail() {
  report "$1" "FAILED, $2"
  failures=$((failures + 1))
}

# Compiles the model with spin's options up to `--` and gcc's after it, and runs it with pan's options in $pan.
run() {
  local spin_options=() elapsed
  while [[ $1 != -- ]]; do
    spin_options+=("$1")
    shift
  done
  shift
  spin -a "${spin_options[@]}" "$model/rotation.pml" >spin.txt || {
    cat spin.txt >&2
    exit 1
  }
  gcc -w -DCOLLAPSE -DMEMLIM=6000 "$@" -o pan pan.c
  # An error that pan finds is in its output, not in its exit code.
  ./pan -m10000 "${pan[@]}" >pan.txt 2>&1 || true
  states=$(sed -nE 's/^ *([0-9]+) states, stored.*/\1/p' pan.txt)
  depth=$(sed -nE 's/.*depth reached ([0-9]+),.*/\1/p' pan.txt)
  elapsed=$(sed -nE 's/^pan: elapsed time ([0-9.e+-]+) seconds.*/\1/p' pan.txt)
  seconds=$(printf '%.1f' "${elapsed:-0}")
}

# What must hold: no error, nothing left unsearched.
is_clean() {
  if ! grep -q 'errors: 0$' pan.txt; then
    fail "$1" "$(grep -m 1 '^pan:1:' pan.txt || tail -n 1 pan.txt)"
  elif grep -qE 'Search not completed|too small|out of memory' pan.txt; then
    fail "$1" "the search was not exhaustive"
  else
    return 0
  fi
  return 1
}

# usage: holds ATTEMPTS CRASHES FAULTS LATE ROLLBACKS
holds() {
  local name="attempts $1, crashes $2, faults $3, late $4, rollbacks $5" unreached
  pan=(-w24)
  run "-DATTEMPTS=$1" "-DCRASHES=$2" "-DFAULTS=$3" "-DLATE=$4" "-DROLLBACKS=$5" -- -O2 -DSAFETY
  is_clean "$name" || return 0
  # Processes that go on for ever never reach their end; all else has to be reached, or it is not checked.
  unreached=$(grep -E '\.pml:[0-9]+, state [0-9]+' pan.txt | grep -vF '"-end-"' || true)
  if [[ -n $unreached ]]; then
    fail "$name" "unreached: $unreached"
  else
    report "$name" "holds, every statement reached"
  fi
}

every_run_ends() {
  pan=(-w24 -l)
  run -- -O2 -DNP
  is_clean "every run ends" || return 0
  report "every run ends" "holds"
}

# usage: breaks NAME NUMBER OF THE INVARIANT, OPTION OF SPIN
breaks() {
  local found
  pan=(-w20)
  run "$3" -- -O1 -DSAFETY
  found=$(sed -nE 's/^pan:1: assertion violated .*\|\|\(([0-9])==0\)\) \(at depth [0-9]+\)$/\1/p' pan.txt)
  if [[ $found == "$2" ]]; then
    report "$1" "invariant $2 breaks, as it must"
  else
    fail "$1" "invariant $2 should break: $(grep -m 1 '^pan:1:' pan.txt || echo 'nothing found')"
  fi
}

holds 3 2 2 1 2
holds 3 3 2 1 2
holds 3 2 3 1 3
holds 4 2 2 2 1
every_run_ends

safeguards=$(sed -nE 's|^#define ([A-Z_]+) [0-9]+ +/\* ([0-9]): .*|\1 \2|p' "$model/rotation.pml")
[[ $(wc -l <<<"$safeguards") -ge 15 ]] || {
  echo "the list of safeguards in model/rotation.pml cannot be read" >&2
  exit 1
}
while read -r name number; do
  breaks "without $name" "$number" "-DWITHOUT=$name"
done <<<"$safeguards"
breaks "beyond: a disable is repeated by a proxy" 1 -DDOUBLED_PATCH
breaks "beyond: nodes hear late of a disable" 1 -DSLOW_NODES

if ((failures > 0)); then
  echo "$failures checks failed" >&2
  exit 1
fi
