"""Runs a checkpoint through a protocol for some seeds and writes one record each."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from ..atomic import write_atomic
from ..convert.manifest import Manifest, read_manifest
from ..data.locate import DataFolder, require
from ..engine.capture import Stopwatch, classify, environment, now, peak_memory_mib
from ..engine.request import Request
from ..errors import BenchError
from ..record import (
    CheckpointRef,
    Cost,
    DataRef,
    Failure,
    ProtocolRef,
    RecipeRef,
    Record,
    write_record,
)
from ..resolve import config_sha256, load_config, relocate
from ..spec import Job, Protocol, Recipe
from ..workspace import Workspace
from .context import Context, Outcome


def recipe_ref(recipe: Recipe, sha256: str) -> RecipeRef:
    """What a record says of its recipe."""
    return RecipeRef(
        name=recipe.name,
        algorithm=recipe.algorithm,
        display=recipe.display,
        backbone=recipe.backbone,
        role=recipe.role,
        config_sha256=sha256,
    )


def protocol_ref(protocol: Protocol, sha256: str) -> ProtocolRef:
    """What a record says of its protocol."""
    return ProtocolRef(
        name=protocol.name,
        task=protocol.task,
        family=protocol.family,
        display=protocol.display,
        main_metric=protocol.main_metric,
        config_sha256=sha256,
    )


def command_for(job: Job) -> str:
    """What to type to run a job again."""
    return (
        f"mrcl-bench run --profile {job.profile} --recipe {job.recipe.name} "
        f"--protocol {job.protocol.name} --seed {job.seed} --force"
    )


def work_dir_of(workspace: Workspace, job: Job) -> Path:
    """Folder of a job's log, curves and pictures."""
    name = f"{job.recipe.name}/{job.protocol.name}/seed{job.seed}"
    return workspace.runs / "jobs" / job.profile / name


def run_evaluation(request: Request) -> bool:
    """Runs all jobs of a request in this process.

    Args:
        request: An evaluation request.

    Returns:
        Whether all runs completed. A run that fails leaves a record that says why, and the
        next job is tried.

    Raises:
        BenchError: Checkpoint or data are missing or damaged: no run was begun.
        KeyboardInterrupt: Passed on; the run under way leaves no record.
    """
    workspace = Workspace(request.root)
    manifest = read_manifest(workspace.checkpoint_dir(request.profile, request.recipe.name))
    data = {job.protocol.data: require(job.protocol.data, workspace.data) for job in request.jobs}
    results = [
        _run_one(job, request, workspace, manifest, data[job.protocol.data]) for job in request.jobs
    ]
    return all(results)


def _run_one(
    job: Job, request: Request, workspace: Workspace, manifest: Manifest, data: DataFolder
) -> bool:
    from ..checkpoint import load_state_dict

    watch = Stopwatch()
    config = load_config(job.protocol.path)
    protocol_sha256 = config_sha256(config)
    relocate(config, workspace.data)
    config.launcher = request.launcher
    path = workspace.record_path(job.profile, job.recipe.name, job.protocol.name, job.seed)
    failure: Failure | None = None
    outcome: Outcome | None = None
    try:
        _follow_normalisation(config, manifest)
        adapter = importlib.import_module(f"mrcl_bench.jobs.{job.protocol.adapter}")
        folder = workspace.checkpoint_dir(job.profile, job.recipe.name)
        context = Context(
            job=job,
            workspace=workspace,
            config=config,
            weights=load_state_dict(folder / "backbone.pth"),
            weights_sha256=manifest.weights_sha256,
            data_sha256=data.sha256,
            work_dir=work_dir_of(workspace, job),
            protocol_sha256=protocol_sha256,
        )
        context.work_dir.mkdir(parents=True, exist_ok=True)
        outcome = adapter.run(context)
        if job.protocol.main_metric not in outcome.metrics:
            raise BenchError(
                f"{job.protocol.name} measured {', '.join(outcome.metrics) or 'nothing'}, "
                f"not its main metric {job.protocol.main_metric}.",
                "Mend main_metric in the protocol's bench block.",
            )
    except Exception as error:  # whatever stops a run must be seen in the table
        import traceback

        traceback.print_exc()  # to the job's log
        failure, outcome = classify(error), None

    if int(os.environ.get("RANK", "0")) != 0:  # torchrun: one process writes
        return failure is None
    artifacts = {}
    if outcome is not None and outcome.arrays:
        artifacts["per_sample"] = _save_arrays(path, outcome)
    spent = Cost(images_seen=0, seconds=watch.seconds, peak_memory_mib=peak_memory_mib())
    record = Record(
        status="completed" if failure is None else "failed",
        failure=failure,
        profile=job.profile,
        recipe=recipe_ref(job.recipe, str(manifest.pretrain["recipe_sha256"])),
        protocol=protocol_ref(job.protocol, protocol_sha256),
        seed=job.seed,
        metrics=outcome.metrics if outcome else {},
        choices=outcome.choices if outcome else {},
        flags=outcome.flags if outcome else [],
        checkpoint=CheckpointRef(
            sha256=manifest.weights_sha256, source_sha256=manifest.source_sha256
        ),
        load_report=outcome.load_report if outcome else None,
        data=DataRef(id=data.id, sha256=data.sha256, shapes_fallback=data.shapes_fallback),
        cost=outcome.cost if outcome else spent,
        pretrain_cost=Cost.model_validate(manifest.pretrain["cost"]),
        environment=environment(),
        artifacts=artifacts,
        started=watch.started,
        finished=now(),
        command=command_for(job),
    )
    write_record(path, record)
    return failure is None


def _save_arrays(path: Path, outcome: Outcome) -> str:
    import numpy as np

    side = path.with_name(f"{path.stem}.per_sample.npz")
    write_atomic(side, lambda file: np.savez_compressed(file, **outcome.arrays))
    return side.name


def _follow_normalisation(config: object, manifest: Manifest) -> None:
    """Feeds the backbone what it was trained on, whatever the protocol's config says."""
    model = config.model  # type: ignore[attr-defined]
    processor = model.get("data_preprocessor")
    if processor is None:
        return
    normalisation = manifest.normalisation
    processor.mean = list(normalisation.mean)
    processor.std = list(normalisation.std)
    rgb = normalisation.channel_order == "rgb"
    # mmcv reads images as BGR; mmpretrain says to_rgb, mmdet and mmseg say bgr_to_rgb.
    key = "bgr_to_rgb" if "bgr_to_rgb" in processor else "to_rgb"
    processor[key] = rgb
