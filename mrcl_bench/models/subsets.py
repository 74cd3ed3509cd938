"""Data sets of pictures that a list picks out: a share of a folder, or PASCAL VOC's image sets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmpretrain.datasets import CustomDataset
from mmpretrain.registry import DATASETS

from ..errors import BenchError

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip


@DATASETS.register_module()
class ListedFolder(CustomDataset):  # type: ignore[misc]
    """A folder of class folders, of which a list of file names is used.

    Where the list is not there, as many pictures as the share says are drawn instead, class by
    class: not the standard subset, and `origin` says so.

    Args:
        names: Text file, one file name a line, e.g. SimCLR's ``1percent.txt``.
        share: Share of each class to draw without the list, 0 … 1; at least one picture.
        seed: Seed of the draw. It is not the job's: all jobs of a protocol see the same subset.
        **kwargs: As for mmpretrain's `CustomDataset`.

    Raises:
        BenchError: The list names a file that the folder does not have.
    """

    def __init__(self, names: str, share: float, seed: int = 0, **kwargs: Any) -> None:
        self.names = Path(names)
        self.share = share
        self.seed = seed
        super().__init__(**kwargs)

    @property
    def origin(self) -> str:
        """Where the subset comes from, with the list's hash if there is one."""
        if self.names.is_file():
            digest = hashlib.sha256(self.names.read_bytes()).hexdigest()[:12]
            return f"{self.names.name}, sha256 {digest}"
        return f"drawn with seed {self.seed}"

    def load_data_list(self) -> list[dict[str, Any]]:
        """See `CustomDataset.load_data_list`."""
        everything = super().load_data_list()
        return self._listed(everything) if self.names.is_file() else self._drawn(everything)

    def _listed(self, everything: list[dict[str, Any]]) -> list[dict[str, Any]]:
        wanted = set(self.names.read_text().split())
        kept = [info for info in everything if Path(info["img_path"]).name in wanted]
        gone = wanted - {Path(info["img_path"]).name for info in kept}
        if gone:
            raise BenchError(
                f"{self.names} names {len(gone)} pictures that {self.img_prefix} does not have, "
                f"such as {min(gone)}.",
                "Complete the folder, or take the list of the same release.",
            )
        return kept

    def _drawn(self, everything: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rng = np.random.default_rng(self.seed)
        labels = np.array([info["gt_label"] for info in everything])
        chosen = []
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            chosen += members[: max(1, round(self.share * len(members)))].tolist()
        return [everything[index] for index in sorted(chosen)]


@DATASETS.register_module()
class VOCPresence(BaseDataset):  # type: ignore[misc]
    """Which classes a PASCAL VOC picture shows, from ``ImageSets/Main/<class>_<split>.txt``.

    ``gt_label`` holds one number per class as in the devkit: 1 there, -1 not there, 0 there but
    marked as difficult.

    Args:
        data_root: The devkit's folder of one year, e.g. ``VOCdevkit/VOC2007``.
        split: ``trainval`` or ``test`` (or any other image set).
        pipeline: As for every dataset.
        classes: Names of the classes; PASCAL VOC's twenty.
    """

    def __init__(
        self,
        data_root: str,
        split: str,
        pipeline: Sequence[Any],
        classes: Sequence[str] = VOC_CLASSES,
    ) -> None:
        self.split = split
        super().__init__(
            data_root=data_root, metainfo={"classes": tuple(classes)}, pipeline=list(pipeline)
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Reads the image sets.

        Raises:
            BenchError: A class's file is missing, garbled, or does not speak of the same pictures
                as the first's.
        """
        root = Path(self.data_root)
        labels: dict[str, list[int]] = {}
        for index, name in enumerate(self.metainfo["classes"]):
            file = root / "ImageSets" / "Main" / f"{name}_{self.split}.txt"
            try:
                rows = [line.split() for line in file.read_text().splitlines() if line.strip()]
                for picture, presence in rows:
                    labels.setdefault(picture, []).append(int(presence))
            except (OSError, ValueError) as error:
                raise BenchError(
                    f"cannot read the image set {file}: {error}.", "Unpack the devkit again."
                ) from None
            if {len(row) for row in labels.values()} != {index + 1}:
                raise BenchError(
                    f"{file} does not list the same pictures as the classes before it.",
                    "Unpack the devkit again.",
                )
        return [
            {"img_path": str(root / "JPEGImages" / f"{picture}.jpg"), "gt_label": row}
            for picture, row in sorted(labels.items())
        ]
