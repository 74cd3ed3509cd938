"""Runs a checkpoint through a protocol for some seeds and writes one record each."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ..atomic import write_atomic
from ..config_keys import check_keys
from ..convert._architecture import Architecture
from ..convert.manifest import Manifest, read_manifest
from ..data.locate import DataFolder, require
from ..engine.capture import Stopwatch, classify, environment, now, peak_memory_mib
from ..engine.left_out import LeftOut, without_broken_images
from ..engine.manner import Manner
from ..engine.request import Request
from ..errors import BenchError
from ..kept_configs import keep
from ..normalisation import Normalisation
from ..own_code import code_sha256
from ..record import (
    CheckpointRef,
    Cost,
    DataRef,
    Failure,
    ProtocolRef,
    RecipeRef,
    Record,
    read_record,
    write_record,
)
from ..rehearsal.reduce import SHOTS, reduce_config
from ..resolve import load_config, relocate
from ..spec import Job, Protocol, Recipe
from ..switches import remark
from ..workspace import Workspace
from .context import Context, Outcome

_NORM_EPS = 1e-6
"""Epsilon of layer norms in mmpretrain's VisionTransformer (its argument ``norm_cfg``)."""


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


def command_for(job: Job, how: Manner | None = None) -> str:
    """What to type to run a job again; foreign weights are known by the name they were given."""
    if job.recipe.kind == "foreign":
        what = f"eval --name {job.recipe.name} --profile {job.profile}"
    else:
        what = f"run --profile {job.profile} --recipe {job.recipe.name}"
    options = how.options if how else ""
    return f"mrcl-bench {what} --protocol {job.protocol.name} --seed {job.seed}{options} --force"


def work_dir_of(workspace: Workspace, job: Job) -> Path:
    """Folder of a job's log, curves and pictures."""
    name = f"{job.recipe.name}/{job.protocol.name}/seed{job.seed}"
    return workspace.runs / "jobs" / job.profile / name


def run_evaluation(
    request: Request,
    claim: Callable[[Job], AbstractContextManager[bool]] = lambda job: nullcontext(True),
) -> bool:
    """Runs all jobs of a request in this process.

    Args:
        request: An evaluation request.
        claim: Entered around each job; says whether it is still to be done.

    Returns:
        Whether all runs completed. A run that fails leaves a record that says why, and the
        next job is tried.

    Raises:
        BenchError: Checkpoint or data are missing, damaged or wrongly labelled: no run was begun.
        KeyboardInterrupt: Passed on; the run under way leaves no record.
    """
    workspace = Workspace(request.root)
    manifest = read_manifest(workspace.checkpoint_dir(request.profile, request.recipe.name))
    data = {job.protocol.data: require(job.protocol.data, workspace.data) for job in request.jobs}
    if int(os.environ.get("RANK", "0")) == 0:
        from ..data.check.preflight import preflight  # reads pictures: OpenCV

        for folder in data.values():
            preflight(folder, workspace.checked)
    results = []
    for job in request.jobs:
        with claim(job) as is_mine:
            if is_mine:
                folder = data[job.protocol.data]
                results.append(_run_one(job, request, workspace, manifest, folder))
            else:
                print(f"{job.protocol.name}, seed {job.seed}: its record is there by now")  # noqa: T201
    return all(results)


