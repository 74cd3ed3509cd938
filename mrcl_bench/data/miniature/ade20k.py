"""ADE20K's scene-parsing challenge: label maps of 0 (other) and 1 … 150."""

from __future__ import annotations

import numpy as np

from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.labels import ADE20K_CLASSES
from mrcl_bench.data.miniature.studio import Studio

NAME = "ade20k"
ROOT = "ade/ADEChallengeData2016"
_COUNTS = {"training": 6, "validation": 4}
_PREFIX = {"training": "ADE_train", "validation": "ADE_val"}
SPLITS = tuple(
    f"{ROOT}/{part}/{split}" for part in ("images", "annotations") for split in _COUNTS
)


def write(folder: NewFolder, studio: Studio) -> None:
    """Writes both splits."""
    for split, count in _COUNTS.items():
        for number in range(1, count + 1):
            scene = studio.scene()
            # Every region and object gets a class of its own, drawn among all 150.
            drawn = studio.rng.permutation(np.arange(1, ADE20K_CLASSES + 1, dtype=np.uint8))
            labels = drawn[scene.ground]
            for k, thing in enumerate(scene.things):
                labels[thing.mask] = drawn[-1 - k]
            labels[:4] = 0
            labels[-4:] = ADE20K_CLASSES
            name = f"{split}/{_PREFIX[split]}_{number:08d}"
            folder.write_image(f"{ROOT}/images/{name}.jpg", scene.picture)
            folder.write_image(f"{ROOT}/annotations/{name}.png", labels)
