#!/usr/bin/env bash
# Does the five steps of README.md against a sandbox of its own, and compares exit codes and the outputs that
# README.md shows. Writes only to a temporary folder. usage: check-readme.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-${TOKENROTATE_BINARY:-.build/release/tokenrotate}}
[[ -x $program ]] || program=.build/debug/tokenrotate
[[ -x $program ]] || { echo "there is no program to try: run \`make build\` first" >&2; exit 1; }

umask 022
work=$(mktemp -d)
sandbox=
stand_in=
finish() {
  local server
  trap - EXIT INT TERM
  for server in $sandbox $stand_in; do
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "check-readme: $*" >&2
  exit 1
}

# expect CODE WORD...: runs tokenrotate; its standard output is in $output, its standard error in $errors.
expect() {
  local wanted=$1 code=0
  shift
  output=$("$installed" "$@" --defaults "$work/etc/defaults.toml" --state "$work/state" 2>"$work/errors") || code=$?
  errors=$(<"$work/errors")
  [[ $code == "$wanted" ]] || fail "tokenrotate $*: exit $code instead of $wanted"$'\n'"$output"$'\n'"$errors"
}

readme=$(<README.md)
shown_in_readme() {
  [[ $readme == *$'\n'"$1"$'\n'* ]] || fail "README.md does not show what $2 prints:"$'\n'"$1"
}

# 1. Install.
make --no-print-directory install RELEASE_BINARY="$program" DESTDIR="$work/root" >/dev/null
installed=$work/root/usr/local/bin/tokenrotate
for document in README.md docs/job-file.md jobs/defaults.toml.example cron/README.md; do
  [[ -e $work/root/usr/local/share/doc/tokenrotate/$document ]] || fail "make install left out $document"
done

# 2. A management token in a file of its own.
install -d -m 755 "$work/etc" "$work/etc/jobs"
install -m 600 /dev/null "$work/etc/management-token"
printf '%s\n' "M.V1.$(od -An -N 32 -tx1 /dev/urandom | tr -d ' \n')" | tee "$work/etc/management-token" >/dev/null

# The cluster: a sandbox with the ids of the example.
id=00000000-0000-4000-8000-000000000000
"$installed" sandbox --listen 127.0.0.1:0 --account-id "$id" --cluster-id "$id" --quiet \
  --management-token-file "$work/etc/management-token" --activation-delay 1s --activation-spread 500ms \
  --database plant_line_1 --database plant_line_2 --database plant_line_3 --database plant_quality \
  --database weather --ready-file "$work/ready" &
sandbox=$!
for ((tries = 0; tries < 100; tries++)); do
  [[ ! -e $work/ready ]] || break
  kill -0 "$sandbox" 2>/dev/null || fail "the sandbox did not start"
  sleep 0.1
done
[[ -e $work/ready ]] || fail "the sandbox did not get ready"
url=$(<"$work/ready")

# 3. The job and the defaults, edited as for any cluster.
cp jobs/defaults.toml.example "$work/etc/defaults.toml"
cp -r jobs/plant-telemetry "$work/etc/jobs/"
sed -i -e "s|^host = .*|host = \"$url\"\nmanagement_url = \"$url/api/v0\"|" "$work/etc/defaults.toml"
# In place of /etc/tokenrotate, where the credential is looked for else.
export CREDENTIALS_DIRECTORY=$work/etc
expect 0 check "$work/etc/jobs"
shown_in_readme "$output" check

# 4. Look before you leap.
expect 0 plan "$work/etc/jobs"
shown_in_readme "$output" plan
[[ ! -e $work/state ]] || fail "plan left something behind"
expect 10 plan "$work/etc/jobs" --detailed-exitcode

# 5. Run it, and let cron run it.
expect 0 run "$work/etc/jobs"
[[ $output == *$'\n'"plant-telemetry: 5 created" ]] || fail "run says: $output"
shown_in_readme "$(ls -C -w 200 "$work/state/tokens/plant-telemetry")" ls
expect 0 run "$work/etc/jobs"
shown_in_readme "$output" "the second run"
expect 0 audit verify
[[ $output == "$work/state/audit.jsonl: 34 lines, the chain is whole, ends with "* ]] || fail "audit verify says: $output"
expect 0 run "$work/etc/jobs" --quiet --wait-for-lock 5m
[[ -z $output$errors ]] || fail "a quiet run with nothing due says: $output$errors"

# The rehearsal, word for word but for the place of the jobs.
mapfile -t rehearsal < <(awk '/^Rehearse all of it/ { found = 1 } found && /^```$/ { exit }
  found && (/^\$ / || more) { line = line $0; more = sub(/\\$/, "", line)
    if (!more) { sub(/^\$ /, "", line); print line; line = "" } }' README.md)
[[ ${#rehearsal[@]} == 2 ]] || fail "README.md does not show a rehearsal of two commands: ${rehearsal[*]}"
mkdir "$work/rehearsal"
rehearse() {
  cd "$work/rehearsal" && PATH="${installed%/*}:$PATH" exec bash -c "${1//\/etc\/tokenrotate/"$work/etc"}"
}
(rehearse "exec ${rehearsal[0]}") >"$work/rehearsal.log" 2>&1 &
stand_in=$!
for ((tries = 0; tries < 100; tries++)); do
  [[ ! -e $work/rehearsal/sandbox.toml ]] || break
  kill -0 "$stand_in" 2>/dev/null || fail "the rehearsal's sandbox did not start: $(<"$work/rehearsal.log")"
  sleep 0.1
done
output=$(rehearse "${rehearsal[1]}" 2>&1) || fail "the rehearsal's run failed: $output"
[[ $output == *$'\n'"plant-telemetry: 5 created" ]] || fail "the rehearsal's run says: $output"
kill "$stand_in"
wait "$stand_in" || true
stand_in=

# The other job, once; and the codes that are easily had.
cp -r jobs/grafana "$work/etc/jobs/"
expect 0 run "$work/etc/jobs/grafana"
printf 'name,read_database\nx,wether\n' >"$work/etc/jobs/grafana/tokens.csv"
expect 2 run "$work/etc/jobs/grafana"
[[ $errors == *"tokens.csv:2:3: "*"weather"* ]] || fail "an unknown database is told as: $errors"
rm -r "$work/etc/jobs/grafana"
printf 'M.V1.%048d\n' 0 >"$work/etc/management-token"
expect 4 run "$work/etc/jobs"
chmod o+r "$work/etc/management-token"
expect 2 run "$work/etc/jobs"

echo "check-readme: every step of README.md does what it says"
