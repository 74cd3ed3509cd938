"""Weights: the one safe way to read them, save them, hash them and load them into a backbone."""

from __future__ import annotations

import hashlib
import json
import pickletools
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from .atomic import write_atomic
from .bystanders import stand_ins
from .containers import unwrap
from .convert.positions import resize_positions, square_side
from .errors import BenchError
from .loading import matches
from .plain_pickle import DamagedPickle, RefusedName, load_plain
from .record import LoadReport

SHOWN_KEYS = 20
"""Error messages name this many keys of a kind and count the rest."""
_AGAIN = "Download or copy it again, and compare its sha256 with the publisher's."
_UNTRUSTED = (
    "Ask whoever made it for a .safetensors file or a plain state dict; mrcl-bench never runs "
    "code from weights."
)
_TORCH_MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"
"""Near the start of files that ``torch.save`` wrote before it wrote zip files."""


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
    _check_readable(path)
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    _check_format(path)
    if _is_bare_pickle(path):
        return _load_pickle(path)
    try:
        with torch.serialization.safe_globals(stand_ins()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a hostile file may raise anything
        raise _refused(path, error) from None


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


def load_backbone(
    backbone: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    resample_positions: bool = True,
    beside: Mapping[str, nn.Module] | None = None,
    new: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> LoadReport:
    """Loads weights into a backbone, completely or not at all.

    Every key of the backbone must be found and every weight must be used; the
    one exception is BatchNorm's ``num_batches_tracked``, a counter that no feature
    depends on: the backbone keeps its own where the weights have none. Afterwards
    mmengine's ``init_weights`` passes the backbone by; its Runner would otherwise
    overwrite what was loaded.

    Args:
        backbone: The module to fill, changed in place only on success.
        weights: Key to tensor, without any prefix.
        resample_positions: Whether a ViT's ``pos_embed`` (1, tokens, C) of another
            square grid is resampled; see `mrcl_bench.convert.positions`.
        beside: Further modules, by their name in messages, that hold a part of the backbone under
            the weights' own keys (a ResNet's last stage inside a detection head).
        new: Regular expressions for whole keys of the modules that weights need not have.
        left_out: Regular expressions for whole keys of weights that the modules
            legitimately lack, e.g. ``"ln1[.].*"`` under ``final_norm=False``.

    Returns:
        The number of tensors copied, the keys resampled, as ``missing`` the keys that kept their
        own values because of ``new``, and as ``unexpected`` the weights left out by ``left_out``.

    Raises:
        BenchError: A key is missing, left over or of another shape, two modules have the same
            key, or a pattern of ``new`` fits no key. Nothing was loaded then.
    """
    modules = [backbone, *(beside or {}).values()]
    states = [_tensors(module) for module in modules]
    target = {key: value for state in states for key, value in state.items()}
    _check_distinct(states, beside or {}, target, new)
    left_over = [key for key in weights if key not in target]
    unused = [key for key in left_over if matches(key, left_out)]
    chosen = {key: value for key, value in weights.items() if key in target}
    resized: list[str] = []
    if resample_positions and _fits_after_resampling(target, weights):
        chosen["pos_embed"] = _resample(backbone, target, weights)
        if chosen["pos_embed"].shape == target["pos_embed"].shape:
            resized.append("pos_embed")
    counters = {key for key in target if key.split(".")[-1] == "num_batches_tracked"}
    absent = [key for key in target if key not in chosen and key not in counters]
    fresh = [key for key in absent if matches(key, new)]
    missing = [key for key in absent if key not in fresh]
    unexpected = [key for key in left_over if key not in unused]
    shapes = [
        f"{key} {tuple(value.shape)} into {tuple(target[key].shape)}"
        for key, value in chosen.items()
        if value.shape != target[key].shape
    ]
    kinds = {"missing": missing, "left over": unexpected, "of another shape": shapes}
    faults = [f"{len(keys)} {kind}: {shorten(keys)}" for kind, keys in kinds.items() if keys]
    if faults:
        names = " and ".join([type(backbone).__name__, *(beside or {})])
        raise BenchError(
            f"the weights do not fit the backbone ({names}, {len(target)} keys) "
            f"and nothing was loaded. {'; '.join(faults)}.",
            "Convert them from the right source format (mrcl-bench convert --from …), or use a "
            "protocol for this backbone.",
        )
    for module, state in zip(modules, states, strict=True):
        module.load_state_dict({key: chosen.get(key, state[key]) for key in state}, strict=True)
        for part in module.modules():
            if "_is_init" in vars(part):
                vars(part)["_is_init"] = True
    return LoadReport(loaded=len(chosen), resized=resized, missing=fresh, unexpected=unused)


def shorten(names: Iterable[str]) -> str:
    """Joins names by commas; beyond `SHOWN_KEYS` it gives the number of the rest."""
    listed = list(names)
    more = f" … and {len(listed) - SHOWN_KEYS} more" if len(listed) > SHOWN_KEYS else ""
    return ", ".join(listed[:SHOWN_KEYS]) + more


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise BenchError(f"no weights at {path}.", "Check the path, or make or fetch them first.")
    if not path.is_file():
        raise BenchError(f"{path} is not a file.", "Name the weights file itself.")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise BenchError(f"{path} is empty (0 bytes).", _AGAIN)
    except OSError as error:
        raise BenchError(
            f"cannot read {path}: {error.strerror}.", "Mend its permissions."
        ) from None


def _check_format(path: Path) -> None:
    """Refuses what is no torch checkpoint, by its first bytes and its zip checksums."""
    with path.open("rb") as file:
        head = file.read(1024)
    start = head.lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        raise BenchError(f"{path} is a git-lfs pointer, not the weights.", "Run: git lfs pull")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise BenchError(
            f"{path} is an HTML or XML page, not weights (a login or error page?).",
            "Download it again from the publisher's direct link.",
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        raise BenchError(f"{path} looks like safetensors.", "Rename it to end in .safetensors.")
    if head.startswith(b"PK"):
        _check_zip(path)
    elif not re.match(rb"\x80[\x02-\x05]", head):
        kind = "a text file" if _is_text(head) else "of no known format"
        raise BenchError(f"{path} is {kind}, not a torch checkpoint.", _AGAIN)


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except MemoryError:
        raise
    except Exception:  # a hostile file may raise anything
        raise BenchError(f"{path} is truncated or damaged.", _AGAIN) from None
    if damaged is not None:  # torch itself does not compare the checksums
        raise BenchError(f"{path} is damaged: the checksum of '{damaged}' is wrong.", _AGAIN)


def _is_text(head: bytes) -> bool:
    try:
        return head[:-4].decode().isprintable() or b"\n" in head
    except UnicodeDecodeError:
        return False


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        return dict(load_file(path, device="cpu"))
    except MemoryError:
        raise
    except Exception as error:  # SafetensorError as a rule; a hostile header may raise anything
        raise BenchError(f"{path} is not valid safetensors: {str(error)[:200]}.", _AGAIN) from None


def _is_bare_pickle(path: Path) -> bool:
    """Whether a file is a pickle that ``torch.save`` did not write."""
    with path.open("rb") as file:
        head = file.read(64)
    return head.startswith(b"\x80") and _TORCH_MAGIC not in head


def _load_pickle(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return load_plain(file)
    except RefusedName as error:
        raise BenchError(
            f"refused {path}: loading it would call '{error.name}'.", _UNTRUSTED
        ) from None
    except DamagedPickle as error:
        raise BenchError(f"{path} is truncated or damaged: {str(error)[:200]}.", _AGAIN) from None


def _refused(path: Path, error: Exception) -> BenchError:
    """Builds the error for a file that torch's safe reader refused."""
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    name = found.group(1) if found else _first_foreign_global(path)
    if name:
        return BenchError(f"refused {path}: loading it would call '{name}'.", _UNTRUSTED)
    if isinstance(error, EOFError | OSError) or "EOF" in str(error):
        return BenchError(f"{path} is truncated or damaged.", _AGAIN)
    # torch's own text would tell the user to switch the safe reader off
    reason = str(error).partition("WeightsUnpickler error:")[2].strip().split("\n")[0]
    return BenchError(f"refused {path}: {reason or 'damaged, or no plain state dict'}.", _UNTRUSTED)


def _first_foreign_global(path: Path) -> str | None:
    """Finds the first non-torch name in a pickle by reading its opcodes, not running them."""
    strings: list[str] = []
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
                stream = archive.read(name)
        else:
            stream = path.read_bytes()
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name in ("GLOBAL", "INST"):
                strings = str(argument).split(" ")
            elif "UNICODE" in opcode.name:
                strings.append(str(argument))
            if opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL") and len(strings) > 1:
                if strings[-2].split(".")[0] not in ("torch", "collections"):
                    return ".".join(strings[-2:])
    except Exception:  # only a nicer message depends on it
        return None
    return None


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


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {k: v for k, v in module.state_dict().items() if isinstance(v, Tensor)}


def _check_distinct(
    states: Sequence[Mapping[str, Tensor]],
    beside: Mapping[str, nn.Module],
    target: Mapping[str, Tensor],
    new: Sequence[str],
) -> None:
    """Refuses modules that share a key, and patterns that fit none."""
    if sum(map(len, states)) != len(target):
        twice = [key for key in target if sum(key in state for state in states) > 1]
        raise BenchError(
            f"the backbone and {' and '.join(beside)} have the same keys: {shorten(twice)}.",
            "A weight goes to one place only; mend the network or its loading block.",
        )
    idle = [pattern for pattern in new if not any(matches(key, [pattern]) for key in target)]
    if idle:
        raise BenchError(
            f"nothing in the network is called {shorten(idle)}.",
            "Mend 'new' in the config's loading block.",
        )


def _fits_after_resampling(target: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> bool:
    """Tells whether both sides have a ``pos_embed`` of one width and unequal length."""
    new, old = target.get("pos_embed"), weights.get("pos_embed")
    if new is None or old is None or new.ndim != 3 or old.ndim != 3:
        return False
    return new.shape != old.shape and new.shape[::2] == old.shape[::2]


def _resample(
    backbone: nn.Module, target: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> Tensor:
    """Returns the weights' ``pos_embed`` on the backbone's grid, or unchanged if that cannot be."""
    old = weights["pos_embed"]
    new_extra, old_extra = int("cls_token" in target), int("cls_token" in weights)
    side = square_side(old.shape[1] - old_extra)
    new_side = square_side(target["pos_embed"].shape[1] - new_extra)
    rows, columns = getattr(backbone, "patch_resolution", None) or (new_side, new_side)
    if side is None or rows is None or columns is None or new_extra > old_extra:
        return old
    positions = old[:, old_extra - new_extra :]
    return resize_positions(positions, (rows, columns), prefix=new_extra)
