#!/usr/bin/env bash
# Creates the tokens of jobs/plant-telemetry on a sandbox: a stand-in for a cluster, on this machine only.
# Everything it writes is below .demo/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

demo=.demo
program=.build/debug/tokenrotate
sandbox=

finish() {
  trap - EXIT INT TERM
  if [[ -n $sandbox ]]; then
    kill "$sandbox" 2>/dev/null || true
    wait "$sandbox" 2>/dev/null || true
  fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
show() {
  printf '$ tokenrotate %s\n' "$*"
  "$program" "$@"
}

say "Building tokenrotate (debug; the first time takes a few minutes)"
mkdir -p .build
swift build --product tokenrotate >.build/demo-build.txt 2>&1 || {
  cat .build/demo-build.txt >&2
  exit 1
}
tail -n 1 .build/demo-build.txt

rm -rf "$demo"
mkdir -m 755 "$demo"

say "Starting a sandbox whose tokens work after about 4 seconds"
databases=(plant_line_1 plant_line_2 plant_line_3 plant_quality weather)
"$program" sandbox --listen 127.0.0.1:0 --activation-delay 4s --activation-spread 2s \
  "${databases[@]/#/--database=}" \
  --write-defaults "$demo/defaults.toml" --ready-file "$demo/ready" --quiet &
sandbox=$!
for ((tries = 0; tries < 100; tries++)); do
  [[ ! -e $demo/ready ]] || break
  kill -0 "$sandbox" 2>/dev/null || { echo "the sandbox did not start" >&2; exit 1; }
  sleep 0.1
done
[[ -e $demo/ready ]] || { echo "the sandbox did not get ready" >&2; exit 1; }
echo "$(<"$demo/ready"), databases ${databases[*]}"

job=jobs/plant-telemetry
options=(--defaults "$demo/defaults.toml" --state "$demo/state")

say "What is there to do? Nothing is changed by asking"
show plan "$job" "${options[@]}"

say "Creating the tokens and waiting until the cluster knows them (about 15 seconds)"
show run "$job" "${options[@]}"

say "The files, each only for its owner (NAME.env holds INFLUX_TOKEN and its like)"
(cd "$demo/state/tokens" && find . -type f -not -path '*/.*' -printf '%M  %P\n' | sort -k 2)

say "Running again, as cron does: nothing is due"
show run "$job" "${options[@]}"

say "Checking the chain of the audit log"
show audit verify --state "$demo/state"

cat <<END

Next: look into $demo/state/audit.jsonl, and read jobs/plant-telemetry/job.toml and its tokens.csv.
      Start a sandbox of your own with \`$program sandbox --help\`.
      README.md shows the five steps to a real cluster.
END
