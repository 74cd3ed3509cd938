"""Fine-tuning on a share of the labels; the record says which pictures they were."""

from __future__ import annotations

from typing import Any

from .context import Context, Outcome
from .train_eval import evaluate, train


def run(context: Context) -> Outcome:
    """Fine-tunes on a `ListedFolder` and reports top-1 accuracy."""
    trained = train(context)
    outcome = evaluate(context, trained, {"top1": "accuracy"}, scale=0.01)
    subset: Any = trained.runner.train_dataloader.dataset
    outcome.choices |= {"subset": subset.origin, "pictures": len(subset)}
    if not subset.names.is_file():
        outcome.flags.append(f"subset drawn with seed {subset.seed}, not {subset.names.name}")
    return outcome
