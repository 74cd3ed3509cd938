"""Box and mask AP inside mmdet's metric: pycocotools against hotcoco."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from .coco_sets import detections
from .timing import Measurement, Target


def measure(quick: bool) -> list[Measurement]:
    """2,500 images with 96 detections each, 80 classes."""
    from mrcl_bench.jobs.exact_metrics import ExactCocoMetric

    images, each = (100, 40) if quick else (2500, 96)
    truth, results = detections(images, each)
    found: dict[str, tuple[dict[str, float], dict[str, Any]]] = {}
    clock: dict[str, list[float]] = {"pycocotools": [], "hotcoco": []}
    processor: dict[str, list[float]] = {"pycocotools": [], "hotcoco": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "truth.json"
        path.write_text(json.dumps(truth))

        def judge(name: str) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                metric = ExactCocoMetric(ann_file=str(path), metric=["bbox", "segm"])
                metric.plain = name == "pycocotools"
                metric.dataset_meta = {"classes": [one["name"] for one in truth["categories"]]}
                own = [({}, {**one, "masks": [dict(m) for m in one["masks"]]}) for one in results]
                gc.collect()  # what the run before left is not to be cleared away in this one
                begin = time.perf_counter(), time.process_time()
                metrics = metric.compute_metrics(own)
                clock[name].append(time.perf_counter() - begin[0])
                processor[name].append(time.process_time() - begin[1])
            found[name] = metrics, metric.per_sample

        judge("hotcoco")  # the first compiles
        clock["hotcoco"].clear()
        processor["hotcoco"].clear()
        for name in ("hotcoco", "hotcoco", "pycocotools", "hotcoco", "hotcoco", "hotcoco"):
            judge(name)
    (plain, plain_kept), (fast, fast_kept) = found["pycocotools"], found["hotcoco"]
    equal = all((fast_kept[name] == value).all() for name, value in plain_kept.items())
    return [
        Measurement(
            f"COCO box and mask AP, {images:,} images, {images * each:,} detections, {how}",
            seconds,
            "pycocotools",
            [Target("hotcoco", "pycocotools", 50)],
            {
                "largest difference of a metric": max(abs(fast[k] - plain[k]) for k in plain),
                "matches kept of each image equal": equal,
                "in the time": "compute_metrics: conversion, metrics, matches for the record; "
                "not in it: a first run, which compiles or loads what was compiled",
            },
        )
        for how, seconds in (("time of the processor", processor), ("by the clock", clock))
    ]
