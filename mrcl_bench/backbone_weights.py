"""The one way in which weights enter a backbone: completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from .convert.positions import resize_positions, square_side
from .errors import BenchError, shorten
from .loading import matches
from .record import LoadReport


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
