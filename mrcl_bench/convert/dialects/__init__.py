"""Dialects: the key names of one library's networks, to and from the common names.

The common names are mmpretrain's of its VisionTransformer and, for ResNets, torchvision's, which
OpenMMLab shares; `mrcl_bench.convert.dialects._expected` lists them. A module of this package that
defines what `Dialect` asks for is a dialect, named like the module. There is no list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...discovery import modules_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

__all__ = ["Dialect", "dialects", "remarks"]


class Dialect(Protocol):
    """What a module of this package defines."""

    DESCRIBES: str
    """One line for documents: whose networks these are."""

    def to_common(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Renames this dialect's weights to the common names.

        Args:
            weights: Backbone key to tensor, without prefix or head.

        Returns:
            Common name to the same tensor.

        Raises:
            BenchError: A key has no counterpart, or two keys land on one name.
        """

    def from_common(
        self, weights: Mapping[str, Tensor], architecture: Architecture
    ) -> dict[str, Tensor]:
        """Renames weights by the common names to this dialect's.

        Args:
            weights: Common name to tensor.
            architecture: As read off the weights.

        Returns:
            This dialect's key to tensor; `to_common` undoes it bit for bit.

        Raises:
            BenchError: The library has no such network; a key is missing, left over or of
                another shape.
        """

    def network(self, architecture: Architecture) -> nn.Module:
        """Builds the library's network; the weights in it are of no use yet.

        Raises:
            BenchError: The library has no such network, or is not installed.
        """

    def backbone_config(self, architecture: Architecture) -> dict[str, Any] | None:
        """Returns the ``dict(type=…)`` for a config of OpenMMLab's; None for other libraries.

        It is None, too, where `network` would refuse.
        """

    def features(self, module: nn.Module, images: Tensor) -> dict[str, Tensor]:
        """Runs the network for features that compare across dialects.

        Args:
            module: From `network`, filled, in eval mode.
            images: (N, 3, H, W).

        Returns:
            ViT: ``tokens`` (N, L, C), the patches after a final norm on tokens, and ``cls``
            (N, C) if there is a class token. ResNet: ``stage1`` … ``stage4`` (N, C, h, w).
        """


@lru_cache(maxsize=1)
def dialects() -> dict[str, Dialect]:
    """Finds the dialects: name to module, sorted by name."""
    found = modules_of(__name__, having="from_common")
    return {name: cast(Dialect, module) for name, module in found.items()}


def remarks(name: str, architecture: Architecture) -> list[str]:
    """What a user must know of weights written for a dialect, one sentence each.

    A dialect says it by a function ``remarks(architecture)``, if it has anything to say.

    Args:
        name: Name of the dialect.
        architecture: Of the source.

    Returns:
        The sentences.
    """
    told = getattr(dialects()[name], "remarks", None)
    return list(told(architecture)) if told else []
