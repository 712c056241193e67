#!/usr/bin/env bash
# Installs missing Debian packages and looks whether there is a Swift toolchain.
# usage: setup.sh PACKAGE... [-- PACKAGE OF THE TESTS...]
set -euo pipefail

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing=()
for package in "$@"; do
  [[ $package == -- ]] || is_installed "$package" || missing+=("$package")
done

if ((${#missing[@]} > 0)); then
  if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (names of Debian 12; install what your system calls them)" >&2
    exit 1
  fi
  as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || {
      echo "missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
      exit 1
    }
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  install_packages() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  }
  install_packages >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    echo "apt-get could not install ${missing[*]}" >&2
    exit 1
  }
  # The tests start an InfluxDB and a cron of their own, and want promtool alone of Prometheus: what the packages
  # start is not wanted.
  for service in influxdb prometheus cron; do
    [[ " ${missing[*]} " == *" $service "* ]] || continue
    if [[ -d /run/systemd/system ]]; then
      "${as_root[@]}" systemctl disable --now --quiet "$service" || true
    elif [[ -x /etc/init.d/$service ]]; then
      "${as_root[@]}" "/etc/init.d/$service" stop >/dev/null 2>&1 || true
    fi
  done
fi

version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1) || true
if [[ -z $version || ${version%%.*} -lt 6 || ${version/./} -lt 62 ]]; then
  echo "Swift 6.2 or newer is needed${version:+, this is $version}: https://www.swift.org/install/linux/" >&2
  exit 1
fi
