#!/usr/bin/env bash
# What the loss lab needs beyond the development environment: espeak-ng, Chromium, and the scores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/apt_install.sh espeak-ng
tools/browser_setup.sh
wanted="$(sha256sum bench/losslab/requirements.txt | cut -d' ' -f1)"
stamp=.venv/.trunkline/losslab
[[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && exit 0
.venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet -r bench/losslab/requirements.txt
echo "$wanted" >"$stamp"
