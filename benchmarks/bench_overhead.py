"""A pretraining by the harness against the same config given to mmengine's Runner."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from .timing import Measurement, processes

ROOT = Path(__file__).resolve().parent.parent
_DIRECT = """
import sys
from pathlib import Path
from mmengine.config import Config
from mmengine.runner import Runner
from mrcl_bench.engine.runtime import prepare
from mrcl_bench.resolve import relocate
prepare(1)
config = Config.fromfile(sys.argv[1])
relocate(config, Path(sys.argv[2]))
config.work_dir, config.randomness = sys.argv[3], {"seed": 0}
Runner.from_cfg(config).train()
"""
_RECIPE = """_base_ = [{base!r}]
bench = dict(
    kind="recipe",
    algorithm="mrcl",
    display="MRCL",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    role="method",
    source="mrcl",
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters={steps}, val_interval={steps})
param_scheduler = [dict(type="CosineAnnealingLR", end={steps}, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval={steps}))
"""


def measure(quick: bool) -> list[Measurement]:
    """MRCL, 48 px, batch 32: a process each, from its start to the weights."""
    from mrcl_bench.catalog import Catalog
    from mrcl_bench.data.auto import make
    from mrcl_bench.engine.request import Request

    steps = 20 if quick else 150
    base = ROOT / "tests/mm_configs/pretrain/mrcl_vit-128x4_1xb32-14iters_stamps48-micro.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "data" / "stamps-micro", source="shapes", micro=True)
        path = folder / "configs" / "pretrain" / base.name
        path.parent.mkdir(parents=True)
        path.write_text(_RECIPE.format(base=str(base), steps=steps))
        recipe = Catalog(folder / "configs").recipe(path.stem)
        request = Request(kind="pretrain", profile="micro", recipe=recipe, root=folder / "root")
        asked = folder / "request.json"
        asked.write_text(request.model_dump_json())
        data, work = str(folder / "data"), str(folder / "direct")
        clock, processor = processes(
            {
                "mmengine's Runner": [sys.executable, "-c", _DIRECT, str(path), data, work],
                "mrcl-bench": [sys.executable, "-m", "mrcl_bench.engine.worker", str(asked)],
            },
            1 if quick else 2,
            ROOT,
            {**os.environ, "MRCL_BENCH_DATA": data},
        )
        assert list((folder / "root").glob("checkpoints/**/backbone.pth")), "nothing was trained"
    title = f"A pretraining of {steps} steps, 48 px, batch 32"
    notes = {
        "target": "at least 0.97 (3 % added)",
        "in mrcl-bench's time": "besides training, the conversion of the weights, its proof, and"
        " pictures of reconstructions: the same for a run of any length",
    }
    direct = "mmengine's Runner"
    return [
        Measurement(f"{title}, by the clock", clock, direct, "", notes),
        Measurement(f"{title}, time of the processor", processor, direct, "", notes),
    ]
