#!/usr/bin/env bash
# Installs Python programs that only tests use into virtual environments, from the package index that pip is set up
# with: each list scripts/NAME.txt, pinned by hash, into FOLDER/NAME. Without one the tests that need it are skipped,
# unless CI=true. usage: python-tools.sh FOLDER NAME…
set -euo pipefail

lists=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parent=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

install_tools() { # FOLDER LIST
  # Debian's own: the hashes are of wheels for it, whatever else comes first in PATH.
  /usr/bin/python3 -m venv "$1" &&
    "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      --requirement "$2"
}

for name in "$@"; do
  folder=$parent/$name
  list=$lists/$name.txt
  ! cmp -s "$list" "$folder/installed.txt" || continue
  rm -rf "$folder"
  mkdir -p "$parent"
  echo "installing $name into $folder"
  if install_tools "$folder" "$list" >"$log" 2>&1; then
    cp "$list" "$folder/installed.txt"
  else
    tail -n 5 "$log" >&2
    rm -rf "$folder"
    echo "$name could not be installed: the tests that need it cannot be run" >&2
    [[ ${CI:-} != true ]] || exit 1
  fi
done
