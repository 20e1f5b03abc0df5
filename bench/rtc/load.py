"""The media load as Python drives it: builds ``load.c`` with the kernel's SRTP, and reads its result."""

from __future__ import annotations

import ctypes
import dataclasses
import subprocess
from collections.abc import Mapping

from bench.loadgen import BUSY_PCT, GeneratorFailed
from bench.settings import BUILD_DIR, ROOT

KERNEL = ROOT / "src" / "trunkline" / "media" / "kernel"
PARTS = ("srtp.c", "streams.c", "replay.c", "keys.c", "libcrypto.c", "packet.c")
FIELDS = (
    "sent", "received", "lost", "refused", "late", "cpu_s", "samples", "p50_us", "p99_us", "p999_us", "max_us"
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run counted."""

    sent: int
    received: int
    lost: int
    refused: int
    late: int
    cpu_s: float
    samples: int
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float
    seconds: float

    @property
    def generator_pct(self) -> float:
        """How busy the generator's core was with it."""
        return 100 * self.cpu_s / self.seconds

    @property
    def flags(self) -> list[str]:
        """What a reader must know."""
        found = ["generator limit: lower bound"] if self.generator_pct >= BUSY_PCT else []
        found += [f"lost: {self.lost}"] if self.lost else []
        found += [f"refused: {self.refused}"] if self.refused else []
        return found + ([f"generator late {self.late} times"] if self.late else [])


def build() -> ctypes.CDLL:
    """The library, compiled when a source is newer."""
    target = BUILD_DIR / "rtcload.so"
    sources = [ROOT / "bench" / "rtc" / "load.c", *(KERNEL / part for part in PARTS)]
    newest = max(path.stat().st_mtime for path in (*sources, KERNEL / "kernel.h"))
    if not target.exists() or target.stat().st_mtime < newest:
        target.parent.mkdir(parents=True, exist_ok=True)
        words = ["gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-shared", "-fPIC", f"-I{KERNEL}", "-o", str(target)]
        try:
            done = subprocess.run([*words, *map(str, sources), "-ldl"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise GeneratorFailed("gcc is missing") from None
        if done.returncode:
            raise GeneratorFailed(done.stderr)
    library = ctypes.CDLL(str(target))
    library.load_new.restype = ctypes.c_void_p
    library.load_free.argtypes = [ctypes.c_void_p]
    library.load_receiver.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_char_p]
    library.load_sender.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    library.load_stream.argtypes = [
        ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_uint32, ctypes.c_int,
        ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_double, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_int,
    ]  # fmt: skip
    library.load_run.argtypes = [ctypes.c_void_p, ctypes.c_double, ctypes.c_double]
    library.load_result.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_double)]
    return library


class Load:
    """One load: senders, their streams, and receivers."""

    def __init__(self) -> None:
        self._library = build()
        self._load = self._library.load_new()
        if not self._load:
            raise GeneratorFailed("the load cannot be set up: no libcrypto")

    def receiver(self, fd: int, profile: int, master: bytes) -> None:
        """Count what arrives at a socket. Profile 0: in the clear."""
        if self._library.load_receiver(self._load, fd, profile, master) < 0:
            raise GeneratorFailed("too many receivers")

    def sender(self, profile: int, master: bytes) -> int:
        """Keys for streams."""
        number = int(self._library.load_sender(self._load, profile, master))
        if number < 0:
            raise GeneratorFailed("too many senders")
        return number

    def stream(
        self,
        fd: int,
        to: tuple[str, int],
        sender: int,
        ssrc: int,
        payload_type: int,
        *,
        video: bool,
        size: int,
        burst: int,
        rate: float,
        extensions: Mapping[int, bytes] | None = None,
    ) -> None:
        """Paced bursts of packets."""
        block = b"".join(bytes((n, len(value))) + value for n, value in (extensions or {}).items())
        clock_rate = 90_000 if video else 48_000
        made = self._library.load_stream(
            self._load, fd, to[0].encode(), to[1], sender, ssrc, payload_type, video, size, burst, rate, clock_rate,
            block, len(block),
        )  # fmt: skip
        if made < 0:
            raise GeneratorFailed("such a stream is not possible")

    def run(self, seconds: float, collect_s: float = 0) -> Result:
        """Run it; the calling thread is the generator, without the GIL. What arrives is read at once, or so often."""
        self._library.load_run(self._load, seconds, collect_s)
        out = (ctypes.c_double * len(FIELDS))()
        self._library.load_result(self._load, out)
        values = dict(zip(FIELDS, out, strict=True))
        whole = {n: int(values[n]) for n in ("sent", "received", "lost", "refused", "late", "samples")}
        return Result(**{**values, **whole, "seconds": seconds})

    def close(self) -> None:
        """Free it."""
        self._library.load_free(self._load)
