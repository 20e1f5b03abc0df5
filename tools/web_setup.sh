#!/usr/bin/env bash
# The packages of web/ as its lock file names them; nothing when they are there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v npm >/dev/null || tools/apt_install.sh npm
cd web
stamp=node_modules/.trunkline
wanted="$(sha256sum package-lock.json | cut -d' ' -f1)"
if [[ ! -f "$stamp" || "$(<"$stamp")" != "$wanted" ]]; then
    npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
    echo "$wanted" >"$stamp"
fi
# What the packages import of one another.
[[ packages/core/dist/index.js -nt packages/core/package.json && -z "$(find packages/core/src -newer packages/core/dist/index.js -print -quit)" ]] ||
    npm run build -w @trunkline/core --silent
