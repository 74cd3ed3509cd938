"""Frozen descriptions of recipes, protocols and jobs, read from configs' ``bench`` blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .profiles import Profile

Task = Literal["classification", "detection", "segmentation"]
Role = Literal["method", "baseline", "ceiling", "floor"]
Scalar = bool | int | float | str | None
"""What a sweep may put in a config's place."""


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(_Spec):
    """One pretraining config, or the stand-in for weights from elsewhere.

    Attributes:
        kind: ``foreign`` where there is no config: such a recipe is never pretrained, its
            checkpoint is there, ``data`` and ``path`` are empty. Not for ``bench`` blocks.
        algorithm: Key of the algorithm, e.g. ``"mrcl"``.
        display: Name in tables, e.g. ``"MoCo v3"``.
        backbone: Label that a protocol must share, e.g. ``"vit-t6"``.
        profiles: The profiles that it belongs to.
        data: Data set that it reads, e.g. ``"stamps"``.
        role: ``method`` is what is under test, ``ceiling`` the supervised
            upper mark, ``floor`` an untrained network.
        source: Source format for conversion (a module of `mrcl_bench.convert`).
        family: What recipes that are made to be compared share, e.g. ``"matched-vit-base-p16"``;
            ``--recipe`` takes it.
        on_request: Runs only where it is named: variants, ablations, matched budgets.
        keep: When to keep checkpoints over the course of the run: parts of it below 1, else steps
            (epochs, where the run counts those). Changes neither the config's hash nor the weights.
        measure_on: Folder of ``data`` whose images are not trained on: there the kept checkpoints'
            pretext task is measured. Empty for the training images.
        overrides: What a sweep changes in the config, dotted key to value; empty for a config
            that stands by itself. Not for ``bench`` blocks.
        name: The config's stem; of a sweep's point, the base's and what it changes.
        path: The config file.
        of: The recipe whose kept checkpoint this stands for, see `mrcl_bench.course`. Not for
            ``bench`` blocks.
    """

    kind: Literal["recipe", "foreign"]
    algorithm: str
    display: str
    backbone: str
    profiles: tuple[Profile, ...] = Field(min_length=1)
    data: str
    role: Role
    source: str
    family: str = ""
    on_request: bool = False
    keep: tuple[Annotated[float, Field(gt=0)], ...] = ()
    measure_on: str = ""
    overrides: dict[str, Scalar] = {}
    name: str = ""
    path: Path = Path()
    of: str = ""

    @property
    def owner(self) -> str:
        """The recipe whose pretraining makes the weights."""
        return self.of or self.name


class Sweep(_Spec):
    """One file that stands for many recipes: a base recipe with some of its values changed.

    Attributes:
        base: Stem of the recipe that is varied. It belongs to the family as its reference.
        family: The word by which ``--recipe`` finds base and points.
        axes: Each maps dotted keys of the base's config to the values that they take; the keys
            of one axis are crossed with each other, axes are not.
        name: The file's stem.
        path: The file.
    """

    kind: Literal["sweep"]
    base: str
    family: str = Field(min_length=1)
    axes: tuple[dict[str, tuple[Scalar, ...]], ...] = Field(min_length=1)
    name: str = ""
    path: Path = Path()


class Protocol(_Spec):
    """One downstream config: how a backbone is judged.

    Attributes:
        task: Classification, detection or segmentation.
        adapter: The module of `mrcl_bench.jobs` that runs it.
        family: What is the same protocol on another backbone or data set, e.g. ``"linear"``.
        display: Name in tables, e.g. ``"Linear probe"``.
        backbone: Label of the backbones that it accepts.
        profiles: The profiles that it belongs to.
        data: Data set that it reads.
        main_metric: Metric key that ranks, e.g. ``"val/accuracy"``.
        seeds: How many seeds a full run takes (0 … seeds-1).
        batched: Whether a recipe's jobs under it (and under other batched protocols) share one
            process; right for probes on cached features, wrong for anything that trains long.
        on_request: Runs only where it is named: variants of a protocol.
        name: The config's stem.
        path: The config file.
    """

    kind: Literal["protocol"]
    task: Task
    adapter: str
    family: str
    display: str
    backbone: str
    profiles: tuple[Profile, ...] = Field(min_length=1)
    data: str
    main_metric: str
    seeds: int = Field(ge=1)
    batched: bool = False
    on_request: bool = False
    name: str = ""
    path: Path = Path()


class Job(_Spec):
    """A recipe's checkpoint judged by a protocol under one seed."""

    profile: Profile
    recipe: Recipe
    protocol: Protocol
    seed: int = Field(ge=0)
