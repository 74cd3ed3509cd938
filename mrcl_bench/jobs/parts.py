"""The two parts of train: what is fitted, and what hyper-parameters are chosen on."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from .features import held_out


@DATASETS.register_module()
class HeldOutPart:
    """A labelled data set without, or of nothing but, the part that `held_out` draws.

    Args:
        dataset: Config of a data set with ``get_gt_labels``, or one that is built.
        share: Share of each class that is held out, 0 … 1.
        seed: The job's seed.
        held: Whether this is the held-out part.
    """

    def __init__(self, dataset: Any, share: float, seed: int, held: bool) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        hidden = held_out(np.asarray(self.dataset.get_gt_labels()), share, seed)
        self.indices = np.flatnonzero(hidden == held)

    @property
    def metainfo(self) -> Any:
        """The whole data set's."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self.indices[index])]
