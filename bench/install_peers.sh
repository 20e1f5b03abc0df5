#!/bin/sh
# Installs the peers and the compiler that `make bench` needs on Debian 12, without leaving their services running.
set -eu

if [ "$(id -u)" -ne 0 ]; then
    echo "Run this as root: sudo $0" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
for service in mosquitto ejabberd; do
    command -v systemctl >/dev/null 2>&1 && systemctl mask --runtime "$service" >/dev/null 2>&1 || true
done
apt-get update
apt-get install -y --no-install-recommends gcc libc6-dev mosquitto ejabberd
echo "Installed: $(mosquitto -h | head -n 1), ejabberd $(dpkg-query -W -f '${Version}' ejabberd)"
