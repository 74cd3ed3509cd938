"""Views at 224 px of a 500x375 JPEG, on one core: ours against others', and colours of batches."""

from __future__ import annotations

import importlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from . import peers
from .timing import Measurement, Target, interleave

PICTURES = 32
SIZE = (375, 500)
BATCH = 16


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


def contestants(single: bool) -> tuple[dict[str, Callable[[str], object]], dict[str, str]]:
    """Returns functions from a file's path to its views, by name; who is missing, and why.

    Args:
        single: MAE's one view instead of SimCLR's two.
    """
    import torch
    import torchvision.transforms.v2 as v2
    from mmengine.dataset import Compose
    from mmengine.registry import init_default_scope
    from PIL import Image

    from mrcl_bench.augment.decode import decode
    from mrcl_bench.catalog import config_root
    from mrcl_bench.resolve import load_config

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    for registers in ("mmpretrain.datasets", "mrcl_bench.augment.views"):
        importlib.import_module(registers)
    init_default_scope("mmpretrain")
    name = "in1k_mae.py" if single else "in1k_two-views_simclr.py"
    base = load_config(config_root() / "_base_/datasets" / name)
    steps = base.train_dataloader.dataset.pipeline
    inner = steps[0].transforms if single else [{**steps[0], "type": "MultiView"}]
    stock = Compose([{"type": "LoadImageFromFile"}, *inner, {"type": "PackInputs"}])
    fused = Compose(steps)
    vision = v2.Compose(
        [
            v2.RandomResizedCrop(224, (0.2, 1.0), interpolation=v2.InterpolationMode.BICUBIC),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
        ]
        if single
        else [
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
        return [vision(picture) for _ in range(1 if single else 2)]

    found: dict[str, Callable[[str], object]] = {
        "mrcl-bench": lambda path: fused({"img_path": path}),
        "mmpretrain": lambda path: stock({"img_path": path}),
        "torchvision v2": torchvision,
        "decoding alone": lambda path: decode(Path(path).read_bytes()),
    }
    if not single:
        leaving = Compose([{**steps[0], "defer_colours": True}, *steps[1:]])
        found["mrcl-bench, colours left"] = lambda path: leaving({"img_path": path})
    try:
        from lightly.transforms import MAETransform, SimCLRTransform
    except ImportError:
        return found, {"lightly": peers.reason()}
    lightly = MAETransform() if single else SimCLRTransform(cj_strength=1.0)
    return found | {"lightly": lambda path: lightly(Image.open(path).convert("RGB"))}, {}


def measure(quick: bool) -> list[Measurement]:
    """All read the same files from the system's cache, in turns."""
    from mrcl_bench.augment.pack import pack

    measured = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder))[: 2 if quick else PICTURES]
        pack(Path(shutil.copytree(folder, Path(folder) / "packed")))
        for single in (False, True):
            runs, skipped = contestants(single)
            turns = {name: _all(run, paths) for name, run in runs.items()}
            packed = [str(Path(path).parent / "packed" / Path(path).name) for path in paths]
            turns["mrcl-bench, packed"] = _all(runs["mrcl-bench"], packed)
            for run in runs.values():
                run(paths[0])
            seconds = interleave(turns, 2 if quick else 9, time.process_time)
            aims = [("mmpretrain", 5), ("lightly", 3.5), ("mmpretrain", 8), ("lightly", 6)]
            what = "One view of MAE" if single else "Two views of SimCLR"
            measured.append(
                Measurement(
                    f"{what} at 224 px of a 500x375 JPEG, time of the processor",
                    seconds,
                    "mmpretrain",
                    [] if single else [Target("mrcl-bench", *aim) for aim in aims],
                    {"pictures": f"{len(paths)}, drawn, {SIZE[1]}x{SIZE[0]}, quality 90"},
                    len(paths),
                    skipped=skipped,
                )
            )
    return [*measured, measure_colours(quick)]


def measure_colours(quick: bool) -> Measurement:
    """What `contestants` leaves of SimCLR's views, on the CPU and on a GPU where there is one."""
    import torch

    from mrcl_bench.augment import draws
    from mrcl_bench.augment.device import colour
    from mrcl_bench.augment.recipe import read
    from mrcl_bench.catalog import config_root
    from mrcl_bench.resolve import load_config

    torch.set_num_threads(1)
    base = load_config(config_root() / "_base_/datasets/in1k_two-views_simclr.py")
    view = read(base.train_dataloader.dataset.pipeline[0].transforms[0]).view
    count = 2 if quick else BATCH
    np.random.seed(0)
    drawn = torch.from_numpy(np.stack([draws.colours(view).packed() for _ in range(count)]))
    views = torch.randint(256, (count, 3, 224, 224), dtype=torch.uint8)
    turns: dict[str, Callable[[], object]] = {"on the CPU": lambda: colour(views, drawn)}
    skipped = {"on a GPU": "there is none"}
    if torch.cuda.is_available():
        there = views.cuda()

        def on_gpu() -> None:
            colour(there, drawn)
            torch.cuda.synchronize()

        turns["on a GPU"], skipped = on_gpu, {}
    for run in turns.values():
        run()
    return Measurement(
        "Colours that two views of SimCLR left, batch by batch at 224 px, time by the clock",
        interleave(turns, 2 if quick else 9),
        "on the CPU",
        notes={"views": f"{count}, of noise"},
        items=count,
        skipped=skipped,
    )


def _all(run: Callable[[str], object], paths: list[str]) -> Callable[[], None]:
    def every() -> None:
        for path in paths:
            run(path)

    return every
