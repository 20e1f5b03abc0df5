#!/usr/bin/env bash
# What the tests of live sessions need: Debian's Chromium and coturn, and the client libraries in tests/browser from
# its lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/apt_install.sh chromium coturn
command -v npm >/dev/null || tools/apt_install.sh npm
cd tests/browser
stamp=node_modules/.trunkline
wanted="$(sha256sum package-lock.json | cut -d' ' -f1)"
[[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && exit 0
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
echo "$wanted" >"$stamp"
