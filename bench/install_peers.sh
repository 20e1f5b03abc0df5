#!/usr/bin/env bash
# Installs what `make bench` measures against and the compiler for its generator (Debian). Silent when all is there.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/../tools/apt_install.sh" gcc libc6-dev mosquitto ejabberd janus
