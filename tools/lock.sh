#!/usr/bin/env bash
# Rewrites requirements/{client,server,demo,dev}.txt from pyproject.toml.
# `tools/lock.sh` keeps the versions already locked where they still fit;
# `tools/lock.sh --upgrade` takes the newest ones. Needs `uv` (pip install uv).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv_bin="${UV:-$(command -v uv || echo .venv/bin/uv)}"
common=(--quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11)

compile() { # compile OUTPUT [--extra NAME ...] [--upgrade]
    local output="$1"
    shift
    "$uv_bin" pip compile "${common[@]}" "$@" pyproject.toml --output-file "$output" >/dev/null
    echo "wrote $output ($(grep -c '==' "$output") packages)"
}

compile requirements/dev.txt --extra server --extra demo --extra dev "$@"
# The smaller sets are constrained by the larger, so that a package has one version everywhere.
compile requirements/demo.txt --extra server --extra demo --constraint requirements/dev.txt "$@"
compile requirements/server.txt --extra server --constraint requirements/dev.txt "$@"
compile requirements/client.txt --constraint requirements/dev.txt "$@"
