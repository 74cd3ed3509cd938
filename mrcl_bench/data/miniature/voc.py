"""PASCAL VOC 2007 and 2012 as the devkit lays them out, with pixels counted from 1."""

from __future__ import annotations

from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.labels import VOC_CLASSES
from mrcl_bench.data.miniature.studio import HEIGHT, WIDTH, Studio

NAME = "voc"
_LISTS = {2007: {"trainval": 6, "test": 4}, 2012: {"trainval": 6}}
SPLITS = tuple(
    f"VOCdevkit/VOC{year}/{part}"
    for year in _LISTS
    for part in ("Annotations", "ImageSets", "JPEGImages")
)


def write(folder: NewFolder, studio: Studio) -> None:
    """Writes both years."""
    for year, lists in _LISTS.items():
        root, number = f"VOCdevkit/VOC{year}", 0
        for name, count in lists.items():
            names = []
            for _ in range(count):
                number += 1
                stem = f"{number:06d}" if year == 2007 else f"{year}_{number:06d}"
                names.append(stem)
                scene = studio.scene()
                folder.write_image(f"{root}/JPEGImages/{stem}.jpg", scene.picture)
                objects = "".join(
                    _object(studio, thing.box, difficult=k == 1)
                    for k, thing in enumerate(scene.things)
                )
                folder.write(
                    f"{root}/Annotations/{stem}.xml", _page(year, stem, objects).encode()
                )
            text = "".join(f"{stem}\n" for stem in names)
            folder.write(f"{root}/ImageSets/Main/{name}.txt", text.encode())


def _page(year: int, stem: str, objects: str) -> str:
    return (
        f"<annotation>\n<folder>VOC{year}</folder>\n<filename>{stem}.jpg</filename>\n"
        f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>\n"
        f"<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _object(studio: Studio, box: list[int], difficult: bool) -> str:
    name = VOC_CLASSES[int(studio.rng.integers(len(VOC_CLASSES)))]
    left, top, width, height = box
    corners = {
        "xmin": left + 1,
        "ymin": top + 1,
        "xmax": left + width,
        "ymax": top + height,
    }
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in corners.items())
    return (
        f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated>"
        f"<difficult>{int(difficult)}</difficult><bndbox>{inside}</bndbox></object>\n"
    )
