"""Draws the README's pictures: the data, and predictions beside the truth for every recipe.

    python tools/make_pictures.py [--profile small] [--out docs/pictures]

Predictions come from the ``samples.npz`` that detection and segmentation jobs leave in their
work folders (seed 0); recipes without one are left out and named.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.plan import Planner  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

COLOURS = plt.get_cmap("tab20").colors
ROLES = ("method", "baseline", "ceiling", "floor")


def save(figure: Any, path: Path) -> None:
    """Writes a figure without dates, so that equal pictures are equal files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(
        path, dpi=85, bbox_inches="tight", metadata={"Software": None}, facecolor="white"
    )
    plt.close(figure)
    print(path)


def bare(axis: Any, image: np.ndarray) -> None:
    """Shows an image without axes."""
    axis.imshow(image, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def draw_boxes(axis: Any, boxes: Any, labels: Any, masks: Any, names: list[str]) -> None:
    """Draws boxes with names and tinted masks."""
    for box, label, mask in zip(boxes, labels, masks, strict=True):
        colour = COLOURS[int(label) % len(COLOURS)]
        x1, y1, x2, y2 = box
        axis.add_patch(plt.Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, lw=1.4, ec=colour))
        tint = np.zeros((*mask.shape, 4))
        tint[mask] = (*colour, 0.45)
        axis.imshow(tint)
        axis.text(
            x1 + 1, y1 + 2, names[int(label)], fontsize=5.5, color="white", va="top",
            bbox=dict(facecolor=colour, edgecolor="none", pad=0.6, alpha=0.9),
        )  # fmt: skip


def paint(labels: np.ndarray) -> np.ndarray:
    """Turns class indices into colours; 255 is black."""
    palette = np.zeros((256, 3))
    palette[: len(COLOURS)] = COLOURS
    return palette[labels]


def data_sheet(data: Path, out: Path) -> None:
    """One row per class from train, val and novel."""
    kinds = sorted(path.name for path in (data / "classification/train").iterdir())
    figure, axes = plt.subplots(len(kinds), 12, figsize=(8.2, 0.68 * len(kinds)))
    for row, kind in zip(axes, kinds, strict=True):
        for column, split in enumerate(("train", "val", "novel")):
            files = sorted((data / "classification" / split / kind).iterdir())[:4]
            for offset, file in enumerate(files):
                bare(row[4 * column + offset], np.asarray(Image.open(file)))
        row[0].set_ylabel(kind, rotation=0, ha="right", va="center", fontsize=8)
    for column, title in ((0, "train"), (4, "val: known cut-outs"), (8, "novel: unseen cut-outs")):
        axes[0][column].set_title(title, loc="left", fontsize=9)
    figure.subplots_adjust(wspace=0.04, hspace=0.04)
    save(figure, out / "data.png")


def prediction_sheet(
    work: list[tuple[str, Path]], out: Path, title: str, task: str, names: list[str]
) -> None:
    """One row per recipe, one column per val scene, the truth on top."""
    stored = [(label, dict(np.load(path))) for label, path in work]
    count = 5
    figure, axes = plt.subplots(
        len(stored) + 1, count, figsize=(1.55 * count, 1.58 * (len(stored) + 1))
    )
    for column in range(count):
        truth = stored[0][1]
        image = truth[f"image_{column}"]
        top = axes[0][column]
        bare(top, image)
        if task == "detection":
            draw_boxes(
                top, truth[f"true_boxes_{column}"], truth[f"true_labels_{column}"],
                truth[f"true_masks_{column}"], names,
            )  # fmt: skip
        else:
            top.imshow(paint(truth[f"true_labels_{column}"]), alpha=0.6)
        for row, (_, arrays) in enumerate(stored, start=1):
            axis = axes[row][column]
            bare(axis, image)
            if task == "detection":
                keep = np.argsort(-arrays[f"scores_{column}"])[:3]
                draw_boxes(
                    axis, arrays[f"boxes_{column}"][keep], arrays[f"labels_{column}"][keep],
                    arrays[f"masks_{column}"][keep], names,
                )  # fmt: skip
            else:
                axis.imshow(paint(arrays[f"labels_{column}"]), alpha=0.6)
    for row, label in enumerate(["truth", *(label for label, _ in stored)]):
        axes[row][0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    figure.suptitle(title, fontsize=10, y=0.905)
    figure.subplots_adjust(wspace=0.03, hspace=0.03)
    save(figure, out / f"{task}.png")


def main() -> None:
    """Draws all pictures for which there is material."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="small")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures")
    arguments = parser.parse_args()
    workspace = Workspace.current()
    planner = Planner(workspace, load_catalog(), arguments.profile)
    data = workspace.data / "stamps"
    data_sheet(data, arguments.out)
    classes = json.loads((data / "segmentation/classes.json").read_text())
    things = classes["things"]
    steps = planner.plan([], [], [0]).jobs
    for task, names, title in (
        ("detection", things, "Mask R-CNN on val scenes: the three highest scores of each"),
        ("segmentation", things + classes["stuff"], "UPerNet on val scenes"),
    ):
        work = []
        for step in sorted(steps, key=lambda s: ROLES.index(s.recipe.role)):
            if step.job.protocol.task != task:
                continue
            folder = workspace.runs / "jobs" / arguments.profile / step.recipe.name
            path = folder / step.job.protocol.name / "seed0/samples.npz"
            if path.exists():
                work.append((step.recipe.display, path))
            else:
                print(f"no samples of {step.recipe.display} for {task}")
        if work:
            prediction_sheet(work, arguments.out, title, task, names)


if __name__ == "__main__":
    main()
