"""Class names come from the data, so that a config cannot shift labels by naming them wrongly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import BenchError, unknown_name

_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def _datasets(config: Any) -> list[Any]:
    return [config[name].dataset for name in _LOADERS if config.get(name) is not None]


def annotation_files(config: Any) -> list[Path]:
    """The annotation files of a config's COCO-format data sets, each once."""
    files = [
        Path(dataset.get("data_root") or "") / dataset.ann_file
        for dataset in _datasets(config)
        if dataset.get("ann_file") and str(dataset.ann_file).endswith(".json")
    ]
    return list(dict.fromkeys(files))


def fill_coco_classes(config: Any) -> None:
    """Gives every COCO-format dataset of a config the categories of its annotation file.

    A dataset that names its classes keeps them, once each is known to be a category: mmdet
    leaves out unknown names without a word.

    Args:
        config: Protocol config, paths relocated; changed in place. Datasets without
            an annotation file know their classes (``VOCDevkit``) and are left alone.

    Raises:
        BenchError: An annotation file cannot be read, or a named class is none of its categories.
    """
    for dataset in _datasets(config):
        if not dataset.get("ann_file"):
            continue
        path = Path(dataset.get("data_root") or "") / dataset.ann_file
        try:
            categories = json.loads(path.read_text())["categories"]
            names = [str(c["name"]) for c in sorted(categories, key=lambda c: int(c["id"]))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchError(
                f"cannot read the categories of {path}: {type(error).__name__}: {error}.",
                "It must be a COCO instances file with 'categories'.",
            ) from None
        wanted = (dataset.get("metainfo") or {}).get("classes")
        if wanted is None:
            dataset.metainfo = {"classes": tuple(names)}
            continue
        for name in wanted:
            if name not in names:
                raise unknown_name(f"class of {path}", name, names)


def fill_segmentation_classes(config: Any) -> None:
    """Gives datasets without class names those of ``classes.json`` in their root.

    Args:
        config: Protocol config, paths relocated; changed in place. Datasets of a type that
            knows its classes (``ADE20KDataset``) are left alone.

    Raises:
        BenchError: The file is needed and cannot be read.
    """
    for dataset in _datasets(config):
        if dataset.type.split(".")[-1] != "BaseSegDataset" or dataset.get("metainfo"):
            continue
        path = Path(dataset.data_root) / "classes.json"
        try:
            classes = json.loads(path.read_text())
            names = [*classes["things"], *classes["stuff"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchError(
                f"cannot read the class names of {path}: {type(error).__name__}: {error}.",
                "Name the classes in the dataset's metainfo, or make the set again: "
                "mrcl-bench data stamps --force",
            ) from None
        dataset.metainfo = {"classes": tuple(names)}
