"""The C generator's own arithmetic: what it reports must be what happened."""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from bench import loadgen

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.POINTER(ctypes.c_uint8)), ("len", ctypes.c_size_t), ("cap", ctypes.c_size_t)]

    def taken(self) -> bytes:
        return ctypes.string_at(self.data, self.len)


class Writer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t), ("cap", ctypes.c_size_t)]


class Reader(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("end", ctypes.c_void_p), ("bad", ctypes.c_bool)]


class BodyId(ctypes.Structure):
    _fields_ = [("sender", ctypes.c_uint32), ("number", ctypes.c_uint32)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    target = tmp_path_factory.mktemp("gen") / "gen.so"
    sources = [str(loadgen.SOURCES / f"{name}.c") for name in ("hist", "ws", "mpack", "net", "body")]
    subprocess.run(["gcc", "-O1", "-std=gnu11", "-shared", "-fPIC", "-o", str(target), *sources], check=True)
    loaded = ctypes.CDLL(str(target))
    loaded.hist_quantile_ns.restype = ctypes.c_int64
    loaded.hist_record.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    loaded.hist_quantile_ns.argtypes = [ctypes.c_void_p, ctypes.c_double]
    loaded.mpack_put_uint.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    loaded.mpack_find.restype = ctypes.c_bool
    loaded.body_write.argtypes = [ctypes.c_char_p, ctypes.c_uint32, BodyId]
    loaded.body_read.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.c_void_p]
    loaded.body_read.restype = ctypes.c_bool
    return loaded


@pytest.mark.parametrize("seed", range(5))
def test_quantiles_are_never_understated_and_at_most_two_percent_over(library: ctypes.CDLL, seed: int) -> None:
    chance = random.Random(seed)
    values = [int(10 ** chance.uniform(0, 10)) for _ in range(5000)]
    histogram = ctypes.create_string_buffer(64 * 1024)
    library.hist_clear(histogram)
    for value in values:
        library.hist_record(histogram, value)
    values.sort()
    for quantile in (0.0, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact = values[min(len(values) - 1, int(quantile * len(values)))]
        found = library.hist_quantile_ns(histogram, quantile)
        assert exact <= found <= exact * 1.02 + 1


def test_empty_histogram_has_no_latency(library: ctypes.CDLL) -> None:
    histogram = ctypes.create_string_buffer(64 * 1024)
    library.hist_clear(histogram)
    assert library.hist_quantile_ns(histogram, 0.99) == 0


@pytest.mark.parametrize("size", [0, 1, 7, 8, 125, 126, 1000, 65535, 65536, 100_000])
def test_frames_are_masked_and_hold_their_payload(library: ctypes.CDLL, size: int) -> None:
    payload = bytes(index * 7 & 255 for index in range(size))
    buffer = Buffer()
    library.ws_put_frame(ctypes.byref(buffer), 2, payload, ctypes.c_size_t(size))
    frame = buffer.taken()
    assert frame[0] == 0x82
    assert frame[1] & 0x80
    at, length = 2, frame[1] & 127
    if length >= 126:
        wide = 2 if length == 126 else 8
        length, at = int.from_bytes(frame[2 : 2 + wide]), 2 + wide
    mask, body = frame[at : at + 4], frame[at + 4 :]
    assert length == size
    assert any(mask)
    assert bytes(byte ^ mask[index & 3] for index, byte in enumerate(body)) == payload


@pytest.mark.parametrize("value", [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1])
def test_integers_are_messagepack(library: ctypes.CDLL, value: int) -> None:
    room = ctypes.create_string_buffer(16)
    writer = Writer(ctypes.cast(room, ctypes.c_char_p), 0, 16)
    library.mpack_put_uint(ctypes.byref(writer), value)
    assert msgspec.msgpack.decode(room.raw[: writer.len]) == value


OTHERS: list[object] = [
    None,
    True,
    -1,
    -40_000,
    2**40,
    1.5,
    "x" * 300,
    b"y" * 70_000,
    [1, [2, {"a": 3}]],
    {"k": {"l": []}},
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda value: type(value).__name__)
def test_finding_a_key_passes_any_value_before_it(library: ctypes.CDLL, other: object) -> None:
    data = msgspec.msgpack.encode({"before": other, "content": 5, "after": other})
    room = ctypes.create_string_buffer(data, len(data))
    start = ctypes.addressof(room)
    reader = Reader(start, start + len(data), False)
    assert library.mpack_find(ctypes.byref(reader), b"content")
    assert room.raw[reader.at - start] == 5
    reader = Reader(start, start + len(data), False)
    assert not library.mpack_find(ctypes.byref(reader), b"absent")


@pytest.mark.parametrize("cut", [1, 5, 9, 12])
def test_a_cut_value_is_not_read_past_its_end(library: ctypes.CDLL, cut: int) -> None:
    data = msgspec.msgpack.encode({"before": "x" * 20, "content": 5})[:-cut]
    room = ctypes.create_string_buffer(data, len(data))
    start = ctypes.addressof(room)
    reader = Reader(start, start + len(data), False)
    found = library.mpack_find(ctypes.byref(reader), b"content")
    assert reader.bad or (found and reader.at == start + len(data))
    assert reader.at <= start + len(data)


def test_a_body_names_its_sender_and_number(library: ctypes.CDLL) -> None:
    room = ctypes.create_string_buffer(100)
    library.body_write(room, 100, BodyId(1999, 0xFFFFFFFE))
    found = BodyId()
    assert library.body_read(room, 100, ctypes.byref(found))
    assert (found.sender, found.number) == (1999, 0xFFFFFFFE)
    assert not library.body_read(b"#0000000g.00000001#", 19, ctypes.byref(found))
    assert not library.body_read(room, 18, ctypes.byref(found))


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bin") / "loadgen"
    command = ["gcc", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", str(target)]
    subprocess.run(command + [str(path) for path in sorted(loadgen.SOURCES.glob("*.c"))], check=True)
    return target


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "usage:"),
        (["pair"], "usage:"),
        (["pair", "--protocol", "mqtt", "--port", "1", "--sessions", "3"], "even number"),
        (["pair", "--protocol", "mqtt", "--port", "1", "--sessions", "x"], "not a number"),
        (["pair", "--protocol", "smoke", "--port", "1", "--sessions", "2"], "unknown protocol"),
        (["pair", "--protocol", "link", "--port", "1", "--sessions", "2"], "--tokens"),
        (["pair", "--protocol", "mqtt", "--port", "1", "--sessions", "2"], "connect"),
    ],
)
def test_the_generator_says_what_is_wrong(generator: Path, arguments: list[str], says: str) -> None:
    done = subprocess.run([str(generator), *arguments], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode != 0
    assert says in done.stderr
    assert done.stdout == ""
