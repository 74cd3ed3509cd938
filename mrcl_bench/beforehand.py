"""What is looked at before anything is started: configs, data and machines."""

from __future__ import annotations

import copy
from typing import Any

from rich.console import Console

from .config_keys import check_keys
from .engine.batch import fit_batch
from .engine.launch import Unit
from .engine.layout import Layout, allocation, refuse_sharding
from .engine.manner import Manner
from .errors import EXIT_USAGE, BenchError
from .naming_check import contradictions
from .plan import Planner
from .resolve import load_spec
from .spec import Protocol, Recipe


def check_configs(units: list[Unit], how: Manner, console: Console) -> None:
    """Refuses keys that nothing reads, and warns of names that say otherwise.

    Raises:
        BenchError: Such a key; a way of sharding; a batch that is to be kept and cannot be.
    """
    specs: dict[str, Recipe | Protocol] = {}
    for request in (unit.request for unit in units):
        if request.kind == "pretrain":
            specs[request.recipe.name] = request.recipe
        specs |= {job.protocol.name: job.protocol for job in request.jobs}
    for spec in specs.values():
        config = load_spec(spec)
        check_keys(config, spec)
        if how.launcher != "none":
            refuse_sharding(config, spec.name)
        _say_batch(spec, config, how, console)
        try:
            wrong = contradictions(spec.name, spec, config)
        except (ValueError, AttributeError, KeyError, TypeError):
            continue  # named in the user's own way, or too unlike ours to compare
        if wrong:
            console.print(
                f"warning: {spec.name}: its name is not what it does: {'; '.join(wrong)}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


def check_data(units: list[Unit], planner: Planner, console: Console) -> None:
    """Refuses data sets with wrong labels, all of them at once.

    Raises:
        BenchError: Some have; it names what is wrong with each.
    """
    from .data.check.preflight import preflight  # reads pictures: OpenCV

    wanted: dict[str, None] = {}
    for request in (unit.request for unit in units):
        if request.kind == "pretrain":
            wanted[request.recipe.data] = None
        wanted |= dict.fromkeys(job.protocol.data for job in request.jobs)
    errors = []
    with console.status("checking data") as shown:
        for data in map(planner.data, wanted):
            if isinstance(data, BenchError):
                continue

            def show(done: int, total: int, _: str, what: str = data.id) -> None:
                shown.update(f"checking labels of {what} {done}/{total}")

            try:
                preflight(data, planner.workspace.checked, show)
            except BenchError as error:
                errors.append(error)
    if errors:
        raise BenchError(
            "nothing was started.\n" + "\n".join(error.what.rstrip() for error in errors),
            " ".join(dict.fromkeys(error.cure for error in errors)),
        )


def check_nodes(units: list[Unit], layout: Layout) -> None:
    """Refuses several machines where nothing starts processes on them, and says what to type.

    The requests are left for that.

    Raises:
        BenchError: Nothing does.
    """
    if not layout.by_srun or allocation() is not None:
        return
    cure = "Get one (salloc, sbatch), and type it there."
    if layout.launcher == "pytorch":
        cure += " Or type this on every node, line after line, HOST being one of them:"
        for unit in units:
            cure += f"\n{unit.request.layout.by_hand(unit.leave_request())}"
    raise BenchError(
        f"{layout.options.strip()} needs srun, and this is not inside a Slurm allocation: "
        "nothing was started.",
        cure,
        EXIT_USAGE,
    )


def _say_batch(spec: Recipe | Protocol, config: Any, how: Manner, console: Console) -> None:
    """Says where the total batch is another than named, or kept by other means.

    Raises:
        BenchError: It is to be kept and cannot be.
    """
    trains = spec.role != "floor" if isinstance(spec, Recipe) else not spec.batched
    if not trains or not {"model", "optim_wrapper", "train_dataloader"} <= config.keys():
        return
    processes, own = how.layout.processes, config.train_dataloader.batch_size
    batch = fit_batch(copy.deepcopy(config), spec, processes, how.keep_batch)
    if batch.named in (None, processes * own):
        return
    said = f"not kept: {batch.total} by {processes} x {own}"
    if batch.named == batch.total:
        share = batch.total // processes // batch.accumulated
        said = f"kept by {processes} x {share}, {batch.accumulated} passes a step"
    console.print(
        f"{spec.name}: named total batch {batch.named}, {said}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
