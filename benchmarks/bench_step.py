"""One training step of MRCL and of mmpretrain's stock MoCo v3, SimCLR and MAE on the same ViT."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from . import timing

MASK_RATIO = 0.6
"""The ratio that the target is about; the recipes' is 0.5."""
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
"""Dense bf16 operations a second by the makers' data sheets (SXM), by words in the GPU's name."""
_MASKED = {"mask_ratio": MASK_RATIO, "grad_norm_interval": 0}
CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "MoCo v3": ("mocov3", {}),
    "SimCLR": ("simclr", {}),
    "MAE": ("mae", {}),
    "MRCL": ("mrcl", _MASKED),
    "MRCL, one view reconstructed": ("mrcl", {**_MASKED, "reconstruct_views": 1}),
}
"""Algorithms as the files of ``mm_configs/_base_/models`` have them, and what is changed."""
_OURS = ("MRCL", "MRCL, one view reconstructed")
_ROOM = 10
"""GiB that a CPU's memory should have free for the ViTs of the paper recipes."""


class Step:
    """One algorithm's training step on random pictures, as a recipe's Runner makes it.

    Args:
        algorithm: First word of a model file's name.
        backbone: Its second.
        batch: Pictures.
        changes: Settings of the model that differ from the file's.
        switches: See `mrcl_bench.switches`.
    """

    def __init__(
        self,
        algorithm: str,
        backbone: str,
        batch: int,
        changes: Mapping[str, Any] | None = None,
        switches: tuple[str, ...] = (),
    ) -> None:
        import torch
        from mmengine.logging import MessageHub
        from mmengine.optim import build_optim_wrapper
        from mmpretrain.registry import MODELS

        import mrcl_bench.models  # noqa: F401
        from mrcl_bench.catalog import config_root
        from mrcl_bench.engine.switches import switch_config, switch_model
        from mrcl_bench.resolve import load_config

        MessageHub.get_current_instance().update_info("max_iters", 1000)
        base = config_root() / "_base_"
        config = load_config(base / f"models/{algorithm}_{backbone}.py").model
        config.update(changes or {})
        if backbone == "vit-128x4":
            _at_224(config)
        training = load_config(base / "schedules/in1k_matched-adamw_100e.py")
        training.optim_wrapper.type = "OptimWrapper"  # single precision unless switched
        del training.optim_wrapper.loss_scale
        switch_config(training, switches)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(0)
        before = self._allocated()
        self.model = MODELS.build(config)
        self.model.init_weights()
        self.model.to(self.device).train()
        switch_model(self.model, switches)
        self.optimizer = build_optim_wrapper(self.model, training.optim_wrapper)
        size = config.backbone.get("img_size", 224)
        views = [torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8) for _ in range(2)]
        self.batch = {"inputs": views if algorithm != "mae" else views[0], "data_samples": None}
        for _ in range(3 if self.device == "cuda" else 1):  # the optimiser's state is made here
            self()
        self.peak = None if before is None else torch.cuda.max_memory_allocated() - before

    def __call__(self) -> None:
        """Forward, backward, optimiser and momentum update."""
        self.model.train_step(self.batch, self.optimizer)

    def seconds(self) -> float:
        """What a step takes: of the processor, or of the GPU by the clock."""
        if self.device == "cpu":
            begin = time.process_time()
            self()
            return time.process_time() - begin
        import torch

        torch.cuda.synchronize()
        begin = time.perf_counter()
        self()
        torch.cuda.synchronize()
        return time.perf_counter() - begin

    def operations(self) -> float:
        """Operations of a step in products and convolutions, multiply-add as two."""
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            self()
        return float(counter.get_total_flops())

    def _allocated(self) -> int | None:
        import torch

        if self.device == "cpu":
            return None
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()


def _at_224(model: Any) -> None:
    """Gives the ViT for pictures of 48 px as many patches as the others have."""
    model.backbone.update(img_size=224, patch_size=16)
    for name in ("decoder", "neck"):
        if "num_patches" in model.get(name, {}):
            model[name].update(num_patches=196, patch_size=16)
    if "patch_size" in model.get("head", {}):
        model.head.patch_size = 16