def _run_one(
    job: Job, request: Request, workspace: Workspace, manifest: Manifest, data: DataFolder
) -> bool:
    from ..checkpoint import load_state_dict

    watch = Stopwatch()
    code = code_sha256(job.protocol)
    config = load_config(job.protocol.path)
    protocol_sha256 = keep(config, workspace.configs)
    relocate(config, workspace.data)
    config.launcher = request.launcher
    path = workspace.record_path(job.profile, job.recipe.name, job.protocol.name, job.seed)
    failure: Failure | None = None
    outcome: Outcome | None = None
    remarks: list[str] = []
    left: LeftOut | None = None
    reduced: dict[str, str] | None = None if request.rehearsal is None else {}
    try:
        check_keys(config, job.protocol)
        remarks = _follow_normalisation(config, manifest.normalisation)
        remarks += _follow_norm_eps(config, manifest.architecture)
        if manifest.broken_images:
            remarks.append(f"pretrained without {manifest.broken_images} broken images")
        if request.rehearsal is not None:
            reduced = reduce_config(config, request.rehearsal)
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
            keep_batch=request.keep_batch and request.rehearsal is None,
            allow_broken_images=request.allow_broken_images,
            switches=request.switches,
            resumes=request.rehearsal is None,
        )
        context.work_dir.mkdir(parents=True, exist_ok=True)
        _forget_finished(path, context.work_dir)
        with without_broken_images(request.allow_broken_images, workspace.checked) as left:
            outcome = adapter.run(context)
        if manifest.pretrain_cost is not None:
            remarks += remark("pretrained", manifest.pretrain_cost.switches)
        remarks += remark("trained", outcome.cost.switches)
        if job.protocol.main_metric not in outcome.metrics and SHOTS not in (reduced or {}):
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
        rehearsal=reduced,
        profile=job.profile,
        recipe=recipe_ref(job.recipe, manifest.recipe_sha256),
        protocol=protocol_ref(job.protocol, protocol_sha256),
        seed=job.seed,
        metrics=outcome.metrics if outcome else {},
        choices=outcome.choices if outcome else {},
        flags=[*remarks, *(outcome.flags if outcome else [])],
        resumed=outcome.resumed if outcome else [],
        checkpoint=CheckpointRef(
            sha256=manifest.weights_sha256, source_sha256=manifest.source_sha256
        ),
        load_report=outcome.load_report if outcome else None,
        normalisation=manifest.normalisation,
        data=DataRef(
            id=data.id,
            sha256=data.sha256,
            shapes_fallback=data.shapes_fallback,
            broken_images=len(left.files) if left else 0,
        ),
        cost=outcome.cost if outcome else spent,
        pretrain_cost=manifest.pretrain_cost,
        course=manifest.course,
        environment=environment(code),
        artifacts=artifacts,
        started=watch.started,
        finished=now(),
        command=command_for(job, request)
        if request.rehearsal is None
        else f"mrcl-bench rehearse {job.protocol.name} --profile {job.profile}",
    )
    write_record(path, record)
    if failure is None:
        from ..engine.checkpoints import forget

        forget(work_dir_of(workspace, job))
    return failure is None


def _forget_finished(path: Path, work_dir: Path) -> None:
    """Deletes training checkpoints of a finished job that was killed before it could.

    They are older than its record; those of a job that is made anew, and interrupted, are newer.
    """
    try:
        finished = read_record(path).status == "completed"
    except BenchError:
        return
    from ..engine.checkpoints import forget, training_checkpoints

    newest = max((one.stat().st_mtime for one in training_checkpoints(work_dir)), default=0.0)
    if finished and newest <= path.stat().st_mtime:
        forget(work_dir)


def _save_arrays(path: Path, outcome: Outcome) -> str:
    import numpy as np

    side = path.with_name(f"{path.stem}.per_sample.npz")
    write_atomic(side, lambda file: np.savez_compressed(file, **outcome.arrays))
    return side.name


def _follow_normalisation(config: Any, normalisation: Normalisation) -> list[str]:
    """Feeds the backbone what it was trained on, whatever the protocol's config says.

    Returns:
        A remark for the record where that is another input than the protocol's own.
    """
    processor = config.model.get("data_preprocessor")
    if processor is None:
        return []
    # mmcv reads images as BGR; mmpretrain says to_rgb, mmdet and mmseg say bgr_to_rgb.
    key = "bgr_to_rgb" if "bgr_to_rgb" in processor else "to_rgb"
    own = (processor.get("mean"), processor.get("std"), bool(processor.get(key)))
    mean, std = normalisation.in_bytes()  # the processors take pixels in 0 … 255
    processor.mean, processor.std = list(mean), list(std)
    processor[key] = normalisation.channel_order == "rgb"
    same = own[2] == processor[key] and all(
        mine is not None and len(mine) == 3 and all(map(_near, mine, theirs))
        for mine, theirs in ((own[0], mean), (own[1], std))
    )
    return [] if same else [f"fed as its weights expect: {normalisation}"]


def _follow_norm_eps(config: Any, architecture: Architecture) -> list[str]:
    """Gives a ViT's layer norms the epsilon of its weights where it is not mmpretrain's 1e-6.

    Returns:
        A remark for the record if it did.
    """
    backbone = config.model.backbone
    eps = architecture.norm_eps
    own = (backbone.get("norm_cfg") or {}).get("eps", _NORM_EPS)
    vit = architecture.type == "vit" and str(backbone.type).endswith("VisionTransformer")
    if not vit or math.isclose(own, eps):
        return []
    backbone.norm_cfg = {"type": "LN", "eps": eps}
    return [f"layer norms with eps {eps:g} as in its weights"]


def _near(one: float, other: float) -> bool:
    """Whether two statistics of pixels in 0 … 255 are the same but for rounding."""
    return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-3)
