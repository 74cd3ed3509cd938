"""Cityscapes: one folder per city, label maps in the benchmark's ids and in training ids."""

from __future__ import annotations

import numpy as np

from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.labels import CITYSCAPES_IDS
from mrcl_bench.data.miniature.studio import Studio

NAME = "cityscapes"
_CITIES = {"train": {"aachen": 3, "bochum": 3}, "val": {"frankfurt": 4}}
SPLITS = tuple(f"cityscapes/{part}/{split}" for part in ("leftImg8bit", "gtFine") for split in _CITIES)
_VOID = 255


def write(folder: NewFolder, studio: Studio) -> None:
    """Writes both splits."""
    to_label = np.zeros(256, np.uint8)
    to_label[list(CITYSCAPES_IDS)] = list(CITYSCAPES_IDS.values())
    for split, cities in _CITIES.items():
        for city, count in cities.items():
            for number in range(count):
                scene = studio.scene()
                drawn = studio.rng.permutation(np.arange(len(CITYSCAPES_IDS), dtype=np.uint8))
                labels = drawn[scene.ground]
                for k, thing in enumerate(scene.things):
                    labels[thing.mask] = drawn[-1 - k]
                labels[-6:] = _VOID  # the car's bonnet
                stem = f"{split}/{city}/{city}_{number:06d}_000019"
                folder.write_image(f"cityscapes/leftImg8bit/{stem}_leftImg8bit.png", scene.picture)
                gold = f"cityscapes/gtFine/{stem}_gtFine"
                folder.write_image(f"{gold}_labelTrainIds.png", labels)
                folder.write_image(f"{gold}_labelIds.png", to_label[labels])
