"""Layer-wise learning-rate decay for detectors and segmenters over mmpretrain backbones."""

from __future__ import annotations

from collections.abc import Callable

from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmpretrain.engine.optimizers import LearningRateDecayOptimWrapperConstructor
from torch import nn


# In the root registry, where mmdet's and mmseg's look-up ends; mmdet's and mmseg's own
# constructors know other backbones' key names only.
@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class BackboneLayerDecay(LearningRateDecayOptimWrapperConstructor):
    """mmpretrain's constructor for any model that holds an mmpretrain ViT as ``backbone``.

    mmpretrain asks the model for ``get_layer_depth``, which only its own classifiers have.
    This one asks ``model.backbone``. With L blocks and rate r, the learning rate is scaled by
    r ** (L + 1) in the patch and position embeddings, by r ** (L - i) in block i = 0 … L - 1,
    and by 1 in the final norm and everything outside the backbone.

    ``paramwise_cfg`` takes ``layer_decay_rate``, ``norm_decay_mult``, ``bias_decay_mult``,
    ``flat_decay_mult`` and ``custom_keys`` with ``decay_mult``, as mmpretrain's does.
    """

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = "",
        get_layer_depth: Callable[[str], tuple[int, int]] | None = None,
        **kwargs: object,
    ) -> None:
        """Adds one parameter group per parameter.

        Args:
            params: Groups so far; changed in place.
            module: The model, or inside the recursion one of its parts.
            prefix: The part's place in the model.
            get_layer_depth: Parameter name to (depth, number of depths).
            **kwargs: Not used.

        Raises:
            TypeError: The model has no backbone with ``get_layer_depth``.
        """
        if get_layer_depth is None:
            backbone = getattr(module, "backbone", None)
            if not hasattr(backbone, "get_layer_depth"):
                raise TypeError(
                    f"layer decay needs a backbone with get_layer_depth, such as "
                    f"mmpretrain.VisionTransformer, not {type(backbone).__name__}."
                )

            def get_layer_depth(name: str) -> tuple[int, int]:
                return backbone.get_layer_depth(name, "backbone.")

        super().add_params(params, module, prefix=prefix, get_layer_depth=get_layer_depth)
