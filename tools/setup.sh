#!/usr/bin/env bash
# Creates or updates .venv. Does nothing, quickly, when it is up to date.
#   tools/setup.sh server   what the server needs
#   tools/setup.sh demo     the same and what the demo needs
#   tools/setup.sh dev      the same and what tests, checks and benchmarks need
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile="${1:-dev}"
case "$profile" in server | demo | dev) ;; *)
    echo "usage: tools/setup.sh server|demo|dev" >&2
    exit 2
    ;;
esac

venv="$PWD/.venv"
stamp_dir="$venv/.trunkline"

if [[ -t 1 ]]; then dim=$'\033[2m' plain=$'\033[0m'; else dim='' plain=''; fi
say() { printf '%s[setup]%s %s\n' "$dim" "$plain" "$*"; }
die() {
    printf '[setup] %s\n' "$*" >&2
    exit 1
}

# The stamp names everything the environment depends on: the place (scripts in it hold absolute
# paths), the locked versions, the part of pyproject.toml that is not tool configuration, and what is compiled.
stamp_of() {
    {
        echo "$venv"
        cat "requirements/$1.txt" requirements/installer.txt hatch_build.py src/trunkline/edges/link/native/*.[ch] src/trunkline/media/kernel/*.[ch]
        sed '/^\[tool\.ruff/,$d' pyproject.toml
    } | sha256sum | cut -d' ' -f1
}
is_fresh() { [[ -x "$venv/bin/python" && -f "$stamp_dir/$1" && "$(<"$stamp_dir/$1")" == "$(stamp_of "$1")" ]]; }
up_to_date() {
    is_fresh dev && return
    case "$profile" in
        server) is_fresh demo || is_fresh server ;;
        demo) is_fresh demo ;;
        *) return 1 ;;
    esac
}

up_to_date && exit 0

# Two makes at once: the second waits, then finds the work done.
exec 9>.venv-setup.lock
flock 9
up_to_date && exit 0

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [[ -n "$candidate" ]] && command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

if ! python="$(find_python)"; then
    tools/apt_install.sh python3 python3-venv || die "Python 3.11 or newer is needed, e.g.: apt-get install python3 python3-venv"
    python="$(find_python)" || die "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"
fi

started=$SECONDS
if ! "$venv/bin/python" -c 'import pip' 2>/dev/null || ! head -1 "$venv/bin/pip" 2>/dev/null | grep -qF "$venv/"; then
    say "1/3 creating .venv with $("$python" --version)"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        # Debian ships the venv module without its pip; the package of the default Python brings it.
        rm -rf "$venv"
        tools/apt_install.sh python3-venv || die "cannot create .venv: apt-get install python3-venv"
        "$python" -m venv "$venv" || die "cannot create .venv with $python"
    fi
else
    say "1/3 .venv exists ($("$venv/bin/python" --version))"
fi

total=$(grep -c '==' "requirements/$profile.txt")
say "2/3 installing $total locked packages ($profile)"
log="$venv/setup.log"
install() { "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off "$@"; }
show_progress() { # the names on the standard input, one per package
    awk -v total="$total" -v tty="$([[ -t 1 ]] && echo 1 || echo 0)" '
        /^(Collecting|Requirement already satisfied:) / {
            n++; name = $0; sub(/^(Collecting|Requirement already satisfied:) /, "", name); sub(/[ (].*/, "", name)
            if (tty) printf "\r\033[K        %d/%d %s", n, total, name
            else if (n % 20 == 0) printf "        %d/%d\n", n, total
            fflush()
        }
        /^Installing collected/ { if (tty) printf "\r\033[K        writing files"; fflush() }
        END { if (tty) printf "\r\033[K" }'
}
# uv downloads in parallel: a fifth of pip's time. It does not read pip's configuration, so pip stays for where that matters.
install_quickly() {
    [[ -z "${PIP_INDEX_URL:-}" ]] && install --quiet -r requirements/installer.txt >"$log" 2>&1 &&
        VIRTUAL_ENV="$venv" "$venv/bin/uv" pip install --compile-bytecode --no-progress --no-deps -r "requirements/$profile.txt" >>"$log" 2>&1
}
if ! install_quickly && ! install --no-deps -r "requirements/$profile.txt" 2>&1 | tee "$log" | show_progress; then
    tail -20 "$log" >&2
    die "installing failed; the full output is in $log"
fi

say "3/3 installing trunkline itself"
install --no-deps --editable . >>"$log" 2>&1 || {
    tail -20 "$log" >&2
    die "installing failed; the full output is in $log"
}

mkdir -p "$stamp_dir"
stamp_of "$profile" >"$stamp_dir/$profile"
say "ready in $((SECONDS - started)) s"
