#!/usr/bin/env bash
# The static checks. Silent successes, full output of failures; runs all of them even when one fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

failed=0
run() { # run NAME COMMAND...: its output to a file, its result and duration to another
    local name="$1" begun=$EPOCHREALTIME result=0
    shift
    "$@" >"$out/$name" 2>&1 || result=$?
    local ended=$EPOCHREALTIME
    echo "$result $(((${ended/[.,]/} - ${begun/[.,]/}) / 1000))" >"$out/$name.result"
}
report() {
    local name result took_ms
    for name in "$@"; do
        read -r result took_ms <"$out/$name.result"
        if ((result == 0)); then
            printf '  ok    %-14s %5d ms\n' "$name" "$took_ms"
            grep -h '^warning:' "$out/$name" | sed 's/^/        /'
        else
            printf '  FAIL  %-14s %5d ms\n' "$name" "$took_ms"
            sed 's/^/        /' "$out/$name"
            failed=1
        fi
    done
}

echo "check:"
# mypy takes as long as all the others together: it gets the second core.
run types "$bin/mypy" --no-error-summary &
types_pid=$!
run style "$bin/ruff" check --quiet --output-format=concise .
run format "$bin/ruff" format --check --quiet --output-format=concise .
run layers "$bin/lint-imports" --no-logo
run sizes "$bin/python" tools/check_sizes.py
report style format layers sizes
wait "$types_pid"
report types
exit "$failed"
