"""Per-sample results beside a record: its metrics again, with each image counted as often as asked.

What is kept is what the evaluators had at hand anyway: correctness per image, matches per
detection, pixel counts per image and class. From it a metric is recomputed for any resample of the
images, e.g. for a bootstrap. Needs numpy alone.
"""

from ._detection import Matches, flatten_matches, pack_matches
from ._load import ARTIFACT, PerSample, load
from ._matching import Objects, match, pairs, ranked
from ._segmentation import pack_areas

__all__ = [
    "ARTIFACT",
    "Matches",
    "Objects",
    "PerSample",
    "flatten_matches",
    "load",
    "match",
    "pack_areas",
    "pack_matches",
    "pairs",
    "ranked",
]
