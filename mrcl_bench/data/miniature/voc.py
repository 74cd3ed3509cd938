"""PASCAL VOC 2007 and 2012 as the devkit lays them out: boxes, image sets, presence of classes.

Classes come in turn, so that each is to be seen in `_ROUNDS` pictures of a list.
"""

from __future__ import annotations

from dataclasses import dataclass

from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.labels import VOC_CLASSES
from mrcl_bench.data.miniature.studio import HEIGHT, WIDTH, Studio

NAME = "voc"
_ROUNDS = {2007: {"trainval": 3, "test": 1}, 2012: {"trainval": 1}}
"""Three, so that three-fold cross-validation finds every class in every fold."""
_DIFFICULT = "person"
"""Class of the first object of every list, which is marked as difficult."""
SPLITS = tuple(
    f"VOCdevkit/VOC{year}/{part}"
    for year in _ROUNDS
    for part in ("Annotations", "ImageSets", "JPEGImages")
)


@dataclass(frozen=True)
class _Object:
    name: str
    box: list[int]
    difficult: bool


def write(folder: NewFolder, studio: Studio) -> None:
    """Writes both years."""
    for year, lists in _ROUNDS.items():
        root, number = f"VOCdevkit/VOC{year}", 0
        for name, rounds in lists.items():
            shown: dict[str, list[_Object]] = {}
            dealt = 0
            while dealt < rounds * len(VOC_CLASSES):
                number += 1
                stem = f"{number:06d}" if year == 2007 else f"{year}_{number:06d}"
                scene = studio.scene()
                folder.write_image(f"{root}/JPEGImages/{stem}.jpg", scene.picture)
                shown[stem] = []
                for k, thing in enumerate(scene.things):
                    difficult = len(shown) == 1 and k == 0
                    kind = _DIFFICULT if difficult else VOC_CLASSES[dealt % len(VOC_CLASSES)]
                    dealt += not difficult
                    shown[stem].append(_Object(kind, thing.box, difficult))
                page = _page(year, stem, shown[stem])
                folder.write(f"{root}/Annotations/{stem}.xml", page.encode())
            _lists(folder, f"{root}/ImageSets/Main", name, shown)


def _lists(folder: NewFolder, where: str, split: str, shown: dict[str, list[_Object]]) -> None:
    """Writes the list of pictures and, for every class, which of them show it."""
    folder.write(f"{where}/{split}.txt", "".join(f"{stem}\n" for stem in shown).encode())
    for name in VOC_CLASSES:
        lines = []
        for stem, objects in shown.items():
            own = [thing for thing in objects if thing.name == name]
            # 1: there; 0: there, but only objects that are marked as difficult
            presence = -1 if not own else 0 if all(thing.difficult for thing in own) else 1
            lines.append(f"{stem} {presence:>2}\n")
        folder.write(f"{where}/{name}_{split}.txt", "".join(lines).encode())


def _page(year: int, stem: str, objects: list[_Object]) -> str:
    return (
        f"<annotation>\n<folder>VOC{year}</folder>\n<filename>{stem}.jpg</filename>\n"
        f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>\n"
        f"<segmented>0</segmented>\n{''.join(map(_entry, objects))}</annotation>\n"
    )


def _entry(thing: _Object) -> str:
    left, top, width, height = thing.box
    # pixels are counted from 1
    corners = {"xmin": left + 1, "ymin": top + 1, "xmax": left + width, "ymax": top + height}
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in corners.items())
    return (
        f"<object><name>{thing.name}</name><pose>Unspecified</pose><truncated>0</truncated>"
        f"<difficult>{int(thing.difficult)}</difficult><bndbox>{inside}</bndbox></object>\n"
    )
