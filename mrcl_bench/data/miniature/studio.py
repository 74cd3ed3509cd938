"""Scenes with exact masks, for every layout to write down in its own way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mrcl_bench.data import compose
from mrcl_bench.data.compose import Thing
from mrcl_bench.data.source import Image, Source, Texture

HEIGHT, WIDTH = 160, 200
"""Of every scene, pixels; pictures of one orientation can always be put into one batch."""


@dataclass(frozen=True)
class Scene:
    """A picture and what it shows.

    Attributes:
        picture: ``(HEIGHT, WIDTH, 3)`` uint8 BGR.
        things: Objects in sight; their masks do not overlap.
        ground: ``(HEIGHT, WIDTH)`` number of the background region, from 0.
    """

    picture: Image
    things: list[Thing]
    ground: npt.NDArray[np.uint8]


class Studio:
    """Draws scenes and pictures of single objects.

    Args:
        source: What they are put together from.
        seed: Of every choice.
    """

    def __init__(self, source: Source, seed: list[int]) -> None:
        self._source = source
        self.rng = np.random.default_rng(seed)

    def scene(self) -> Scene:
        """A scene of one to four objects."""
        while True:
            square, regions, _ = compose.ground(self.rng, self._grounds, WIDTH)
            picture = np.ascontiguousarray(square[:HEIGHT])
            kinds = self._source.kinds
            chosen = []
            for label in self.rng.integers(len(kinds), size=int(self.rng.integers(1, 5))):
                cutouts = self._source.known[kinds[label]]
                chosen.append((int(label), cutouts[int(self.rng.integers(len(cutouts)))]))
            things = compose.scatter(self.rng, picture, chosen)
            if things:
                return Scene(picture, things, np.ascontiguousarray(regions[:HEIGHT]))

    def portrait(self, label: int, side: int = HEIGHT) -> Image:
        """A picture of one object, ``(side, side, 3)``."""
        kinds = self._source.kinds
        cutouts = self._source.known[kinds[label % len(kinds)]]
        cutout = cutouts[int(self.rng.integers(len(cutouts)))]
        scenes = self._source.backgrounds["train"].scenes
        texture = scenes[int(self.rng.integers(len(scenes)))]
        return compose.portrait(self.rng, cutout, texture, side)

    @property
    def _grounds(self) -> dict[str, list[Texture]]:
        return self._source.backgrounds["train"].stuff
