#!/usr/bin/env bash
# Installs Debian packages when they are missing; silent when all are there.
# Services that come with a package are not started: a benchmark starts what it measures itself.
set -euo pipefail

missing=()
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
        echo "missing Debian packages; run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi
command -v apt-get >/dev/null || {
    echo "missing packages and no apt-get here: ${missing[*]}" >&2
    exit 1
}

echo "installing Debian packages: ${missing[*]}"
policy=/usr/sbin/policy-rc.d
if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq -y)
install() { "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null 2>&1; }
# The package lists may be old or absent: fetch them only when the first try fails.
install || { "${apt[@]}" update >/dev/null && "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null; }
