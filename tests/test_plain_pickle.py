"""Numpy pickles are read, and nothing else in them ever happens."""

from __future__ import annotations

import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.checkpoint import load_checkpoint, load_state_dict  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.plain_pickle import DamagedPickle, RefusedName, load_plain  # noqa: E402

ARRAYS: list[np.ndarray[Any, Any]] = [
    np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    np.arange(6, dtype=">f4").reshape(3, 2),
    np.array([True, False]),
    np.array(7, dtype=np.int64),
    np.zeros((0, 3), dtype=np.float16),
    np.arange(3, dtype=np.uint8)[::-1],
]


def read(content: bytes) -> Any:
    return load_plain(io.BytesIO(content))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_arrays_of_every_protocol(protocol: int) -> None:
    content = {"model": dict(enumerate(ARRAYS)), "__author__": "x", "n": [1, 2.5, None, (True,)]}
    found = read(pickle.dumps(content, protocol=protocol))
    assert found["__author__"] == "x"
    assert found["n"] == [1, 2.5, None, (True,)]
    for number, array in enumerate(ARRAYS):
        tensor = found["model"][number]
        assert tuple(tensor.shape) == array.shape
        assert tensor.numpy().dtype == array.dtype.newbyteorder("=")
        assert np.array_equal(tensor.numpy(), array)
        tensor.sum()
    assert read(pickle.dumps(np.float32(2.5), protocol=protocol)).item() == 2.5


def test_python_2s_strings_are_bytes() -> None:
    raw = struct.pack("<2f", 1.5, -2.0)
    stream = (
        b"\x80\x02}U\x07conv1_wcnumpy.core.multiarray\n_reconstruct\n"
        b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08" + raw + b"tbs."
    )
    assert read(stream)["conv1_w"].tolist() == [1.5, -2.0]


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def attacks(target: Path) -> dict[str, Any]:
    from numpy import dtype
    from numpy.lib import npyio

    reconstruct = np.zeros(1).__reduce__()[0]
    run = f"mkdir {target}"
    return {
        "os.system": Call(os.system, run),
        "os.mkdir": Call(os.mkdir, str(target)),
        "nested": {"model": {"conv1_w": np.ones(2), "x": [({"y": Call(os.system, run)},)]}},
        "as a key": {(1, Call(os.system, run)): 1},
        "eval": Call(eval, f"__import__('os').mkdir({str(target)!r})"),
        "getattr": Call(getattr, Call(__import__, "os"), "mkdir"),
        "getattr of a number": Call(getattr, 1, "real"),
        "numpy reduce, subtype": Call(reconstruct, Call(os.system, run), (0,), b"b"),
        "numpy reduce, shape": Call(reconstruct, np.ndarray, (Call(os.system, run),), b"b"),
        "numpy.dtype of code": Call(dtype, Call(os.system, run)),
        "numpy.load": Call(npyio.NpzFile, Call(open, str(target), "wb")),
        "numpy.ndarray": Call(np.ndarray, (2,), "f4"),
        "numpy.fromfile": Call(np.fromfile, "/etc/hostname", "u1"),
        "objects": np.array([Call(os.system, run)], dtype=object),
        "structured": np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]),
        "text": np.array(["a"]),
        "set": {1, 2},
        "path": {"w": Path("x")},
    }


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", attacks(Path("x")))
def test_attacks_are_refused_and_never_run(tmp_path: Path, name: str, protocol: int) -> None:
    target = tmp_path / "fired"
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(attacks(target)[name], protocol=protocol))
    with pytest.raises(BenchError) as caught:
        load_checkpoint(path)
    assert str(path) in caught.value.what
    assert caught.value.cure
    assert not target.exists()


def hand(*lines: bytes) -> bytes:
    return b"\x80\x02" + b"".join(lines) + b"."


STREAMS = {
    "a state for a function": hand(b"c_codecs\nencode\n}U\x01aK\x01sb"),
    "slots for a function": hand(b"c_codecs\nencode\n(N}U\x0c__defaults__U\x01astb"),
    "a new object of a function": hand(b"c_codecs\nencode\n)\x81"),
    "an old-style instance": hand(b"(ios\nsystem\n"),
    "an old-style instance of ours": hand(b"(inumpy\nndarray\n"),
    "an object of a string": hand(b"U\x01a(tR"),
    "a state for a dict": hand(b"}}U\x04keysK\x01sb"),
    "a persistent object": hand(b"U\x01aQ"),
    "an extension": hand(b"\x82\x01"),
    "a dotted name": hand(b"cnumpy\ndtype.__init__.__globals__\n"),
    "a list within itself": hand(b"]q\x00h\x00a"),
    "an array of another size": hand(
        b"cnumpy.core.numeric\n_frombuffer\n(U\x04abcdcnumpy\ndtype\nU\x02f4\x85RK\x63\x85U\x01CtR"
    ),
    "an array of no type": hand(b"cnumpy.core.multiarray\n_reconstruct\n(tR"),
    "a negative side": hand(
        b"cnumpy.core.numeric\n_frombuffer\n(U\x00cnumpy\ndtype\nU\x02f4\x85R"
        b"J\xff\xff\xff\xffK\x00\x86U\x01CtR"
    ),
    "python's own reader": hand(b"cpickle\nloads\n(U\x01.tR"),
    "numpy's own names": hand(b"cnumpy\nload\n(U\x01xtR"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_by_hand_are_refused(name: str) -> None:
    with pytest.raises((RefusedName, DamagedPickle)):
        read(STREAMS[name])


def test_nothing_stays_between_two_files() -> None:
    for name in ("a state for a function", "slots for a function"):
        with pytest.raises((RefusedName, DamagedPickle)):
            read(STREAMS[name])
    again = read(pickle.dumps(np.ones(2, np.float32), protocol=2))
    assert again.tolist() == [1, 1]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_cut_off_files(tmp_path: Path, share: float) -> None:
    data = pickle.dumps({"conv1_w": np.ones(500, np.float32)}, protocol=2)
    path = tmp_path / "R-50.pkl"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BenchError, match="truncated or damaged"):
        load_checkpoint(path)


def test_detectron2s_file_becomes_a_state_dict(tmp_path: Path) -> None:
    weights = {"stem.conv1.weight": np.ones((2, 3), np.float32)}
    path = tmp_path / "R-50.pkl"
    for content in (
        {"model": weights, "__author__": "torchvision", "matching_heuristics": True},
        {"blobs": weights, "cfg": "MODEL: {}"},
        weights,
    ):
        path.write_bytes(pickle.dumps(content, protocol=2))
        assert load_state_dict(path)["stem.conv1.weight"].shape == (2, 3)


def test_a_place_in_the_memo_beyond_the_file_makes_no_room() -> None:
    """The reader would fill a list up to it: tens of gigabytes for a file of ten bytes."""
    raw = b"\x80\x02}r\xff\xff\xff\x7f."
    with pytest.raises(DamagedPickle, match="place 2147483647"):
        load_plain(io.BytesIO(raw))
