"""The published labels of the public sets: what a file of theirs must say."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

# fmt: off
COCO_CATEGORIES: dict[int, str] = {
    1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train", 8: "truck", 9: "boat", 10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter", 15: "bench", 16: "bird", 17: "cat", 18: "dog", 19: "horse", 20: "sheep", 21: "cow", 22: "elephant", 23: "bear", 24: "zebra", 25: "giraffe", 27: "backpack", 28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase", 34: "frisbee", 35: "skis", 36: "snowboard", 37: "sports ball", 38: "kite", 39: "baseball bat", 40: "baseball glove", 41: "skateboard", 42: "surfboard", 43: "tennis racket", 44: "bottle", 46: "wine glass", 47: "cup", 48: "fork", 49: "knife", 50: "spoon", 51: "bowl", 52: "banana", 53: "apple", 54: "sandwich", 55: "orange", 56: "broccoli", 57: "carrot", 58: "hot dog", 59: "pizza", 60: "donut", 61: "cake", 62: "chair", 63: "couch", 64: "potted plant", 65: "bed", 67: "dining table", 70: "toilet", 72: "tv", 73: "laptop", 74: "mouse", 75: "remote", 76: "keyboard", 77: "cell phone", 78: "microwave", 79: "oven", 80: "toaster", 81: "sink", 82: "refrigerator", 84: "book", 85: "clock", 86: "vase", 87: "scissors", 88: "teddy bear", 89: "hair drier", 90: "toothbrush"
}
"""Category id to name in COCO 2017's ``instances_*.json``; ten ids of the 90 were never used."""

VOC_CLASSES: tuple[str, ...] = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"
)
"""Names in PASCAL VOC's XML files."""
# fmt: on

ADE20K_CLASSES = 150
"""Labels of the scene-parsing maps are 0 (other) to this."""
CITYSCAPES_IDS: dict[int, int] = {
    train: label
    for train, label in enumerate(
        (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    )
}
"""Training id (0 to 18) to the id in ``*_labelIds.png``; everything else is 255."""


def imagenet_ids() -> tuple[str, ...] | None:
    """The 1,000 WordNet ids of ILSVRC 2012 in order; None where timm, whose list it is, is not."""
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "data" / "_info" / "imagenet_synsets.txt"
    return tuple(file.read_text().split()) if file.is_file() else None
