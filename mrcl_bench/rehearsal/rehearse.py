"""Carries out rehearsals: one worker each, on miniature data, in a workspace of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from ..catalog import Catalog
from ..data.miniature import make_miniature
from ..data.shapes import load_shapes
from ..data.stamps import MICRO, make_stamps
from ..engine.launch import Unit
from ..errors import EXIT_LOCKED, BenchError, unknown_name
from ..plan import Planner
from ..profiles import Profile
from ..record import Failure, read_record, write_record
from ..run import MatrixRunner
from ..spec import Job, Protocol, Recipe
from ..workspace import Workspace
from .reduce import Rehearsal

_STAMPS = "stamps"
"""The embedded set, which profiles below ``paper`` read; made small and of drawn shapes here."""
_MINIATURES = {"imagenet", "coco", "ade20k", "voc07", "voc0712", "cityscapes", _STAMPS}
"""Data sets that a rehearsal can make."""
ALL = "all"
"""The word that selects every recipe of a profile."""


@dataclass(frozen=True)
class Result:
    """How one rehearsal went.

    Attributes:
        name: The protocol's or the recipe's.
        ok: Whether it went through.
        seconds: Of its worker, from start to end.
        reason: Why it failed; empty when it did not.
        log: The worker's output.
    """

    name: str
    ok: bool
    seconds: float
    reason: str = ""
    log: Path | None = None


def select(
    catalog: Catalog, profile: Profile, words: list[str], recipes: list[str]
) -> tuple[list[Protocol], list[Recipe]]:
    """Picks what to rehearse, what runs only on request included.

    Args:
        catalog: Recipes and protocols.
        profile: The profile.
        words: Protocol names, families or tasks (also ``cls``, ``det``, ``seg``); if none and no
            recipe is wanted either, all protocols.
        recipes: Recipe names, families or algorithms, or ``all``.

    Returns:
        Protocols and recipes.

    Raises:
        BenchError: A word is not known.
    """
    short = {"cls": "classification", "det": "detection", "seg": "segmentation"}
    judges = [p for p in catalog.protocols.values() if profile in p.profiles]
    chosen: dict[str, Protocol] = {}
    for word in words:
        full = short.get(word, word)
        found = [p for p in judges if full in (p.name, p.family, p.task)]
        if not found:
            known = {name for p in judges for name in (p.name, p.family, p.task)}
            raise unknown_name(f"protocol of profile {profile}", word, known)
        chosen.update({p.name: p for p in found})
    if not words and not recipes:
        chosen = {p.name: p for p in judges}
    pool = [r for r in catalog.recipes.values() if profile in r.profiles]
    wanted: dict[str, Recipe] = {}
    for word in recipes:
        hits = [r for r in pool if word == ALL or word in (r.name, r.family, r.algorithm)]
        if not hits:
            known = {name for r in pool for name in (r.name, r.family, r.algorithm) if name}
            raise unknown_name(f"recipe of profile {profile}", word, {*known, ALL})
        wanted.update({r.name: r for r in hits})
    return list(chosen.values()), list(wanted.values())


def rehearse(
    workspace: Workspace,
    catalog: Catalog,
    profile: Profile,
    protocols: list[Protocol],
    recipes: list[Recipe],
    rehearsal: Rehearsal,
    console: Console,
    slots: int | None = None,
) -> list[Result]:
    """Rehearses protocols and recipes.

    Weights are made by an untrained recipe of each backbone (any recipe where there is none) and
    go the way of real ones: raw file, conversion with its proof, manifest, loading contract.
    Records of protocols go to ``results/rehearsals/``; everything else lies under
    ``results/runs/rehearsals/`` and may be deleted.

    Args:
        workspace: The real workspace; its data and checkpoints are neither read nor written.
        catalog: Where recipes for the weights are found.
        profile: The profile.
        protocols: Protocols to rehearse.
        recipes: Recipes to rehearse.
        rehearsal: How small.
        console: Where progress goes.
        slots: Workers at a time, by cores if None.

    Returns:
        One result each, in order: recipes, then protocols.

    Raises:
        BenchError: Interrupted, or another rehearsal works here.
    """
    stage = workspace.runs / "rehearsals"
    workspace.runs.mkdir(parents=True, exist_ok=True)
    lock = FileLock(workspace.runs / ".rehearsals.lock")
    try:
        with lock.acquire(timeout=0):
            for left in ("results", "checkpoints"):
                shutil.rmtree(stage / left, ignore_errors=True)
            wanted = {p.data for p in protocols} | {r.data for r in recipes}
            data = _data(stage / "data", wanted, console)
            with _environment(MRCL_BENCH_DATA=str(data), CUDA_VISIBLE_DEVICES=""):
                planner = Planner(Workspace(stage), catalog, profile)
                runner = _Rehearser(planner, console, slots, rehearsal)
                makers = _makers(catalog, profile, protocols, recipes)
                results = runner.rehearse(protocols, recipes, makers)
            for protocol in protocols:
                if protocol.backbone in makers:
                    _keep(workspace, planner, makers[protocol.backbone], protocol)
    except Timeout:
        raise BenchError(
            f"another rehearsal works in {stage}.",
            "Wait for it or stop it; a dead one's lock frees itself.",
            EXIT_LOCKED,
        ) from None
    return results


def _data(folder: Path, wanted: set[str], console: Console) -> Path:
    """Makes the data that rehearsals read, where it is not there yet."""
    manifest = make_miniature(folder)
    if _STAMPS in wanted:
        make_stamps(folder / _STAMPS, sizes=MICRO, cutouts=load_shapes())
    console.print(f"miniature data: {manifest.files} files, {folder}", highlight=False)
    return folder


def _makers(
    catalog: Catalog, profile: Profile, protocols: list[Protocol], recipes: list[Recipe]
) -> dict[str, Recipe]:
    """The recipe that makes the weights of each backbone, where there is one."""
    makers: dict[str, Recipe] = {}
    for label in dict.fromkeys(protocol.backbone for protocol in protocols):
        fitting = [
            r
            for r in catalog.recipes.values()
            if profile in r.profiles and r.backbone == label and r.data in _MINIATURES
        ]
        if fitting:
            makers[label] = min(fitting, key=lambda r: (r.role != "floor", r not in recipes))
    return makers


class _Rehearser(MatrixRunner):
    """Runs each rehearsal in a worker of its own, whatever shares one in a real run."""

    def __init__(
        self, planner: Planner, console: Console, slots: int | None, rehearsal: Rehearsal
    ) -> None:
        super().__init__(planner, console, slots)
        self.rehearsal = rehearsal

    def rehearse(
        self, protocols: list[Protocol], recipes: list[Recipe], makers: dict[str, Recipe]
    ) -> list[Result]:
        alone = [p.model_copy(update={"batched": False}) for p in protocols]
        trained = {r.name: r for r in [*makers.values(), *recipes] if r.data in _MINIATURES}
        units = {name: self._unit("pretrain", recipe) for name, recipe in trained.items()}
        jobs: dict[str, Unit] = {}
        for protocol in alone:
            recipe = makers.get(protocol.backbone)
            if recipe is None or protocol.data not in _MINIATURES:
                continue
            job = Job(profile=self.planner.profile, recipe=recipe, protocol=protocol, seed=0)
            jobs[protocol.name] = self._unit("evaluate", recipe, (job,))
            jobs[protocol.name].needs.append(units[recipe.name])
        self.carry_out([*units.values(), *jobs.values()])
        results = [
            self._of_recipe(units[recipe.name])
            if recipe.name in units
            else self._impossible(recipe)
            for recipe in recipes
        ]
        results += [
            self._of_protocol(jobs[protocol.name])
            if protocol.name in jobs
            else self._impossible(protocol)
            for protocol in protocols
        ]
        return results

    def _impossible(self, spec: Protocol | Recipe) -> Result:
        if spec.data not in _MINIATURES:
            reason = f"there is no miniature of data set '{spec.data}'"
        else:
            reason = (
                f"no recipe of profile {self.planner.profile} has backbone '{spec.backbone}', "
                "so there are no weights to load"
            )
        return Result(spec.name, False, 0.0, reason)

    def _unit(self, kind: str, recipe: Recipe, jobs: tuple[Job, ...] = ()) -> Unit:
        unit = super()._unit(kind, recipe, jobs)
        unit.request = unit.request.model_copy(update={"rehearsal": self.rehearsal})
        return unit

    def _of_recipe(self, unit: Unit) -> Result:
        name, path = unit.request.recipe.name, unit.log
        if unit.state == "done":
            return Result(name, True, unit.seconds, log=path)
        failure = self.endings.pretraining_failure(unit.request.recipe, unit, 1)
        return Result(name, False, unit.seconds, _reason(failure), path)

    def _of_protocol(self, unit: Unit) -> Result:
        job = unit.request.jobs[0]
        name = job.protocol.name
        if unit.state == "done":
            return Result(name, True, unit.seconds, log=unit.log)
        record = read_record(
            self.workspace.record_path(job.profile, job.recipe.name, name, job.seed)
        )
        made = unit.needs[0]
        if made.state == "failed":
            why = f"its weights could not be made: {_reason(record.failure)}"
            return Result(name, False, unit.seconds, why, made.log)
        return Result(name, False, unit.seconds, _reason(record.failure), unit.log)


def _reason(failure: Failure | None) -> str:
    return "unknown" if failure is None else failure.message


def _keep(workspace: Workspace, planner: Planner, recipe: Recipe, protocol: Protocol) -> None:
    """Moves a record out of the stage; a worker that died has one without the mark."""
    parts = (planner.profile, recipe.name, protocol.name, 0)
    path = planner.workspace.record_path(*parts)
    if not path.exists():
        return
    record = read_record(path)
    if record.rehearsal is None:
        record = record.model_copy(update={"rehearsal": {}})
    kept = workspace.rehearsals / "/".join(map(str, parts[:3])) / "seed0.json"
    write_record(kept, record.model_copy(update={"artifacts": {}}))


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Sets environment variables for the workers that the block starts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
