"""What is to be done: recipes x protocols x seeds, minus what has a valid record, with reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .catalog import Catalog
from .convert.manifest import Manifest, read_manifest
from .data.locate import DataFolder, require
from .errors import EXIT_USAGE, BenchError
from .own_code import code_sha256
from .profiles import Profile
from .record import read_record
from .resolve import config_sha256, load_spec
from .spec import Job, Protocol, Recipe
from .workspace import Workspace

State = Literal["done", "todo", "blocked"]
_CODE_CHANGED = "code changed"
_CODE_UNKNOWN = "code is not known: from before its hash was kept"
_PRETRAINING_CODE = {f"pretraining {reason}" for reason in (_CODE_CHANGED, _CODE_UNKNOWN)}


@dataclass(frozen=True)
class Step:
    """One pretraining or one job, and why it is in the state that it is in."""

    recipe: Recipe
    state: State
    reason: str


@dataclass(frozen=True)
class JobStep(Step):
    """A job in the plan."""

    job: Job


@dataclass(frozen=True)
class Plan:
    """Pretrainings and jobs in table order.

    Attributes:
        pretrainings: One step per recipe.
        jobs: One step per job.
    """

    pretrainings: tuple[Step, ...]
    jobs: tuple[JobStep, ...]

    def needed_pretrainings(self) -> list[Step]:
        """Pretrainings to do because a job to do needs their weights."""
        wanted = {step.recipe.name for step in self.jobs if step.state == "todo"}
        return each_once(
            s for s in self.pretrainings if s.state == "todo" and s.recipe.name in wanted
        )


def each_once(steps: Iterable[Step]) -> list[Step]:
    """Leaves one step of each pretraining: it makes all checkpoints that its recipe keeps."""
    return list({step.recipe.owner: step for step in steps}.values())


class Planner:
    """Compares what is wanted with what lies in the workspace.

    Args:
        workspace: Where checkpoints, data and records lie.
        catalog: Recipes and protocols.
        profile: The profile.
        changed_code: Whether what other code than today's made is to do again. Foreign weights
            are as they came.
    """

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        profile: Profile,
        changed_code: bool = False,
    ) -> None:
        self.changed_code = changed_code
        self._code_hashes: dict[str, str] = {}
        self.workspace = workspace
        self.catalog = catalog
        self.profile = profile
        self._config_hashes: dict[str, str] = {}
        self._data: dict[str, DataFolder | BenchError] = {}
        self._manifests: dict[str, Manifest | None] = {}

    def plan(
        self,
        recipes: list[str],
        protocols: list[str],
        seeds: list[int] | None = None,
        force: bool = False,
        course: bool = False,
    ) -> Plan:
        """Makes the plan.

        Args:
            recipes: Recipe names or algorithms; empty for all of the profile.
            protocols: Protocol names, families or tasks; empty for all of the profile.
            seeds: Seeds to run; each protocol's own number of them if not given.
            force: Plan jobs again that are done.
            course: Plan the checkpoints that the recipes keep over their course, too.

        Returns:
            The plan; nothing is run.

        Raises:
            BenchError: A name is not known, or a seed is given twice.
        """
        chosen = self.catalog.select_recipes(self.profile, recipes)
        if course:
            from .course import with_parts

            chosen = with_parts(chosen)
        judged = self.catalog.select_protocols(self.profile, protocols)
        return self.plan_for(chosen, judged, seeds, force)

    def plan_for(
        self,
        chosen: list[Recipe],
        judged: list[Protocol],
        seeds: list[int] | None = None,
        force: bool = False,
    ) -> Plan:
        """Makes the plan for recipes and protocols that need not be in the catalog.

        Args:
            chosen: Recipes, or the stand-ins of weights from elsewhere (kind ``foreign``), whose
                checkpoints are there.
            judged: Protocols; each meets the recipes that share its backbone's label.
            seeds: As for `plan`.
            force: As for `plan`.

        Returns:
            The plan; nothing is run.

        Raises:
            BenchError: A seed is given twice, or the checkpoint of foreign weights is gone.
        """
        if seeds is not None and len(set(seeds)) != len(seeds):
            raise BenchError(
                f"a seed is given twice: {', '.join(map(str, seeds))}.",
                "Name each seed once; the same seed gives the same run.",
                EXIT_USAGE,
            )
        pretrainings = tuple(self._pretraining(recipe) for recipe in chosen)
        jobs = [
            self._job(
                step,
                Job(profile=self.profile, recipe=recipe, protocol=protocol, seed=seed),
                force,
            )
            for recipe, step in zip(chosen, pretrainings, strict=True)
            for protocol in judged
            if protocol.backbone == recipe.backbone
            for seed in (seeds if seeds is not None else range(protocol.seeds))
        ]
        return Plan(pretrainings, tuple(jobs))

    def config_hash(self, spec: Recipe | Protocol) -> str:
        """The hash of a resolved config, computed once; of foreign weights, of their input.

        Raises:
            BenchError: A config does not load, or foreign weights are no longer there.
        """
        if isinstance(spec, Recipe) and spec.kind == "foreign":
            manifest = self.manifest(spec)
            if manifest is None:
                raise BenchError(
                    f"no converted weights '{spec.name}' for profile {self.profile}.",
                    f"Give them again: mrcl-bench eval --weights FILE --name {spec.name}",
                )
            return manifest.recipe_sha256
        if spec.name not in self._config_hashes:
            self._config_hashes[spec.name] = config_sha256(load_spec(spec))
        return self._config_hashes[spec.name]

    def data(self, data_id: str) -> DataFolder | BenchError:
        """A data set, or the error that says what of it is missing."""
        if data_id not in self._data:
            try:
                self._data[data_id] = require(data_id, self.workspace.data)
            except BenchError as error:
                self._data[data_id] = error
        return self._data[data_id]

    def missing_data(self, plan: Plan) -> list[BenchError]:
        """What is wrong with the data sets that a plan's blocked steps wait for, each once."""
        wanted: dict[str, None] = {}
        for step in (*plan.pretrainings, *plan.jobs):
            if step.state == "blocked":
                if step.recipe.kind != "foreign":
                    wanted[step.recipe.data] = None
                if isinstance(step, JobStep):
                    wanted[step.job.protocol.data] = None
        found = [self.data(data_id) for data_id in wanted]
        return [error for error in found if isinstance(error, BenchError)]

    def manifest(self, recipe: Recipe) -> Manifest | None:
        """The manifest of a recipe's converted checkpoint, if there is a valid one."""
        if recipe.name not in self._manifests:
            folder = self.workspace.checkpoint_dir(self.profile, recipe.name)
            try:
                self._manifests[recipe.name] = read_manifest(folder)
            except BenchError:
                self._manifests[recipe.name] = None
        return self._manifests[recipe.name]

    def _pretraining(self, recipe: Recipe) -> Step:
        if recipe.kind == "foreign":
            return Step(recipe, "done", "converted weights are there")
        if recipe.overrides:
            self.config_hash(recipe)  # a sweep's keys are checked here, not first in a worker
        data = self.data(recipe.data)
        manifest = self.manifest(recipe)
        if manifest is not None:
            if manifest.pretrain.get("recipe_sha256") != self.config_hash(recipe):
                reason = "recipe config changed"
            elif (
                isinstance(data, DataFolder) and manifest.pretrain.get("data_sha256") != data.sha256
            ):
                reason = "pretraining data changed"
            elif code := self._other_code(recipe, manifest.code_sha256):
                reason = f"pretraining {code}"
            else:
                return Step(recipe, "done", "checkpoint is there")
        else:
            reason = "kept checkpoint is not there" if recipe.of else "no checkpoint"
        if isinstance(data, BenchError):
            return Step(recipe, "blocked", f"waits for data '{recipe.data}'")
        return Step(recipe, "todo", reason)

    def _job(self, pretraining: Step, job: Job, force: bool) -> JobStep:
        state, reason = self._judge(pretraining, job)
        if force and state == "done":
            state, reason = "todo", "asked to run again"
        return JobStep(job.recipe, state, reason, job)

    def _judge(self, pretraining: Step, job: Job) -> tuple[State, str]:
        data = self.data(job.protocol.data)
        stale = self._stale(pretraining, job, data)
        if stale is None:
            return "done", "record is there"
        if isinstance(data, BenchError):
            return "blocked", f"waits for data '{job.protocol.data}'"
        if pretraining.state == "blocked":
            return "blocked", pretraining.reason
        return "todo", stale

    def _stale(self, pretraining: Step, job: Job, data: DataFolder | BenchError) -> str | None:
        """Why a job's record does not stand, or ``None`` if it does."""
        path = self.workspace.record_path(
            self.profile, job.recipe.name, job.protocol.name, job.seed
        )
        if not path.exists():
            return "no record"
        try:
            record = read_record(path)
        except BenchError:
            return "record is unreadable"
        if record.rehearsal is not None:
            return "only rehearsed"
        if record.status == "failed":
            return f"failed before: {record.failure.kind if record.failure else 'unknown'}"
        if record.protocol.config_sha256 != self.config_hash(job.protocol):
            return "protocol config changed"
        if record.recipe.config_sha256 != self.config_hash(job.recipe):
            foreign = job.recipe.kind == "foreign"
            return "normalisation changed" if foreign else "recipe config changed"
        if isinstance(data, DataFolder) and record.data.sha256 != data.sha256:
            return "data changed"
        manifest = self.manifest(job.recipe)
        weights = record.checkpoint.sha256 if record.checkpoint else None
        if manifest is not None and pretraining.state == "done":
            if manifest.weights_sha256 != weights:
                return "weights changed"
        if self.changed_code and pretraining.reason in _PRETRAINING_CODE:
            return pretraining.reason
        return self._other_code(job.protocol, record.environment.code_sha256)

    def _other_code(self, spec: Recipe | Protocol, made_by: object) -> str | None:
        """Why what was made is to do again for its code, if that is asked for."""
        if not self.changed_code:
            return None
        if made_by is None:
            return _CODE_UNKNOWN
        key = "recipe" if isinstance(spec, Recipe) else spec.adapter
        if key not in self._code_hashes:
            self._code_hashes[key] = code_sha256(spec)
        return None if made_by == self._code_hashes[key] else _CODE_CHANGED
