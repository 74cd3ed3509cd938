"""What most source formats are: a prefix, names of a library's backbone, and kinds of leftovers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..errors import EXIT_USAGE, BenchError
from ..normalisation import IMAGENET
from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

RESNET = r"(conv1|bn1|layer[1-4])\."
"""Start of the backbone's keys in torchvision's ResNet, and in timm's."""
VIT = (
    r"(cls_token$|pos_embed$|reg_token$|patch_embed\.|norm_pre\.|blocks\.|norm\.|fc_norm\.|"
    r"dist_token$|attn_pool\.|rel_pos_bias)"
)
"""Start of the backbone's keys in timm's VisionTransformer; the last line is refused by name."""
EITHER = f"({RESNET}|{VIT})"
MODULE = r"(module\.)?"
"""What DistributedDataParallel puts before every key."""
HALF = {"mean": (127.5, 127.5, 127.5), "std": (127.5, 127.5, 127.5), "channel_order": "rgb"}
"""Mean and std of 0.5 for pixels in 0 … 1, as Google's ViTs are fed."""


@dataclass(frozen=True)
class Layout:
    """A file layout whose backbone goes by the names of torchvision or timm.

    Patterns are regexes, matched from a key's start.

    Attributes:
        name: Of the source format, for messages.
        online: Prefix of the backbone.
        kinds: Kind to the keys to drop; they go before the backbone.
        signs: Each must match some key for the layout to be recognised.
        never: None of these may match any key then.
        momentum: Prefix of its moving average, None where the layout has none.
        names: Backbone keys after the prefix.
    """

    name: str
    online: str
    kinds: Mapping[str, str] = field(default_factory=dict)
    signs: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    momentum: str | None = None
    names: str = EITHER

    def recognises(self, state_dict: Iterable[str]) -> bool:
        """Tells whether the key names are this layout's."""
        return has(state_dict, *self.signs) and not any(has(state_dict, no) for no in self.never)

    def take(self, state_dict: Mapping[str, Tensor], which: Which) -> Conversion:
        """Takes one of the encoders, fed as on ImageNet, by the names of its library.

        Raises:
            BenchError: No backbone key, a key of no known kind, no moving average, or a network
                that is refused by name (see `refuse`).
        """
        wanted, other, left = self.online, self.momentum, "momentum"
        if which == "momentum":
            if self.momentum is None:
                raise no_average(self.name)
            wanted, other, left = self.momentum, self.online, "online"
        kinds = dict(self.kinds)
        if other is not None:
            kinds[left] = f"{other}(?={self.names})"
        found = split(self.name, state_dict, f"{wanted}(?={self.names})", kinds)
        return named(found)


def has(keys: Iterable[str], *patterns: str) -> bool:
    """Tells whether each pattern, matched from the start, matches some key."""
    listed = list(keys)
    return all(any(re.match(pattern, key) for key in listed) for pattern in patterns)


def no_average(name: str) -> BenchError:
    """The error for a moving average asked of a layout that has none."""
    return BenchError(
        f"mrcl-bench reads no moving average of the backbone from {name} files.",
        "Take the encoder that there is: --encoder online.",
        EXIT_USAGE,
    )


def named(conversion: Conversion) -> Conversion:
    """Says by whose names a backbone goes, torchvision's or timm's, and how it was fed (ImageNet).

    Raises:
        BenchError: It is a network that is refused by name; see `refuse`.
    """
    refuse(conversion.backbone)
    keys = conversion.backbone
    plain = "conv1.weight" in keys and "layer2.0.downsample.2.weight" not in keys
    plain = plain or "conv_proj.weight" in keys
    dialect = "torchvision" if plain else "timm"
    return replace(conversion, dialect=dialect, normalisation=IMAGENET)


def refuse(backbone: Mapping[str, Tensor]) -> None:
    """Refuses, with its reason, a backbone that has the names of a known one but is another.

    Raises:
        BenchError: The first convolution of a ResNet is widened or made for small images, or a ViT
            has convolutions for its patch embedding, SwiGLU for its MLP, or
            no position embedding but rotary positions.
    """
    first = backbone.get("conv1.weight")
    if first is not None and first.ndim == 4 and first.shape[-1] < 7:
        raise BenchError(
            f"a ResNet whose first convolution is {first.shape[-1]}x{first.shape[-1]}, for small "
            "images such as CIFAR's, cannot be converted.",
            "Use weights with the usual 7x7 convolution.",
        )
    if first is not None and first.ndim == 4 and first.shape[0] != 64:
        raise BenchError(
            f"a ResNet with {first.shape[0]} channels after its first convolution, widened "
            "throughout, cannot be converted.",
            "Use weights with 64 channels there; wide_resnet50_2 has them.",
        )
    if key := next(
        (k for k in backbone if re.match(r"patch_embed\.(proj\.\d|backbone|stem)", k)), ""
    ):
        raise unsupported(key, "a convolutional stem")
    if key := next((k for k in backbone if re.match(r"blocks\.(\d+\.)+mlp\.(w\d|gate)", k)), ""):
        raise unsupported(key, "SwiGLU")
    first, second = (backbone.get(f"blocks.0.mlp.fc{n}.weight") for n in (1, 2))
    if first is not None and second is not None and first.shape[0] == 2 * second.shape[-1]:
        raise unsupported("blocks.0.mlp.fc1.weight", "SwiGLU (twice the rows that fc2 takes)")
    if key := next((k for k in backbone if "gamma_1" in k and "pos_embed" not in backbone), ""):
        raise unsupported(key, "a ViT of rotary positions, such as DINOv3,")


def unsupported(key: str, reason: str) -> BenchError:
    """The error for a network that no dialect has."""
    return BenchError(f"'{key}': {reason} cannot be converted.", "Use a network without it.")
