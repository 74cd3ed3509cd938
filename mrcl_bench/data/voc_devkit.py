"""Pascal VOC's devkit as a detection data set, read as detectron2 reads it (needs mmdet)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmengine.registry import DATASETS

from ..errors import BenchError

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip


# In the root registry, where mmdet's look-up ends.
@DATASETS.register_module()
class VOCDevkit(BaseDetDataset):  # type: ignore[misc]
    """Boxes of any years and splits of the devkit.

    Two things differ from mmdet's `VOCDataset` and are those of detectron2's
    ``load_voc_instances``: a box from pixel 1 to pixel W, both included, becomes 0 to W rather than
    0 to W - 1, and "difficult" objects may be trained on.

    Args:
        splits: Year's folder and name of the list, e.g. ``[("VOC2007", "trainval")]``.
        difficult: ``"objects"``: like all others. ``"ignored"``: marked, so that a metric counts
            them neither as found nor as missed.
        **options: See mmengine's `BaseDataset`; ``data_root`` is the folder with the years'
            folders. Pictures without objects are left out of training where ``filter_cfg`` has
            ``filter_empty_gt``.
    """

    METAINFO = {"classes": CLASSES}

    def __init__(
        self,
        splits: Sequence[tuple[str, str]],
        difficult: Literal["objects", "ignored"],
        **options: Any,
    ) -> None:
        self.splits = [tuple(split) for split in splits]
        self.ignore_difficult = {"objects": False, "ignored": True}[difficult]
        super().__init__(**options)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Reads the lists and every picture's annotation."""
        found = []
        for year, name in self.splits:
            folder = Path(self.data_root, year)
            path = folder / "ImageSets" / "Main" / f"{name}.txt"
            try:
                stems = path.read_text().split()
            except OSError as error:
                raise BenchError(
                    f"cannot read {path}: {error.strerror}.",
                    "VOC2007 needs trainval and test, VOC2012 trainval, in the devkit's layout.",
                ) from None
            found += [self._read(folder, stem) for stem in stems]
        return found

    def _read(self, folder: Path, stem: str) -> dict[str, Any]:
        path = folder / "Annotations" / f"{stem}.xml"
        try:
            root = ET.parse(path).getroot()
            return {
                "img_id": f"{folder.name}/{stem}",
                "img_path": str(folder / "JPEGImages" / f"{stem}.jpg"),
                "width": int(root.findtext("size/width", "")),
                "height": int(root.findtext("size/height", "")),
                "instances": [self._instance(element) for element in root.findall("object")],
            }
        except (OSError, ET.ParseError, ValueError) as error:
            raise BenchError(
                f"cannot read {path}: {type(error).__name__}: {error}.",
                "Unpack the devkit again.",
            ) from None

    def _instance(self, element: ET.Element) -> dict[str, Any]:
        left, top, right, bottom = (
            float(element.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")
        )
        difficult = int(element.findtext("difficult", "0")) == 1
        return {
            "bbox": [left - 1, top - 1, right, bottom],
            "bbox_label": CLASSES.index(element.findtext("name", "")),
            "ignore_flag": int(difficult and self.ignore_difficult),
        }

    def filter_data(self) -> list[dict[str, Any]]:
        """Leaves out pictures without objects, where asked to."""
        found: list[dict[str, Any]] = self.data_list
        if self.test_mode or not (self.filter_cfg or {}).get("filter_empty_gt", False):
            return found
        return [picture for picture in found if picture["instances"]]
