"""Runs a recipe: trains, promotes the weights, converts them."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .atomic import write_json
from .config_keys import check_keys
from .course import Moment, moments, part
from .data.locate import require
from .engine.capture import Diverged, Stopwatch, classify, environment, now, peak_memory_mib
from .engine.left_out import LeftOut, without_broken_images
from .engine.request import Request
from .errors import BenchError
from .kept_configs import keep
from .own_code import code_sha256
from .record import Cost, Course
from .rehearsal.reduce import reduce_config
from .resolve import load_spec, relocate
from .spec import Recipe
from .workspace import Workspace


def status_path(workspace: Workspace, profile: str, recipe: str) -> Path:
    """Where a failed pretraining says why."""
    return workspace.pretrain_run(profile, recipe) / "failure.json"


def run_pretraining(request: Request) -> None:
    """Runs one recipe in this process and leaves ``raw.pth``, ``backbone.pth`` and a manifest.

    A run that was interrupted goes on from its newest sound training checkpoint if the recipe,
    the data and the seed are still the same; otherwise it starts anew.

    Args:
        request: A pretraining request.

    Raises:
        BenchError: Data is missing, the config does not load, or all training checkpoints of a
            run that had some are damaged.
        Exception: Whatever stopped training; the reason is also left in ``failure.json``.
    """
    workspace = Workspace(request.root)
    recipe = request.recipe
    failure = status_path(workspace, request.profile, recipe.name)
    failure.unlink(missing_ok=True)
    try:
        with without_broken_images(request.allow_broken_images, workspace.checked) as left:
            _train(request, workspace, recipe, left)
    except (Exception, KeyboardInterrupt) as error:
        # Where one of several processes fails, the launcher stops the others: not their reason.
        if isinstance(error, KeyboardInterrupt) and failure.exists():
            raise
        with contextlib.suppress(OSError):  # on a full disk the exit code alone says why
            write_json(failure, classify(error).model_dump())
        raise


def _train(request: Request, workspace: Workspace, recipe: Recipe, left: LeftOut) -> None:
    from mmengine.dist import get_world_size

    from .engine.batch import fit_batch
    from .engine.checkpoints import forget, go_on
    from .engine.keep import KeepHook
    from .engine.resume import ElapsedHook, ResumedHook
    from .engine.runtime import build_runner, encoder_gflops, join
    from .engine.several import EveryWeightHook
    from .engine.stop import STOP, stop_hook
    from .engine.switches import switch_config
    from .reconstructions import keep_reconstructions

    watch = Stopwatch()
    code = code_sha256(recipe)
    config = load_spec(recipe)
    check_keys(config, recipe)
    identity = keep(config, workspace.configs)
    data = require(recipe.data, workspace.data)
    relocate(config, workspace.data)
    if request.rehearsal is not None:
        reduce_config(config, request.rehearsal, recipe=True)
    join(config, request.launcher)
    kept_batch = request.keep_batch and request.rehearsal is None
    layout = None
    switches: tuple[str, ...] = ()
    if recipe.role != "floor":
        layout = fit_batch(config, recipe, get_world_size(), kept_batch)
        switches = switch_config(config, request.switches)
    seed = request.seed
    work_dir = workspace.pretrain_run(request.profile, recipe.name)
    work_dir.mkdir(parents=True, exist_ok=True)
    kept = work_dir / "kept"
    wanted_moments = moments(recipe, config)
    if wanted_moments and not (data.path / recipe.measure_on).is_dir():
        raise BenchError(
            f"{recipe.name} measures its pretext task on {data.path / recipe.measure_on}, which is "
            "not there.",
            "Mend measure_on in its bench block: a folder of its data set, or none.",
        )

    wanted = f"{identity} {data.sha256} seed {seed}"
    if wanted_moments:
        wanted += f" keep {' '.join(moment.label for moment in wanted_moments)}"
    if request.allow_broken_images:
        wanted += " without broken images"
    if layout is not None and layout.processes * layout.accumulated > 1:
        wanted += f" batch {layout.total} by {layout.processes} in {layout.accumulated}"
    if switches:
        wanted += f" with {' '.join(switches)}"
    go_on(config, work_dir, wanted, kept)

    what = f"pretrain {recipe.display}"
    runner = build_runner(config, work_dir, seed, request.launcher, what, switches)
    if request.rehearsal is not None:
        runner.register_hook(EveryWeightHook())
    elapsed, resumed = ElapsedHook(watch), ResumedHook()
    runner.register_hook(elapsed, priority="LOWEST")
    runner.register_hook(resumed, priority="LOWEST")
    batch = config.train_dataloader.batch_size * runner.world_size

    def cost_of(steps: int) -> Cost:
        images = steps * batch
        return Cost(
            images_seen=images,
            epochs=images / len(runner.train_dataloader.dataset) if images else 0.0,
            seconds=elapsed.seconds,
            peak_memory_mib=peak_memory_mib(),
            batch=layout,
            switches=switches,
        )

    if wanted_moments:
        # Before the training checkpoint of the same step: killed in between, it comes again.
        runner.register_hook(KeepHook(wanted_moments, kept, cost_of), priority="LOW")
    runner.register_hook(stop_hook(), priority="LOWEST")
    model: Any = runner.model.module if hasattr(runner.model, "module") else runner.model
    if recipe.role == "floor":
        model.init_weights()
    else:
        with STOP.deferred():
            runner.train()
    if runner.rank != 0:
        return
    _check_finite(model)
    gflops = encoder_gflops(model.backbone, _training_size(runner))
    spent = cost_of(0 if recipe.role == "floor" else runner.iter)
    made = _Made(
        recipe=recipe,
        model=model,
        config=config,
        pretrain={
            "recipe_sha256": identity,
            "data_id": data.id,
            "data_sha256": data.sha256,
            "shapes_fallback": data.shapes_fallback,
            "broken_images": len(left.files),
            "seed": seed,
            **({"resumed": resumed.steps} if resumed.steps else {}),
            "environment": environment(code).model_dump(),
            "finished": now(),
        },
        gflops=gflops,
    )
    folder = workspace.checkpoint_dir(request.profile, recipe.name)
    if wanted_moments:
        images = data.path / recipe.measure_on if recipe.measure_on else None
        pretext = _Pretext(made, images, wanted_moments[0])
        made.promote(folder, recipe.name, model.state_dict(), spent, pretext.measured())
        _promote_kept(made, pretext, request, workspace, wanted_moments, kept)
        shutil.rmtree(kept, ignore_errors=True)
    else:
        made.promote(folder, recipe.name, model.state_dict(), spent)
    keep_reconstructions(folder, model, runner.train_dataloader.dataset, config)
    forget(work_dir)  # a finished run is never resumed


class _Pretext:
    """Measures a run's network at its pretext task.

    Args:
        made: The run.
        images: Folder of the images; None for those that it trains on.
        moment: Any of its moments.
    """

    def __init__(self, made: _Made, images: Path | None, moment: Moment) -> None:
        from .engine.pretext import loader

        self._made = made
        self._moment = moment
        self._seen = images is None
        self._batches = loader(made.config, images)

    def measured(self, count: int | None = None) -> dict[str, Any]:
        """The fields of `Course` with the weights that the network has now.

        Args:
            count: Steps (epochs) until then; None at the end of the run.
        """
        from .engine.pretext import measure

        total = self._moment.total
        return Course(
            of=self._made.recipe.name,
            count=total if count is None else count,
            total=total,
            unit=self._moment.unit,
            seen=self._seen,
            **measure(self._made.model, self._batches),
        ).model_dump()


def _promote_kept(
    made: _Made,
    pretext: _Pretext,
    request: Request,
    workspace: Workspace,
    wanted: tuple[Moment, ...],
    kept: Path,
) -> None:
    """Measures and converts what was kept over the course of a run, in order."""
    from .checkpoint import load_checkpoint
    from .engine.keep import kept_file

    model = made.model
    last = {key: value.detach().clone() for key, value in model.state_dict().items()}
    for moment in wanted:
        content: Any = load_checkpoint(kept_file(kept, moment))
        state = content["state_dict"]
        model.load_state_dict(state)
        one = part(made.recipe, moment)
        folder = workspace.checkpoint_dir(request.profile, one.name)
        cost = Cost.model_validate(content["meta"]["cost"])
        made.promote(folder, one.name, state, cost, pretext.measured(moment.count))
    model.load_state_dict(last)


@dataclass(frozen=True)
class _Made:
    """A finished run: what its checkpoints have in common."""

    recipe: Recipe
    model: Any
    config: Any
    pretrain: dict[str, Any]
    gflops: float | None

    def promote(
        self,
        folder: Path,
        name: str,
        state: dict[str, Any],
        cost: Cost,
        course: dict[str, Any] | None = None,
    ) -> None:
        """Writes weights as they are and converted, with a manifest that says where they are from.

        Args:
            folder: Where.
            name: Of the recipe, or of the stand-in for a kept checkpoint.
            state: The whole network's.
            cost: Until then.
            course: Fields of `Course`; None for recipes that keep none.
        """
        from .checkpoint import save_weights, state_dict_sha256
        from .convert.file import Given, convert_file
        from .fit import heads_of

        spent = cost.model_copy(update={"encoder_gflops": self.gflops}).model_dump()
        pretrain = {**self.pretrain, "cost": spent}
        if course is not None:
            pretrain["course"] = course
        save_weights(folder / "raw.pth", state, {"recipe": name, **pretrain})
        processor = self.config.model.get("data_preprocessor") or self.config.data_preprocessor
        convert_file(
            folder / "raw.pth",
            folder,
            source=self.recipe.source,
            which=self.config.model.get("promote", "online"),
            given=Given(heads=heads_of(self.model.backbone)),
            normalisation={
                "mean": list(processor.mean),
                "std": list(processor.std),
                "channel_order": "rgb" if processor.to_rgb else "bgr",
                "value_range": [0, 255],
            },
            recipe=name,
            algorithm=self.recipe.algorithm,
            pretrain={**pretrain, "raw_state_sha256": state_dict_sha256(state)},
        )


def _training_size(runner: Any) -> int:
    """Side of a training image in pixels, as the pipeline gives it out."""
    inputs = runner.train_dataloader.dataset[0]["inputs"]
    return int((inputs[0] if isinstance(inputs, list) else inputs).shape[-1])


def _check_finite(model: Any) -> None:
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise Diverged(f"{name} has NaN or infinite values at the end of pretraining")
