"""ImageNet (ILSVRC 2012): 1,000 class folders in ``train`` and ``val``.

Configs and `mrcl_bench.data.locate` ask for all 1,000 classes. The first `FULL` have several
pictures, so that probes find something to hold out; each other class has one in either split, and
all of these are copies of a few.
"""

from __future__ import annotations

import cv2
import numpy as np

from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.labels import imagenet_ids
from mrcl_bench.data.miniature.studio import Studio
from mrcl_bench.data.source import Image

NAME = "imagenet"
SPLITS = ("imagenet/train", "imagenet/val")
FULL = 4
"""Classes with `TRAIN` pictures for training and `VAL` for validation."""
TRAIN, VAL = 6, 2
_CLASSES = 1000
_COPY = 64
"""Side of the pictures that are copied into most of the classes, pixels."""


def write(folder: NewFolder, studio: Studio) -> None:
    """Writes both splits."""
    ids = imagenet_ids() or tuple(f"n{1440764 + 1000 * k:08d}" for k in range(_CLASSES))
    copies = [_jpeg(studio.portrait(label, _COPY)) for label in range(12)]
    number = 0
    for label, name in enumerate(ids):
        for k in range(TRAIN if label < FULL else 1):
            content = _jpeg(studio.portrait(label)) if label < FULL else copies[label % 12]
            folder.write(f"imagenet/train/{name}/{name}_{k + 1}.JPEG", content)
        for _ in range(VAL if label < FULL else 1):
            number += 1
            content = _jpeg(studio.portrait(label)) if label < FULL else copies[label % 12]
            folder.write(f"imagenet/val/{name}/ILSVRC2012_val_{number:08d}.JPEG", content)


def _jpeg(pixels: Image) -> bytes:
    done, content = cv2.imencode(".jpg", np.ascontiguousarray(pixels))
    if not done:
        raise RuntimeError("OpenCV cannot write a JPEG")
    return content.tobytes()
