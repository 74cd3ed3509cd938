"""What a plan will cost, before it runs: measured where it ran before, else by stated speed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .config_steps import steps_of
from .plan import Plan, Planner, each_once
from .record import find_records, read_record
from .resolve import load_spec
from .spec import Protocol, Recipe

TRAIN_SIZES = {
    "imagenet": 1_281_167,
    "coco": 117_266,
    "ade20k": 20_210,
    "voc0712": 16_551,
    "voc07": 5_011,
    "cityscapes": 2_975,
}
"""Training images by data set, as its publishers count them; COCO's are those with an object."""
_FROZEN = "FrozenClassifier"
"""The model whose encoder is a constant: `mrcl_bench.models.parallel_heads`."""
_ASPECT = 4 / 3
"""Long to short side of a photograph, where a pipeline keeps it."""
_BACKWARD = 3
"""A training step computes some three times a forward pass."""
_HOUR = 3600

Source = Literal["measured", "stated", "unknown"]


@dataclass(frozen=True)
class Estimate:
    """What is left to do of one recipe or protocol.

    Attributes:
        what: Name of the recipe or protocol.
        count: Runs to do.
        images: Training images of one run, each counted once; None where nothing says it.
        gflops: Of one forward pass of the encoder at the size of training; None if not counted.
        hours: Of one run on one device; None where ``source`` is ``unknown``.
        source: ``measured``: mean of earlier runs with this config here; ``stated``: from FLOPs
            and the speed that the user states.
    """

    what: str
    count: int
    images: int | None
    gflops: float | None
    hours: float | None
    source: Source


def estimate(planner: Planner, plan: Plan, tflops: float | None = None) -> list[Estimate]:
    """Estimates what a plan will cost.

    FLOPs are the encoder's alone: images x views x forward pass, three times that where it is
    trained. Heads, momentum encoders and what masking saves are left out, so that this is right
    to a factor of two or so.

    Args:
        planner: Who made the plan.
        plan: The plan.
        tflops: Sustained speed of one device in TFLOP/s; None leaves out what was not measured.

    Returns:
        One entry per recipe or protocol with something left to do, waiting jobs among them.
    """
    needed = {step.recipe.name for step in plan.jobs if step.state != "done"}
    pretrainings = each_once(
        s for s in plan.pretrainings if s.state != "done" and s.recipe.name in needed
    )
    specs: list[Recipe | Protocol] = [step.recipe for step in pretrainings]
    specs += [step.job.protocol for step in plan.jobs if step.state != "done"]
    counts = Counter(spec.name for spec in specs)
    wanted = {spec.name: spec for spec in specs}
    measured = _measured(planner, list(wanted.values()))
    return [_of(spec, counts[name], measured, tflops) for name, spec in wanted.items()]


def _measured(planner: Planner, specs: list[Recipe | Protocol]) -> dict[str, float]:
    """Mean seconds of completed runs of a protocol here, on whatever recipe."""
    wanted = {spec.name: spec for spec in specs if isinstance(spec, Protocol)}
    seconds: dict[str, list[float]] = {}
    for path in find_records(planner.workspace.records(planner.profile)):
        if path.parent.name not in wanted:
            continue
        record = read_record(path)
        current = planner.config_hash(wanted[record.protocol.name])
        if record.status == "completed" and record.protocol.config_sha256 == current:
            seconds.setdefault(record.protocol.name, []).append(record.cost.seconds)
    return {name: sum(found) / len(found) for name, found in seconds.items()}


def _of(
    spec: Recipe | Protocol, count: int, measured: Mapping[str, float], tflops: float | None
) -> Estimate:
    if isinstance(spec, Recipe) and spec.role == "floor":
        return Estimate(spec.name, count, 0, None, 0.0, "stated")
    config = load_spec(spec)
    images = training_images(config, spec.data)
    if spec.name in measured:
        return Estimate(spec.name, count, images, None, measured[spec.name] / _HOUR, "measured")
    if tflops is None or images is None:
        return Estimate(spec.name, count, images, None, None, "unknown")
    gflops = forward_gflops(spec, config)
    if gflops is None:
        return Estimate(spec.name, count, images, None, None, "unknown")
    factor = _BACKWARD if trains_the_encoder(config) else 1
    hours = images * views(config) * gflops * factor / (tflops * 1000) / _HOUR
    return Estimate(spec.name, count, images, gflops, hours, "stated")


def training_images(config: Any, data: str) -> int | None:
    """Counts the images that a run trains on, with repetitions; None where nothing says it.

    Args:
        config: Of a recipe or protocol. One without ``train_cfg`` reads train once.
        data: Id of its data set.
    """
    cycle = config.get("train_cfg") or {"max_epochs": 1}
    if cycle.get("max_iters"):
        scale = config.get("auto_scale_lr") or {}
        batch = scale.get("base_batch_size") or config.train_dataloader.batch_size
        return int(cycle["max_iters"] * batch)
    size = TRAIN_SIZES.get(data)
    if size is None:
        return None
    share = config.train_dataloader.dataset.get("share") or 1  # of a subset
    return int(cycle["max_epochs"] * size * share)


def trains_the_encoder(config: Any) -> bool:
    """Whether gradients reach the encoder."""
    return config.get("optim_wrapper") is not None and config.model.type != _FROZEN


def views(config: Any) -> int:
    """Counts the views of an image that its encoder sees in one step."""
    found = [
        step["num_views"] for step in steps_of(config.train_dataloader) if step.get("num_views")
    ]
    counts = found[0] if found else 1
    return sum(counts) if isinstance(counts, list | tuple) else int(counts)


def training_size(config: Any) -> tuple[int, int] | None:
    """Height and width of a training image in pixels, the mean where it varies.

    Returns:
        None where no step of the pipeline says it.
    """
    size = None
    for step in steps_of(config.train_dataloader):
        found = step.get("crop_size") or step.get("scale") or step.get("scales")
        if isinstance(found, int):
            size = (found, found)
        elif isinstance(found, list | tuple) and found and isinstance(found[0], list | tuple):
            short = sum(min(scale) for scale in found) / len(found)
            size = (round(short), round(min(short * _ASPECT, max(found[0]))))
        elif isinstance(found, list | tuple) and len(found) == 2 and found[0] >= 2:
            size = (int(found[1]), int(found[0])) if "scale" in step else (found[0], found[1])
    return size


def forward_gflops(spec: Recipe | Protocol, config: Any) -> float | None:
    """Counts a forward pass of the encoder at the size of training; None if it cannot be."""
    from .engine.runtime import encoder_gflops
    from .fit import build_backbone

    size = training_size(config)
    return None if size is None else encoder_gflops(build_backbone(spec, config), size)
