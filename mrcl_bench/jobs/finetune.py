"""End-to-end fine-tuning of a classifier (mmpretrain)."""

from __future__ import annotations

from ..engine.importing import importing
from .context import Context, Outcome
from .evaluators import replace
from .train_eval import train_and_evaluate


def run(context: Context) -> Outcome:
    """Fine-tunes and reports top-1 accuracy."""
    with importing():
        from . import kept_accuracy  # noqa: F401 - registers it

    replace(context.config, {"Accuracy": "KeptAccuracy"})
    return train_and_evaluate(context, {"top1": "accuracy"}, scale=0.01)
