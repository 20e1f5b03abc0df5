#!/usr/bin/env bash
# Builds the pages: the packages' locked dependencies, the demo site, the documentation; into web/dist.
# Nothing is done when nothing changed. `tools/pages_setup.sh try` never fails: it says what is missing and goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

must="${1:-must}"
if [[ -t 1 ]]; then dim=$'\033[2m' plain=$'\033[0m'; else dim='' plain=''; fi
say() { printf '%s[web]%s %s\n' "$dim" "$plain" "$*"; }
give_up() {
    say "$*"
    [[ "$must" == try ]] && exit 0
    exit 1
}

# What the pages are made of. The generated and installed folders are not in it.
stamp_of() {
    {
        find web docs spec -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test/*' -print0
        printf 'tools/pages_setup.sh\0'
    } | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}
stamp=web/dist/.stamp
wanted="$(stamp_of)"
[[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && exit 0

# Two makes at once: the second waits, then finds the work done.
exec 9>.pages-setup.lock
flock 9
[[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && exit 0

started=$SECONDS
if ! command -v npm >/dev/null; then
    say "npm is not here: installing Debian's (a minute or two)"
    tools/apt_install.sh npm || give_up "the pages need npm and node 18 or newer: apt-get install npm, then make web"
fi
major="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
((major >= 18)) || give_up "the pages need node 18 or newer; this is $(node --version)"

mkdir -p web/dist
log=web/dist/setup.log
run() { "$@" >>"$log" 2>&1 || {
    tail -20 "$log" >&2
    give_up "building the pages failed; the full output is in $log"
}; }
: >"$log"
say "1/3 $(grep -c '"node_modules/' web/package-lock.json) locked packages"
run tools/web_setup.sh
cd web
log=dist/setup.log
say "2/3 building the demo site"
run node packages/demo/build.mjs
say "3/3 building the documentation"
run node packages/demo/docs/build.mjs
tail -2 "$log" | sed 's/^/      /'
echo "$wanted" >"../$stamp"
say "ready in $((SECONDS - started)) s"
