#!/usr/bin/env bash
# Installs what checks Kubernetes manifests into a virtual environment, from the package index that pip is set up
# with. Without one the tests of manifests are skipped, unless CI=true. usage: manifest-tools.sh FOLDER
set -euo pipefail

list=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/manifest-tools.txt
folder=$1
! cmp -s "$list" "$folder/installed.txt" || exit 0

rm -rf "$folder"
mkdir -p "${folder%/*}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_tools() {
  # Debian's own: the hashes are of wheels for it, whatever else comes first in PATH.
  /usr/bin/python3 -m venv "$folder" &&
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      --requirement "$list"
}
echo "installing kubernetes-validate into $folder"
if install_tools >"$log" 2>&1; then
  cp "$list" "$folder/installed.txt"
else
  tail -n 5 "$log" >&2
  rm -rf "$folder"
  echo "kubernetes-validate could not be installed: the tests of manifests cannot be run" >&2
  [[ ${CI:-} != true ]] || exit 1
fi
