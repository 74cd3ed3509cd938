"""Runs a recipe: trains, promotes the weights, converts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .atomic import write_json
from .config_keys import check_keys
from .data.locate import require
from .engine.capture import Diverged, Stopwatch, classify, environment, now, peak_memory_mib
from .engine.request import Request
from .kept_configs import keep
from .record import Cost
from .rehearsal.reduce import reduce_config
from .resolve import load_spec, relocate
from .spec import Recipe
from .workspace import Workspace


def status_path(workspace: Workspace, profile: str, recipe: str) -> Path:
    """Where a failed pretraining says why."""
    return workspace.runs / "pretrain" / profile / recipe / "failure.json"


def run_pretraining(request: Request) -> None:
    """Runs one recipe in this process and leaves ``raw.pth``, ``backbone.pth`` and a manifest.

    A run that was interrupted goes on from its newest training checkpoint if the recipe, the
    data and the seed are still the same; otherwise it starts anew.

    Args:
        request: A pretraining request.

    Raises:
        BenchError: Data is missing, or the config does not load.
        Exception: Whatever stopped training; the reason is also left in ``failure.json``.
    """
    workspace = Workspace(request.root)
    recipe = request.recipe
    failure = status_path(workspace, request.profile, recipe.name)
    failure.unlink(missing_ok=True)
    try:
        _train(request, workspace, recipe)
    except (Exception, KeyboardInterrupt) as error:
        write_json(failure, classify(error).model_dump())
        raise


def _train(request: Request, workspace: Workspace, recipe: Recipe) -> None:
    from .checkpoint import save_weights, state_dict_sha256
    from .convert.file import Given, convert_file
    from .engine.resume import ElapsedHook
    from .engine.runtime import build_runner, encoder_gflops
    from .fit import heads_of
    from .reconstructions import keep_reconstructions

    watch = Stopwatch()
    config = load_spec(recipe)
    check_keys(config, recipe)
    identity = keep(config, workspace.configs)
    data = require(recipe.data, workspace.data)
    relocate(config, workspace.data)
    if request.rehearsal is not None:
        reduce_config(config, request.rehearsal, recipe=True)
    seed = request.seed
    work_dir = workspace.runs / "pretrain" / request.profile / recipe.name
    work_dir.mkdir(parents=True, exist_ok=True)

    mark = work_dir / "identity.txt"
    wanted = f"{identity} {data.sha256} seed {seed}"
    last = work_dir / "last_checkpoint"
    if last.exists() and mark.exists() and mark.read_text() == wanted:
        config.resume = True
    else:
        last.unlink(missing_ok=True)
    mark.write_text(wanted)

    runner = build_runner(config, work_dir, seed, request.launcher, f"pretrain {recipe.display}")
    elapsed = ElapsedHook(watch)
    runner.register_hook(elapsed, priority="LOWEST")
    if recipe.role == "floor":
        runner.model.init_weights()
    else:
        runner.train()
    model: Any = runner.model.module if hasattr(runner.model, "module") else runner.model
    if runner.rank != 0:
        return
    _check_finite(model)
    batch = config.train_dataloader.batch_size * runner.world_size
    images = 0 if recipe.role == "floor" else runner.iter * batch
    size = _training_size(runner)
    cost = Cost(
        images_seen=images,
        epochs=images / len(runner.train_dataloader.dataset) if images else 0.0,
        seconds=elapsed.seconds,
        peak_memory_mib=peak_memory_mib(),
        encoder_gflops=encoder_gflops(model.backbone, size),
    )
    state = model.state_dict()
    folder = workspace.checkpoint_dir(request.profile, recipe.name)
    pretrain = {
        "recipe_sha256": identity,
        "data_id": data.id,
        "data_sha256": data.sha256,
        "shapes_fallback": data.shapes_fallback,
        "seed": seed,
        "cost": cost.model_dump(),
        "environment": environment().model_dump(),
        "finished": now(),
    }
    save_weights(folder / "raw.pth", state, {"recipe": recipe.name, **pretrain})
    processor = config.model.get("data_preprocessor") or config.data_preprocessor
    convert_file(
        folder / "raw.pth",
        folder,
        source=recipe.source,
        which=config.model.get("promote", "online"),
        given=Given(heads=heads_of(model.backbone)),
        normalisation={
            "mean": list(processor.mean),
            "std": list(processor.std),
            "channel_order": "rgb" if processor.to_rgb else "bgr",
            "value_range": [0, 255],
        },
        recipe=recipe.name,
        algorithm=recipe.algorithm,
        pretrain={**pretrain, "raw_state_sha256": state_dict_sha256(state)},
    )
    keep_reconstructions(folder, model, runner.train_dataloader.dataset, config)
    for leftover in [*work_dir.glob("epoch_*.pth"), *work_dir.glob("iter_*.pth"), last]:
        leftover.unlink(missing_ok=True)  # a finished run is never resumed


def _training_size(runner: Any) -> int:
    """Side of a training image in pixels, as the pipeline gives it out."""
    inputs = runner.train_dataloader.dataset[0]["inputs"]
    return int((inputs[0] if isinstance(inputs, list) else inputs).shape[-1])


def _check_finite(model: Any) -> None:
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise Diverged(f"{name} has NaN or infinite values at the end of pretraining")
