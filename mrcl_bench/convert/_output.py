"""Where converted weights go: a folder, or one weights file with a manifest beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import write_atomic
from ..errors import EXIT_USAGE, BenchError
from .manifest import MANIFEST_NAME, WEIGHTS_NAME

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = (".pth", ".pt", ".safetensors")
_FOREIGN = (".bin", ".ckpt", ".pkl", ".npz", ".onnx", ".h5", ".msgpack", ".json")


@dataclass(frozen=True)
class Output:
    """The two files of a conversion."""

    weights: Path
    manifest: Path

    @classmethod
    def at(cls, out: Path) -> Output:
        """Reads ``--out``: a weights file by its suffix, else a folder.

        Raises:
            BenchError: The suffix is one that is not written, or a file lies where the folder is
                to be (or the other way round).
        """
        if out.suffix in _FOREIGN:
            raise BenchError(
                f"cannot write {out.name}: weights are written as .safetensors or .pth.",
                f"Choose --out {out.with_suffix('.safetensors')}, or a folder.",
                EXIT_USAGE,
            )
        if out.suffix in FORMATS and not out.is_dir():
            return cls(out, out.with_suffix(".manifest.json"))
        if out.exists() and not out.is_dir():
            raise BenchError(
                f"{out} is a file, not a folder.",
                "Choose a folder, or a file that ends in .safetensors or .pth.",
                EXIT_USAGE,
            )
        return cls(out / WEIGHTS_NAME, out / MANIFEST_NAME)

    def write(self, weights: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
        """Writes the weights atomically; equal input gives equal bytes.

        A folder's ``backbone.pth`` holds ``{'state_dict', 'meta'}``; a file of its own holds the
        weights and nothing else, so that ``model.load_state_dict`` takes them as they are.
        """
        from ..checkpoint import own_storage, save_weights

        if self.weights.name == WEIGHTS_NAME and self.manifest.name == MANIFEST_NAME:
            save_weights(self.weights, weights, meta)
            return
        own = own_storage(weights)
        if self.weights.suffix == ".safetensors":
            from safetensors.torch import save

            data = save(own, metadata={"format": "pt"})
            write_atomic(self.weights, lambda file: file.write(data))
        else:
            import torch

            write_atomic(self.weights, lambda file: torch.save(own, file))
