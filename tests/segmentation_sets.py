"""ADE20K and Cityscapes in their own layouts, one small picture per split."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_segmentation_sets(root: Path) -> None:
    """Writes both sets below a data root: noise, every class somewhere, void at the top."""
    rng = np.random.default_rng(1)
    for ade, split in (("training", "train"), ("validation", "val")):
        picture = rng.integers(0, 255, (90, 130, 3), dtype=np.uint8)
        labels = rng.integers(0, 151, (90, 130), dtype=np.uint8)
        base = root / "ade/ADEChallengeData2016"
        street = rng.integers(0, 255, (128, 256, 3), dtype=np.uint8)
        ids = rng.integers(0, 19, (128, 256), dtype=np.uint8)
        ids[:9] = 255
        city = f"{split}/aachen/aachen_000000_000019"
        for path, array in (
            (base / f"images/{ade}/a.jpg", picture),
            (base / f"annotations/{ade}/a.png", labels),
            (root / f"cityscapes/leftImg8bit/{city}_leftImg8bit.png", street),
            (root / f"cityscapes/gtFine/{city}_gtFine_labelTrainIds.png", ids),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), array)
