"""COCO 2017: instance files with the 80 real categories, a crowd, and a picture without objects."""

from __future__ import annotations

from typing import Any

from mrcl_bench.data import compose
from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.labels import COCO_CATEGORIES
from mrcl_bench.data.miniature.studio import HEIGHT, WIDTH, Scene, Studio

NAME = "coco"
SPLITS = ("coco/annotations", "coco/train2017", "coco/val2017")
COUNTS = {"train": 8, "val": 4}


def write(folder: NewFolder, studio: Studio) -> None:
    """Writes both splits and their instance files."""
    categories = [
        {"id": number, "name": name, "supercategory": "thing"}
        for number, name in COCO_CATEGORIES.items()
    ]
    number = 0
    for split, count in COUNTS.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for index in range(count):
            number += 1
            scene = studio.scene()
            name = f"{number:012d}.jpg"
            folder.write_image(f"coco/{split}2017/{name}", scene.picture)
            images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
            if split == "train" and index == count - 1:
                continue  # as some hundred of COCO's own, this one has no objects
            annotations += _instances(studio, scene, number, crowd=index == 0)
        for place, annotation in enumerate(annotations):
            annotation["id"] = 1000 * number + place
        folder.write_json(
            f"coco/annotations/instances_{split}2017.json",
            {"images": images, "annotations": annotations, "categories": categories},
        )


def _instances(studio: Studio, scene: Scene, image: int, crowd: bool) -> list[dict[str, Any]]:
    known = list(COCO_CATEGORIES)
    found = []
    for thing in scene.things:
        category = known[int(studio.rng.integers(len(known)))]
        found.append(
            {
                "image_id": image,
                "category_id": category,
                "bbox": thing.box,
                "area": int(thing.mask.sum()),
                "iscrowd": 0,
                "segmentation": compose.segmentation_of(thing.mask),
            }
        )
    if crowd:
        first = scene.things[0]
        found.append(
            {**found[0], "iscrowd": 1, "segmentation": compose.run_lengths(first.mask)}
        )
    return found
