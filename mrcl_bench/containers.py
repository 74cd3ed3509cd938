"""What trainers wrap state dicts in, taken off."""

from __future__ import annotations

from collections.abc import Mapping

from .convert._average import AVERAGE

WRAPPERS = (
    *("state_dict", "model", "model_state_dict", "model_state", "net", "network", "module"),
    *("weights", "classy_state_dict", "base_model", "blobs"),
)
"""Keys under which trainers keep the weights: PyTorch's own examples, Lightning and OpenMMLab
(``state_dict``), timm, MAE and detectron2 (``model``), VISSL (``classy_state_dict`` >
``base_model`` > ``model``), Caffe2 (``blobs``)."""
AVERAGES = ("state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "ema")
"""Keys of an average of all weights beside them: timm, mmengine, DeiT and others."""
PARTS = {
    "student": "student",
    "teacher": "teacher",
    "trunk": "trunk",
    "heads": "heads",
    "online_network_state_dict": "online_network",
    "target_network_state_dict": "target_network",
}
"""Keys of dicts that only together are the weights, to the prefix of their keys: DINO's two
networks, VISSL's trunk and heads, the two networks of sthalles' PyTorch-BYOL."""


def unwrap(content: object) -> object:
    """Takes a state dict out of what trainers keep around it.

    Args:
        content: What a file holds.

    Returns:
        The innermost dict of weights, or `content` itself where nothing is known around it. Weights
        that the trainer splits go by their part's name (``student.``, ``teacher.`` …), and an
        average of all weights by `mrcl_bench.convert._average.AVERAGE`.
    """
    if not isinstance(content, Mapping):
        return content
    inner = next((content[k] for k in WRAPPERS if isinstance(content.get(k), Mapping)), None)
    average = next((content[k] for k in AVERAGES if isinstance(content.get(k), Mapping)), None)
    if inner is None:
        parts = {k: content[k] for k in PARTS if isinstance(content.get(k), Mapping)}
        if parts:
            return {
                f"{PARTS[part]}.{key}": value
                for part, weights in parts.items()
                for key, value in weights.items()
            }
        return content if average is None else unwrap(average)
    weights = unwrap(inner)
    averaged = unwrap(average)
    if not isinstance(weights, Mapping) or not isinstance(averaged, Mapping):
        return weights
    return {**weights, **{f"{AVERAGE}{key}": value for key, value in averaged.items()}}
