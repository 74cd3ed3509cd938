"""Weights: the one safe way to read them, save them and hash them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from .atomic import write_atomic
from .bystanders import stand_ins
from .checkpoint_format import (
    check_format,
    check_readable,
    is_bare_pickle,
    read_pickle,
    read_safetensors,
    refused,
)
from .containers import unwrap
from .errors import BenchError, shorten


def load_checkpoint(path: Path) -> object:
    """Reads a weights file without ever running code from it.

    ``.safetensors`` goes through safetensors, pickles of numpy arrays (detectron2's ``.pkl``)
    through `mrcl_bench.plain_pickle`, everything else through ``torch.load(weights_only=True)``.
    What mmengine, Lightning and argparse store beside the weights is replaced by inert objects.

    Args:
        path: The file.

    Returns:
        What the file holds, tensors on the CPU; a dict for every usual checkpoint.

    Raises:
        BenchError: The file is missing, empty, no checkpoint (HTML, text),
            truncated or damaged, or a pickle that asks for anything but tensors
            and plain containers.
    """
    check_readable(path)
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    check_format(path)
    if is_bare_pickle(path):
        return read_pickle(path)
    try:
        with torch.serialization.safe_globals(stand_ins()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a hostile file may raise anything
        raise refused(path, error) from None


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Reads the weights of a file: a plain state dict, or one in a usual wrapper.

    See `mrcl_bench.containers.unwrap` for wrappers, and for the prefixes of weights that the file
    keeps in several dicts.

    Args:
        path: The file; see `load_checkpoint`.

    Returns:
        Parameter or buffer name to CPU tensor, as stored.

    Raises:
        BenchError: As `load_checkpoint`; or there are no tensors in it, or
            something between the tensors is none.
    """
    content = unwrap(load_checkpoint(path))
    if not isinstance(content, Mapping):
        raise BenchError(
            f"{path} holds a {type(content).__name__}, not a dict of tensors.",
            "Save the model's state_dict() instead.",
        )
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise BenchError(
            f"no tensors in {path}; it holds: {shorten(map(str, content)) or 'nothing'}.",
            "Give the file with the weights: a state dict, or one under 'state_dict' or 'model'.",
        )
    strange = [str(k) for k, v in content.items() if k not in tensors or not isinstance(k, str)]
    if strange:
        raise BenchError(
            f"{path} mixes weights with entries that are no tensors: {shorten(strange)}.",
            "Save the weights alone, under the key 'state_dict'.",
        )
    return tensors


def save_weights(path: Path, state_dict: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Writes ``{'state_dict', 'meta'}`` atomically, in a form that every safe reader accepts.

    Equal input gives equal bytes. `load_state_dict` and mmengine's
    ``load_checkpoint`` read it.

    Args:
        path: Destination.
        state_dict: Name to tensor; saved detached, contiguous, on the CPU, each
            with a storage of its own.
        meta: Plain values only: None, bool, int, float, str, and lists, tuples and
            dicts of them.

    Raises:
        TypeError: A value in ``meta`` is not plain, or a weight is no tensor.
    """
    _check_plain(meta, "meta")
    content = {"state_dict": own_storage(state_dict), "meta": dict(meta)}

    def write(file: BinaryIO) -> None:
        torch.save(content, file)

    write_atomic(path, write)


def own_storage(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Detaches weights for a file, and copies those that share memory.

    A view drags its whole base into the file, a tied weight comes back tied or is refused.

    Args:
        state_dict: Name to tensor.

    Returns:
        Name to tensor: contiguous, on the CPU, each with a storage of its own.

    Raises:
        TypeError: A weight is no tensor.
    """
    taken: set[int] = set()
    weights: dict[str, Tensor] = {}
    for key, value in state_dict.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"state_dict['{key}'] is a {type(value).__name__}, not a tensor")
        tensor = value.detach().cpu().contiguous()
        storage = tensor.untyped_storage()
        if storage.nbytes() != tensor.nbytes or storage.data_ptr() in taken:
            tensor = tensor.clone()
        taken.add(tensor.untyped_storage().data_ptr())
        weights[key] = tensor
    return weights


def state_dict_sha256(state_dict: Mapping[str, Tensor]) -> str:
    """Hashes weights independently of the file around them and of the keys' order.

    Args:
        state_dict: Name to dense tensor, on any device.

    Returns:
        Hex sha256 over the sorted keys with each tensor's dtype, shape and bytes.
    """
    digest = hashlib.sha256()
    for key in sorted(state_dict):
        tensor = state_dict[key].detach().cpu().contiguous()
        head = json.dumps([key, str(tensor.dtype), list(tensor.shape), tensor.nbytes]).encode()
        digest.update(head + b"\n")
        if tensor.nbytes:
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check_plain(value: object, where: str) -> None:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if type(key) not in (str, int):
                raise TypeError(f"{where} has a key of type {type(key).__name__}")
            _check_plain(entry, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            _check_plain(entry, f"{where}[{index}]")
    elif value is not None and type(value) not in (bool, int, float, str):
        raise TypeError(f"{where} is a {type(value).__name__}, not a plain value")
