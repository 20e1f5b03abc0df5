#!/usr/bin/env bash
# Runs the tests of the native link path and of the media kernel with AddressSanitizer and UndefinedBehaviorSanitizer in it, also in the servers
# they start (but for one that has to start them quickly), and the packet thread's with ThreadSanitizer; then builds it as usual again. Reports go to build/sanitize and make it fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=.venv/bin/python
reports="$PWD/build/sanitize"
rm -rf "$reports"
mkdir -p "$reports"
trap '"$python" hatch_build.py' EXIT
"$python" hatch_build.py -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
# Memory from malloc, or Python's own allocator would hide what goes wrong. Python itself leaks on purpose at exit.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
    ASAN_OPTIONS="detect_leaks=0:log_path=$reports/asan" UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/ubsan" \
    "$python" -m pytest -q -p no:cacheprovider --timeout=120 \
    tests/property/link/test_native_requests.py tests/property/link/test_native_records.py tests/property/media/test_kernel_packets.py \
    tests/property/media/test_kernel_srtp.py tests/property/media/test_kernel_thread.py \
    tests/property/media/test_kernel_forwarding.py tests/unit/media/test_packet_thread.py tests/unit/media/test_pacing.py tests/unit/media/test_dtls.py tests/integration/link -k "not json and not survive_kills" "$@"
# Two threads share the packet thread's memory: its tests once more, with the thread sanitizer.
"$python" hatch_build.py -O1 -g -fsanitize=thread
LD_PRELOAD="$(gcc -print-file-name=libtsan.so)" TSAN_OPTIONS="log_path=$reports/tsan report_signal_unsafe=0" \
    setarch -R "$python" -m pytest -q -p no:cacheprovider --timeout=120 tests/unit/media/test_packet_thread.py tests/unit/media/test_pacing.py
if compgen -G "$reports/*" >/dev/null; then
    cat "$reports"/*
    exit 1
fi
tools/fuzz_kernel.sh