def in_turn(steps: Mapping[str, Step], runs: int) -> dict[str, list[float]]:
    """As `timing.interleave`, of steps that say themselves how long they took."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs):
        for name, step in steps.items():
            seconds[name].append(step.seconds())
    return seconds


def figures(steps: Mapping[str, Step], seconds: Mapping[str, list[float]]) -> dict[str, Any]:
    """What else is known of each step: operations, and on a GPU their share of its peak."""
    found: dict[str, dict[str, Any]] = {}
    for name, step in steps.items():
        operations = step.operations()
        found[name] = {"GFLOP": round(operations / 1e9, 1)}
        if step.peak is not None:
            import torch

            found[name]["peak MiB"] = round(step.peak / 2**20)
            known = [peak for word, peak in PEAKS.items() if word in torch.cuda.get_device_name()]
            if known:
                found[name]["share of peak"] = operations / median(seconds[name]) / known[0]
    return found


def measure(quick: bool) -> list[timing.Measurement]:
    """Steps of all algorithms on the same ViT, and of MRCL and SimCLR with each switch."""
    import psutil
    import torch
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope

    MMLogger.get_instance("mmengine").setLevel("ERROR")
    init_default_scope("mmpretrain")
    cuda = torch.cuda.is_available()
    runs = 2 if quick else 20 if cuda else 5
    notes = {
        "time": "of the GPU by the clock" if cuda else "of the processor",
        "GFLOP": "products and convolutions"
        + ("" if cuda else "; the CPU's attention is not counted"),
    }
    found = []
    if not cuda:
        batch, turns = (4, runs) if quick else (32, 9)  # a second each; what others do shows in few
        found.append(_algorithms("vit-128x4", batch, CONTESTANTS, turns, notes))
    if not quick:
        room = psutil.virtual_memory().available / 2**30
        # Of a CPU's memory they take some 2.5 GiB each: weights, their moments, activations.
        few = CONTESTANTS if cuda else {name: CONTESTANTS[name] for name in ("MoCo v3", *_OURS)}
        low = f"{room:.0f} GiB of memory were free, {_ROOM} are needed"
        skipped = {} if cuda or room > _ROOM else dict.fromkeys(few, low)
        few = {} if skipped else few
        for vit, batch in (
            ("vit-small-p16", 256 if cuda else 8),
            ("vit-base-p16", 128 if cuda else 4),
        ):
            found.append(_algorithms(vit, batch, few, runs, notes, skipped))
    ways: list[tuple[str, ...]] = [(), ("bf16",), ("fused",)]
    without = {"compile": "a first step takes minutes of a CPU"}
    if cuda:
        without = {}
        ways += [("compile",), ("bf16", "compile", "fused")]
    vit, batch = ("vit-128x4", 8) if quick else ("vit-small-p16", 256 if cuda else 4)
    found.append(_switches("MRCL", "mrcl", vit, batch, ways, runs, notes, _MASKED, without))
    batch = 2 if quick else 256 if cuda else 8
    ways = [(), ("channels-last",), ("bf16",), ("bf16", "channels-last")]
    found.append(_switches("SimCLR", "simclr", "resnet50", batch, ways, runs, notes))
    return found


def _algorithms(
    backbone: str,
    batch: int,
    contestants: Mapping[str, tuple[str, dict[str, Any]]],
    runs: int,
    notes: dict[str, Any],
    skipped: dict[str, str] | None = None,
) -> timing.Measurement:
    """Compares algorithms on a ViT at 224 px; one without a size of its own gets 16 px patches."""
    import torch

    # A GPU's target is about bfloat16, as the recipes train; a CPU's about plain float32.
    switches = ("bf16",) if torch.cuda.is_available() else ()
    steps = {
        name: Step(algorithm, backbone, batch, changes, switches)
        for name, (algorithm, changes) in contestants.items()
    }
    seconds = in_turn(steps, runs)
    about = f"{backbone} at 224 px, 196 patches, batch {batch}, {'bf16' if switches else 'float32'}"
    more = {"mask ratio": MASK_RATIO, "classes": "mmpretrain's, but for MRCL; one optimiser"}
    return timing.Measurement(
        f"Training step, {about}",
        seconds,
        "MoCo v3",
        [timing.Target(name, "MoCo v3", 1 / 0.75) for name in _OURS],
        notes | more,
        batch,
        figures(steps, seconds),
        skipped or {},
    )


def _switches(
    display: str,
    algorithm: str,
    backbone: str,
    batch: int,
    ways: list[tuple[str, ...]],
    runs: int,
    notes: dict[str, Any],
    changes: Mapping[str, Any] | None = None,
    skipped: dict[str, str] | None = None,
) -> timing.Measurement:
    steps = {
        " ".join(way) or "none": Step(algorithm, backbone, batch, changes, way) for way in ways
    }
    seconds = in_turn(steps, runs)
    title = f"Switches, a step of {display} on {backbone}, batch {batch}"
    return timing.Measurement(title, seconds, "none", (), notes, batch, {}, skipped or {})
