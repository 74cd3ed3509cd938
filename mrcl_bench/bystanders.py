"""Stand-ins for what is pickled beside weights: read without running it."""

from __future__ import annotations

from typing import Any


class _Inert:
    """Stands in for what is pickled beside the weights; keeps nothing, runs nothing."""

    def __new__(cls, *_args: object, **_kwargs: object) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *_args: object, **_kwargs: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


_LIGHTNING = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric")
_OMEGACONF = (
    *("dictconfig.DictConfig", "listconfig.ListConfig", "base.ContainerMetadata", "base.Metadata"),
    *(f"nodes.{kind}Node" for kind in ("Any", "String", "Integer", "Float", "Boolean")),
)
# Names that training frameworks write beside the weights. None of them is ever looked up: the
# reader puts `_Inert` in their place, so that even "builtins.getattr" (mmengine's HistoryBuffer
# pickles its methods through it) does nothing.
_BYSTANDERS = [
    "argparse.Namespace",
    "builtins.getattr",
    "mmengine.logging.history_buffer.HistoryBuffer",
    *(f"numpy.{name}" for name in ("dtype", "ndarray")),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Bool", "Int32", "Int64", "Float32", "Float64")),
    *(f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")),
    *(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")),
    # settings and callbacks in Lightning's checkpoints
    *(f"omegaconf.{name}" for name in _OMEGACONF),
    *(f"{base}.callbacks.model_checkpoint.ModelCheckpoint" for base in _LIGHTNING[:2]),
    *(f"{base}.callbacks.early_stopping.EarlyStopping" for base in _LIGHTNING[:2]),
    *(f"builtins.{name}" for name in ("dict", "list", "tuple", "int", "float", "str", "bool")),
    *("typing.Any", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath"),
    *("pathlib._local.PosixPath", "pathlib._local.WindowsPath"),
]
# Dicts of their own class; plain ones take their place.
_DICTS = [
    *(f"{base}.utilities.parsing.AttributeDict" for base in _LIGHTNING),
    *(f"{base}.utilities.data.AttributeDict" for base in _LIGHTNING),
    *("vissl.config.attr_dict.AttrDict", "vissl.utils.hydra_config.AttrDict"),
]


def _default_dict(*_: object) -> dict[object, object]:
    """Stands in for ``collections.defaultdict``."""
    return {}


def stand_ins() -> list[Any]:
    """Pairs of a stand-in and the name it goes for, for ``torch.serialization.safe_globals``."""
    pairs: list[Any] = [(_Inert, name) for name in _BYSTANDERS]
    pairs += [(dict, name) for name in _DICTS]
    return [*pairs, (_default_dict, "collections.defaultdict")]
