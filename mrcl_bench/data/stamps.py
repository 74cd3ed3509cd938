"""Makes the embedded data set: photographs of objects in the layouts of the three tasks.

    pretrain/*.png                                      unlabelled, 48 px
    classification/{train,val,novel}/<kind>/*.png       ImageFolder, 48 px
    detection/{train,val,novel}/*.jpg                   COCO, 128 px
    detection/annotations/instances_<split>.json
    segmentation/images/{training,validation,novel}/*.jpg        ADE20K, 128 px
    segmentation/annotations/{training,validation,novel}/*.png

Each of the four also holds ``origins.json``: which cut-outs and which
background every picture was made of. ``val`` shows known cut-outs on
backgrounds that training never sees; ``novel`` shows unseen cut-outs on the
backgrounds of ``val``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrcl_bench.data import compose
from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.manifest import Manifest, read_manifest
from mrcl_bench.data.source import Cutout, Image, Progress, Source, Texture, load_stamps
from mrcl_bench.errors import BenchError


@dataclass(frozen=True)
class Sizes:
    """Number of pictures in each part; classification counts all classes together."""

    pretrain: int = 8000
    classification_train: int = 3000
    classification_val: int = 3000
    classification_novel: int = 1500
    scenes_train: int = 600
    scenes_val: int = 300
    scenes_novel: int = 150


FULL = Sizes()
MICRO = Sizes(240, 120, 96, 48, 24, 12, 8)

MAKER = 1
"""Raised with every change that alters a picture, so that old sets are made anew."""
SMALL_SIDE = 48
"""Side of the pretraining and classification pictures, pixels."""
SCENE_SIDE = 128
"""Side of the detection and segmentation scenes, pixels."""

_ADE_NAMES = {"train": "training", "val": "validation", "novel": "novel"}
_SPLITS = ("train", "val", "novel")
_BACKGROUND_OF = {"train": "train", "val": "val", "novel": "val"}


def data_id(sizes: Sizes, shapes: bool) -> str:
    """Returns the id that a set of these sizes carries in records."""
    return "stamps" + ("-micro" if sizes == MICRO else "") + ("-shapes" if shapes else "")


def make_stamps(
    out: Path,
    *,
    seed: int = 0,
    sizes: Sizes = FULL,
    cutouts: Source | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> Manifest:
    """Makes the set, or returns at once where the same set lies there.

    The same seed, sizes and source give the same bytes.

    Args:
        out: Folder of the set; its parent must be writable.
        seed: Of every choice but the one of novel cut-outs, which is fixed.
        sizes: Number of pictures.
        cutouts: What to make them of; by default the photographs of the
            Debian packages, cached in ``<parent>/.cache``.
        progress: Called with (pictures done, of, what).
        force: Make it even if it is there.

    Returns:
        The manifest of the set.

    Raises:
        BenchError: The packages cannot be fetched, or `out` cannot be written.
    """
    if not force:
        there = existing(out, seed, sizes, None if cutouts is None else cutouts.shapes_fallback)
        if there is not None:
            return there
    source = cutouts or load_stamps(out.parent / ".cache", progress)
    total = sizes.pretrain + sizes.classification_train + sizes.classification_val
    total += sizes.classification_novel + 2 * (
        sizes.scenes_train + sizes.scenes_val + sizes.scenes_novel
    )
    with NewFolder(out) as folder:
        maker = _Maker(folder, source, seed, total, progress)
        mean, std = maker.pretrain(sizes.pretrain)
        maker.classification(_by_split(sizes, "classification"))
        maker.detection(_by_split(sizes, "scenes"))
        maker.segmentation(_by_split(sizes, "scenes"))
        folder.finish(
            [
                "pretrain",
                *(f"classification/{s}" for s in _SPLITS),
                *(f"detection/{s}" for s in _SPLITS),
                "detection/annotations",
                *(f"segmentation/images/{n}" for n in _ADE_NAMES.values()),
                *(f"segmentation/annotations/{n}" for n in _ADE_NAMES.values()),
            ],
            id=data_id(sizes, source.shapes_fallback),
            maker=MAKER,
            seed=seed,
            sizes=asdict(sizes),
            shapes_fallback=source.shapes_fallback,
            classes=source.kinds,
            stuff=source.stuff,
            mean=mean,
            std=std,
            packages=source.packages,
            credits=source.credits,
        )
    return read_manifest(out)


def existing(out: Path, seed: int, sizes: Sizes, shapes: bool | None) -> Manifest | None:
    """Returns the manifest of a set that is there, complete and the one asked for.

    Args:
        out: Folder of the set.
        seed: Asked for.
        sizes: Asked for.
        shapes: Whether it must be drawn shapes, or must not; None takes either.
    """
    try:
        manifest = read_manifest(out)
    except BenchError:
        return None
    asked = (MAKER, seed, asdict(sizes))
    if (manifest.maker, manifest.seed, manifest.sizes) != asked:
        return None
    if shapes is not None and manifest.shapes_fallback != shapes:
        return None
    for name, split in manifest.splits.items():
        if sum(path.is_file() for path in (out / name).rglob("*")) != split.count:
            return None
    return manifest


def _by_split(sizes: Sizes, part: str) -> dict[str, int]:
    return {split: int(asdict(sizes)[f"{part}_{split}"]) for split in _SPLITS}


class _Maker:
    """Writes the parts one after the other; every split has its own chance."""

    def __init__(
        self, folder: NewFolder, source: Source, seed: int, total: int, progress: Progress | None
    ) -> None:
        self._folder = folder
        self._source = source
        self._seed = seed
        self._total = total
        self._progress = progress
        self._done = 0

    def pretrain(self, count: int) -> tuple[list[float], list[float]]:
        """Writes the unlabelled pictures; returns mean and deviation of their pixels (RGB)."""
        rng = self._chance(0)
        scenes = self._source.backgrounds["train"].scenes
        origins = {}
        sums, squares, pixels = np.zeros(3), np.zeros(3), 0
        # Kinds in turn: rare ones would otherwise drown among birds and fruit.
        for index, (_, cutout) in enumerate(self._balanced(rng, self._source.known, count)):
            texture = _any(rng, scenes)
            picture = compose.portrait(rng, cutout, texture, SMALL_SIDE)
            name = f"pretrain/{index:05d}.png"
            self._picture(name, picture)
            origins[name] = {"cutouts": [cutout.name], "backgrounds": [texture.name]}
            values = picture.reshape(-1, 3).astype(np.float64)
            sums, squares = sums + values.sum(0), squares + (values**2).sum(0)
            pixels += len(values)
        self._folder.write_json("pretrain.origins.json", origins)
        mean = sums / pixels
        std = np.sqrt(squares / pixels - mean**2)
        return [round(float(v), 3) for v in mean[::-1]], [round(float(v), 3) for v in std[::-1]]

    def classification(self, counts: dict[str, int]) -> None:
        """Writes the ImageFolder splits, the same number of pictures for every class."""
        origins = {}
        for number, split in enumerate(_SPLITS, start=1):
            rng = self._chance(number)
            cutouts, scenes = self._cutouts(split), self._scenes(split)
            for index, (label, cutout) in enumerate(self._balanced(rng, cutouts, counts[split])):
                texture = _any(rng, scenes)
                picture = compose.portrait(rng, cutout, texture, SMALL_SIDE)
                name = f"classification/{split}/{self._source.kinds[label]}/{index:05d}.png"
                self._picture(name, picture)
                origins[name] = {"cutouts": [cutout.name], "backgrounds": [texture.name]}
        self._folder.write_json("classification/origins.json", origins)

    def detection(self, counts: dict[str, int]) -> None:
        """Writes the COCO splits."""
        kinds = self._source.kinds
        categories = [{"id": k + 1, "name": name} for k, name in enumerate(kinds)]
        origins = {}
        for number, split in enumerate(_SPLITS, start=4):
            rng = self._chance(number)
            scenes, queue = self._scenes(split), self._queue(rng, self._cutouts(split))
            images: list[dict[str, Any]] = []
            annotations: list[dict[str, Any]] = []
            for index in range(counts[split]):
                texture = _any(rng, scenes)
                canvas = compose.window(rng, texture, (SCENE_SIDE, SCENE_SIDE))
                things = compose.scatter(rng, canvas, self._take(rng, queue))
                name = f"{index:05d}.jpg"
                self._picture(f"detection/{split}/{name}", compose.relight(rng, canvas))
                images.append(
                    {
                        "id": index + 1,
                        "file_name": name,
                        "width": SCENE_SIDE,
                        "height": SCENE_SIDE,
                    }
                )
                for thing in things:
                    annotations.append(
                        {
                            "id": len(annotations) + 1,
                            "image_id": index + 1,
                            "category_id": thing.label + 1,
                            "bbox": thing.box,
                            "area": int(thing.mask.sum()),
                            "iscrowd": 0,
                            "segmentation": compose.segmentation_of(thing.mask),
                        }
                    )
                origins[f"detection/{split}/{name}"] = {
                    "cutouts": [thing.name for thing in things],
                    "backgrounds": [texture.name],
                }
            self._folder.write_json(
                f"detection/annotations/instances_{split}.json",
                {"images": images, "annotations": annotations, "categories": categories},
            )
        self._folder.write_json("detection/origins.json", origins)
        self._folder.write_json("detection/classes.json", {"things": kinds})

    def segmentation(self, counts: dict[str, int]) -> None:
        """Writes the ADE20K splits.

        Labels: 0 stays unused (ADE20K's "unlabelled"), then the things from
        1, then the stuff.
        """
        kinds, stuff = self._source.kinds, self._source.stuff
        origins = {}
        for number, split in enumerate(_SPLITS, start=7):
            rng = self._chance(number)
            backgrounds = self._source.backgrounds[_BACKGROUND_OF[split]]
            queue = self._queue(rng, self._cutouts(split))
            for index in range(counts[split]):
                canvas, labels, used = compose.ground(rng, backgrounds.stuff, SCENE_SIDE)
                labels = labels + np.uint8(1 + len(kinds))
                things = compose.scatter(rng, canvas, self._take(rng, queue))
                for thing in things:
                    labels[thing.mask] = 1 + thing.label
                name = f"{_ADE_NAMES[split]}/{index:05d}"
                self._picture(f"segmentation/images/{name}.jpg", compose.relight(rng, canvas))
                self._folder.write_image(f"segmentation/annotations/{name}.png", labels)
                origins[f"segmentation/images/{name}.jpg"] = {
                    "cutouts": [thing.name for thing in things],
                    "backgrounds": used,
                }
        self._folder.write_json("segmentation/origins.json", origins)
        self._folder.write_json("segmentation/classes.json", {"things": kinds, "stuff": stuff})

    def _chance(self, number: int) -> np.random.Generator:
        """Returns the generator of one split; splits do not shift each other's numbers."""
        return np.random.default_rng([self._seed, number])

    def _cutouts(self, split: str) -> dict[str, list[Cutout]]:
        return self._source.novel if split == "novel" else self._source.known

    def _scenes(self, split: str) -> list[Texture]:
        return self._source.backgrounds[_BACKGROUND_OF[split]].scenes

    def _balanced(
        self, rng: np.random.Generator, cutouts: dict[str, list[Cutout]], count: int
    ) -> list[tuple[int, Cutout]]:
        """Deals kinds in turn, and within each kind its cut-outs in turn."""
        queue = self._queue(rng, cutouts)
        return [queue.draw(index % len(cutouts)) for index in range(count)]

    def _queue(self, rng: np.random.Generator, cutouts: dict[str, list[Cutout]]) -> _Queue:
        return _Queue(rng, list(cutouts.values()))

    def _take(self, rng: np.random.Generator, queue: _Queue) -> list[tuple[int, Cutout]]:
        """Draws the one to four objects of a scene."""
        count = int(rng.integers(1, 5))
        return [queue.draw(queue.next_label()) for _ in range(count)]

    def _picture(self, name: str, pixels: Image) -> None:
        self._folder.write_image(name, pixels)
        self._done += 1
        if self._progress is not None and (self._done % 100 == 0 or self._done == self._total):
            self._progress(self._done, self._total, name.split("/")[0])


class _Queue:
    """Deals labels and cut-outs from shuffled packs, so that all come equally often."""

    def __init__(self, rng: np.random.Generator, kinds: list[list[Cutout]]) -> None:
        self._rng = rng
        self._kinds = kinds
        self._packs: list[list[int]] = [[] for _ in kinds]
        self._labels: list[int] = []

    def next_label(self) -> int:
        if not self._labels:
            self._labels = [int(k) for k in self._rng.permutation(len(self._kinds))]
        return self._labels.pop()

    def draw(self, label: int) -> tuple[int, Cutout]:
        pack = self._packs[label]
        if not pack:
            pack.extend(int(k) for k in self._rng.permutation(len(self._kinds[label])))
        return label, self._kinds[label][pack.pop()]


def _any(rng: np.random.Generator, textures: list[Texture]) -> Texture:
    return textures[int(rng.integers(len(textures)))]
