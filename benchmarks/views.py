"""Two SimCLR views at 224 px of a 500x375 JPEG, on one core: ours against mmpretrain's and others'.

    python benchmarks/views.py [--seconds 4] [--rounds 5]

All read the same files from memory cache, in turns, so that a busy machine slows them alike; what
counts are the ratios of medians. lightly is measured if it can be imported (it is no dependency).
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

PICTURES = 32
SIZE = (375, 500)


def write_pictures(folder: Path) -> list[str]:
    """Writes JPEGs that are as large, and take as long to decode, as ImageNet's on average."""
    rng = np.random.default_rng(0)
    paths = []
    for index in range(PICTURES):
        coarse = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        smooth = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC).astype(float)
        pixels = np.clip(smooth + rng.normal(0, 14, (*SIZE, 3)), 0, 255).astype(np.uint8)
        paths.append(str(folder / f"{index}.jpg"))
        cv2.imwrite(paths[-1], pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return paths


def contenders() -> dict[str, Callable[[str], object]]:
    """What is measured: name to a function from a file's path to its views."""
    import torch
    import torchvision.transforms.v2 as v2
    from mmengine.dataset import Compose
    from mmengine.registry import init_default_scope
    from PIL import Image

    from mrcl_bench.augment.views import decode
    from mrcl_bench.catalog import config_root
    from mrcl_bench.resolve import load_config

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    __import__("mmpretrain.datasets")
    init_default_scope("mmpretrain")
    base = load_config(config_root() / "_base_/datasets/in1k_two-views_simclr.py")
    steps = base.train_dataloader.dataset.pipeline
    stock = Compose(
        [{"type": "LoadImageFromFile"}, {**steps[0], "type": "MultiView"}, {"type": "PackInputs"}]
    )
    fused = Compose(steps)
    vision = v2.Compose(
        [
            v2.RandomResizedCrop(224),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.8, 0.8, 0.8, 0.2)], 0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], 0.5),
            v2.PILToTensor(),
        ]
    )

    def torchvision(path: str) -> object:
        picture = Image.open(path).convert("RGB")
        return vision(picture), vision(picture)

    found: dict[str, Callable[[str], object]] = {
        "mrcl-bench": lambda path: fused({"img_path": path}),
        "mmpretrain": lambda path: stock({"img_path": path}),
        "torchvision v2": torchvision,
        "decoding alone": lambda path: decode(Path(path).read_bytes()),
    }
    try:
        from lightly.transforms import SimCLRTransform
    except ImportError:
        return found
    lightly = SimCLRTransform(input_size=224, cj_strength=1.0)
    return found | {"lightly": lambda path: lightly(Image.open(path).convert("RGB"))}


def main() -> None:
    """Measures in turns and prints images per second and ratios."""
    import warnings

    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each, in each round")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder))
        runs = contenders()
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run(paths[0])
        for _ in range(asked.rounds):
            for name, run in runs.items():
                begun, count = time.perf_counter(), 0
                while time.perf_counter() - begun < asked.seconds:
                    run(paths[count % PICTURES])
                    count += 1
                rates[name].append(count / (time.perf_counter() - begun))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ours = medians["mrcl-bench"]
    ratios = {name: round(ours / rate, 2) for name, rate in medians.items() if name != "mrcl-bench"}
    print(  # noqa: T201
        json.dumps(
            {
                "what": "two SimCLR views at 224 px of a 500x375 JPEG, one core",
                "images_per_second": {name: round(rate, 1) for name, rate in medians.items()},
                "mrcl_bench_is_times": ratios,
                "rounds": asked.rounds,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
