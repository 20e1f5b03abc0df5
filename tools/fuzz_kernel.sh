#!/usr/bin/env bash
# Runs the fuzz targets of the media kernel with AddressSanitizer and UndefinedBehaviorSanitizer.
#   tools/fuzz_kernel.sh [INPUTS] [SEED]   so many inputs for each target (200,000; a seed of its own for each run)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
inputs="${1:-200000}"
seed="${2:-$RANDOM$RANDOM}"
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
kernel=src/trunkline/media/kernel
mapfile -t sources < <(find "$kernel" -name '*.c' ! -name 'module*.c' | sort)
gcc -O1 -g -std=gnu11 -Wall -Wextra -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -I"$kernel" -o "$place/kernel" tests/fuzz/kernel.c "${sources[@]}" -ldl -lm -pthread
for target in packet payload dependency srtp rewriting redundant feedback reports; do
    # libcrypto keeps what it allocated until the process ends.
    ASAN_OPTIONS=detect_leaks=0 "$place/kernel" "$target" "$seed" "$inputs" || {
        echo "fuzzing $target failed; the same again: tools/fuzz_kernel.sh $inputs $seed" >&2
        exit 1
    }
done
