"""Runs the trained jobs' evaluations in one process and in two, with weights that never trained.

Started by torchrun. The first process evaluates alone, then all do together; detections are drawn
around the truth, since a detector that never trained finds nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from mmdet.models.detectors import MaskRCNN
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from mrcl_bench.catalog import Catalog
from mrcl_bench.engine.request import Request
from mrcl_bench.engine.runtime import prepare
from mrcl_bench.jobs.evaluate import run_evaluation
from mrcl_bench.spec import Job
from mrcl_bench.workspace import Workspace

RECIPE = "random_vit-128x4_0e_micro"
FAMILIES = ("finetune", "linear-sgd", "mask-rcnn", "upernet")


def around_the_truth(self: Any, inputs: Any, samples: Any, **_: Any) -> Any:
    """Stands in for `MaskRCNN.predict`: an image has the same detections wherever it is judged."""
    for sample in samples:
        rng = np.random.default_rng(sample.img_id)
        truth = sample.gt_instances
        boxes = getattr(truth.bboxes, "tensor", truth.bboxes)
        moved = boxes + torch.from_numpy(rng.normal(0, 2, tuple(boxes.shape))).to(boxes)
        masks = np.roll(truth.masks.to_ndarray().astype(bool), int(rng.integers(4)), axis=1)
        wrong = torch.from_numpy(rng.random(len(boxes)) < 0.3)
        sample.pred_instances = InstanceData(
            bboxes=moved,
            scores=torch.from_numpy(rng.random(len(boxes))),
            labels=torch.where(wrong, (truth.labels + 1) % 3, truth.labels),
            masks=torch.from_numpy(masks),
        )
    return samples


def request(configs: Path, root: Path, launcher: str) -> Request:
    """A request for one job of each family, in a workspace that has the checkpoint."""
    catalog = Catalog(configs)
    recipe = catalog.recipe(RECIPE)
    jobs = tuple(
        Job(profile="micro", recipe=recipe, protocol=protocol, seed=0)
        for protocol in catalog.select_protocols("micro", list(FAMILIES))
    )
    return Request.model_validate(
        {
            "kind": "evaluate",
            "profile": "micro",
            "recipe": recipe,
            "jobs": jobs,
            "root": root,
            "launcher": launcher,
        }
    )


def main(configs: Path, checkpoint: Path, root: Path) -> None:
    """Evaluates below ``root/alone`` and ``root/together``."""
    prepare(1)
    rank = int(os.environ["RANK"])
    Runner.train = lambda self: self._train_loop and None
    MaskRCNN.predict = around_the_truth
    for name, launcher in (("alone", "none"), ("together", "pytorch")):
        if rank == 0:
            folder = Workspace(root / name).checkpoint_dir("micro", RECIPE)
            shutil.copytree(checkpoint, folder)
        if launcher == "pytorch":
            dist.init_process_group("gloo")
            dist.barrier()
        elif rank:
            continue
        assert run_evaluation(request(configs, root / name, launcher))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
