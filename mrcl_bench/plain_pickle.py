"""Reads pickles of numpy arrays in plain containers, such as detectron2's, and runs nothing.

A pickle names functions and classes and says what to call with what. Here no name is ever looked
up: the few that numpy's arrays need get stand-ins from this file, which keep what they are given,
and any other name ends the reading. Arrays are built afterwards, out of bytes, type and shape.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from typing import IO, Any, NoReturn

import numpy as np
import torch
from torch import Tensor

_CORES = ("numpy.core", "numpy._core")
_TYPES = {
    *("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?"),
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
}


class RefusedName(Exception):
    """A pickle asked for something else than an array or a plain container.

    Args:
        name: The function or class, with its module.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class DamagedPickle(Exception):
    """A pickle is cut off, or is no pickle of arrays."""


def load_plain(file: IO[bytes]) -> object:
    """Reads a pickle of Python 2 or 3 whose leaves are numpy arrays and plain values.

    Args:
        file: Open for reading; strings of Python 2 are taken as Latin-1.

    Returns:
        Dicts, lists, tuples, None, bool, int, float, str and bytes as stored, and each array and
        numpy scalar as a tensor with memory of its own.

    Raises:
        RefusedName: It names anything else; nothing of it was run.
        DamagedPickle: It is cut off, or an array in it is not whole or of no numeric type.
    """
    raw = file.read()
    whole = _check_memo(raw)
    try:
        return _plain(_Reader(io.BytesIO(raw), encoding="latin1").load())
    except (RefusedName, DamagedPickle):
        raise
    except MemoryError:
        if whole:
            raise
        raise DamagedPickle("it announces more bytes than it has") from None
    except RecursionError:
        raise DamagedPickle("containers are nested without end") from None
    except Exception as error:  # a hostile file may raise anything
        raise DamagedPickle(str(error) or type(error).__name__) from None


def _check_memo(raw: bytes) -> bool:
    """Refuses places in the memo beyond the file's length: room for all before would be made.

    Returns:
        Whether every opcode is whole; if not, the reader says where.
    """
    try:
        for opcode, place, _ in pickletools.genops(raw):
            if opcode.name.endswith("PUT") and isinstance(place, int) and place > len(raw):
                raise DamagedPickle(f"place {place} in a file of {len(raw)} bytes")
    except ValueError:
        return False
    return True


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        calls = _CALLS.get(f"{module}.{name}")
        if calls is None:
            raise RefusedName(f"{module}.{name}")
        return _Call(calls)  # one of its own for each mention, so that none can be prepared

    def persistent_load(self, pid: Any) -> NoReturn:
        raise RefusedName("a persistent object")


class _Call:
    """What stands for a function; it has no state that a pickle could set."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *args: object) -> object:
        return self._function(*args)

    def __setstate__(self, state: object) -> NoReturn:
        raise DamagedPickle("a function cannot have a state")


class _Type:
    """A numpy dtype as pickled."""

    __slots__ = ("_order", "code")

    def __init__(self, code: object, *_: object) -> None:
        self.code = _text(code)
        self._order = "="

    def __setstate__(self, state: Any) -> None:
        # version, byte order, and for structured types: base, names, fields, …
        if not isinstance(state, tuple) or any(part is not None for part in state[2:5]):
            raise DamagedPickle("an array of a structured type")
        self._order = _text(state[1])

    def numpy(self) -> np.dtype[Any]:
        order, code = self._order, self.code
        if code[:1] in "<>=|":
            order, code = code[0], code[1:]
        if code not in _TYPES or order not in ("<", ">", "=", "|"):
            raise DamagedPickle(f"an array of type '{self.code}'")
        return np.dtype(code).newbyteorder(order)  # type: ignore[arg-type]


class _Array:
    """A numpy array as pickled."""

    __slots__ = ("fortran", "raw", "shape", "type")

    def __init__(self) -> None:
        self.type: object = None
        self.shape: Any = ()
        self.raw: object = b""
        self.fortran: object = False

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise DamagedPickle("an array without its shape")
        self.shape, self.type, self.fortran, self.raw = state[-4:]

    def tensor(self) -> Tensor:
        if not isinstance(self.type, _Type):
            raise DamagedPickle("an array without a type")
        kind = self.type.numpy()
        raw = self.raw.encode("latin1") if isinstance(self.raw, str) else self.raw
        shape = self.shape
        if not isinstance(raw, bytes | bytearray) or not isinstance(shape, tuple):
            raise DamagedPickle("an array without bytes")
        if any(type(side) is not int or side < 0 for side in shape):
            raise DamagedPickle("an array without a shape")
        if math.prod(shape) * kind.itemsize != len(raw):
            raise DamagedPickle(f"an array of shape {shape} from {len(raw)} bytes")
        found = np.frombuffer(raw, kind).reshape(shape, order="F" if self.fortran else "C")
        return torch.from_numpy(np.array(found, dtype=kind.newbyteorder("="), order="C"))


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _frombuffer(raw: object, kind: object, shape: object, order: object) -> _Array:
    array = _Array()
    array.raw, array.type, array.shape, array.fortran = raw, kind, shape, order == "F"
    return array


def _scalar(kind: object, raw: object = b"") -> _Array:
    array = _Array()
    array.type, array.raw = kind, raw
    return array


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """Bytes in the form that Python 3 gives them in pickles for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise DamagedPickle("bytes of an unknown form")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Empty bytes, in that form."""
    return b""


def _ordered(*items: Any) -> dict[object, object]:
    return dict(*items)


def _never(*_: object) -> NoReturn:
    raise RefusedName("numpy.ndarray")


_CALLS: dict[str, Callable[..., object]] = {
    **{f"{core}.multiarray._reconstruct": _reconstruct for core in _CORES},
    **{f"{core}.multiarray.scalar": _scalar for core in _CORES},
    **{f"{core}.numeric._frombuffer": _frombuffer for core in _CORES},
    "numpy.dtype": _Type,
    "numpy.ndarray": _never,  # only ever handed to _reconstruct
    "_codecs.encode": _encode,
    **{f"{module}.bytes": _no_bytes for module in ("__builtin__", "builtins")},
    "collections.OrderedDict": _ordered,
}


def _plain(value: object) -> object:
    if isinstance(value, _Array):
        return value.tensor()
    if type(value) is dict:
        return {_key(key): _plain(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        entries: Any = value
        return type(entries)(_plain(entry) for entry in entries)
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    raise DamagedPickle(f"a {type(value).__name__} among the weights")


def _key(key: object) -> object:
    if type(key) not in (str, int):
        raise DamagedPickle("a dict whose keys are no names")
    return key


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        raise DamagedPickle("an array without a type")
    return value
