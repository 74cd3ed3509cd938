"""Checkpoints over the course of a pretraining, as recipes of their own: ``<recipe>@<moment>``.

A recipe's ``bench`` block names the moments (``keep``); they change neither its config's hash nor
its weights. What is kept at step 500 is the recipe ``<recipe>@500``; after epoch 75 of a run that
counts epochs, ``<recipe>@epoch75``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from .errors import EXIT_USAGE, BenchError, unknown_name
from .resolve import load_spec
from .spec import Recipe

Unit = Literal["iter", "epoch"]


@dataclass(frozen=True)
class Moment:
    """When a checkpoint is kept: after ``count`` of ``total`` steps or epochs."""

    count: int
    total: int
    unit: Unit

    @property
    def label(self) -> str:
        """What follows the ``@``."""
        return str(self.count) if self.unit == "iter" else f"epoch{self.count}"


def length(config: Any) -> tuple[int, Unit]:
    """How long a recipe trains, and in what it counts."""
    cycle = config.get("train_cfg") or {}
    if cycle.get("max_iters"):
        return int(cycle["max_iters"]), "iter"
    return int(cycle.get("max_epochs", 0)), "epoch"


def moments(recipe: Recipe, config: Any) -> tuple[Moment, ...]:
    """When a recipe's checkpoints are kept, in order.

    Args:
        recipe: The recipe; of ``keep``, what is below 1 is a part of the run, else a count.
        config: Its resolved config.

    Raises:
        BenchError: A moment is not inside the run.
    """
    total, unit = length(config)
    counts = {round(k * total) if k < 1 else int(k) for k in recipe.keep}
    outside = sorted(count for count in counts if not 0 < count < total)
    if outside:
        raise BenchError(
            f"{recipe.name} keeps a checkpoint at {outside[0]}, not inside its {total} {unit}s.",
            "Mend keep in its bench block: parts of the run between 0 and 1, or counts.",
            EXIT_USAGE,
        )
    return tuple(Moment(count, total, unit) for count in sorted(counts))


def part(recipe: Recipe, moment: Moment) -> Recipe:
    """The recipe that stands for a recipe's checkpoint at a moment."""
    return recipe.model_copy(
        update={
            "name": f"{recipe.name}@{moment.label}",
            "display": f"{recipe.display} @ {moment.label}",
            "of": recipe.name,
            "on_request": True,
            "keep": (),
        }
    )


def parts(recipe: Recipe) -> list[Recipe]:
    """The recipes that stand for a recipe's kept checkpoints, in order."""
    if not recipe.keep:
        return []
    return [part(recipe, moment) for moment in moments(recipe, load_spec(recipe))]


def with_parts(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Puts each recipe's kept checkpoints before it.

    Raises:
        BenchError: None of the recipes keeps any.
    """
    found = [one for recipe in recipes for one in (*parts(recipe), recipe)]
    if not any(recipe.of for recipe in found):
        raise BenchError(
            "none of these recipes keeps checkpoints over its course.",
            "Name their moments in a recipe's bench block: keep=[0.25, 0.5, 0.75].",
            EXIT_USAGE,
        )
    return found


def at(recipes: Iterable[Recipe], label: str) -> list[Recipe]:
    """The checkpoints that recipes keep at a moment.

    Raises:
        BenchError: None of them keeps one then.
    """
    kept = [one for recipe in recipes for one in parts(recipe)]
    found = [one for one in kept if one.name.rpartition("@")[2] == label]
    if not found:
        known = {one.name.rpartition("@")[2] for one in kept}
        raise unknown_name("moment of these recipes", label, known)
    return found
