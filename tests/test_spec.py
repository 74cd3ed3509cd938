"""Specs are frozen and refuse what they do not know."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mrcl_bench.spec import Job, Protocol, Recipe

RECIPE: dict[str, Any] = {
    "kind": "recipe",
    "algorithm": "mrcl",
    "display": "MRCL",
    "backbone": "vit",
    "profiles": ["tiny"],
    "data": "stamps",
    "role": "method",
    "source": "mrcl",
}
PROTOCOL: dict[str, Any] = {
    "kind": "protocol",
    "task": "classification",
    "adapter": "knn",
    "family": "knn",
    "display": "k-NN",
    "backbone": "vit",
    "profiles": ["tiny"],
    "data": "stamps",
    "main_metric": "val/accuracy",
    "seeds": 2,
}


def test_frozen() -> None:
    recipe = Recipe.model_validate(RECIPE)
    with pytest.raises(ValidationError):
        recipe.algorithm = "other"
    assert Protocol.model_validate(PROTOCOL).batched is False


@pytest.mark.parametrize(
    "change",
    [
        {"role": "winner"},
        {"profiles": []},
        {"profiles": ["huge"]},
        {"surprise": 1},
        {"kind": "protocol"},
    ],
)
def test_recipe_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({**RECIPE, **change})


@pytest.mark.parametrize(
    "change", [{"task": "tracking"}, {"seeds": 0}, {"surprise": 1}, {"profiles": []}]
)
def test_protocol_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Protocol.model_validate({**PROTOCOL, **change})


@pytest.mark.parametrize("key", sorted(PROTOCOL.keys() - {"kind"}))
def test_every_key_of_a_protocol_is_needed(key: str) -> None:
    with pytest.raises(ValidationError):
        Protocol.model_validate({k: v for k, v in PROTOCOL.items() if k != key})


def test_job_refuses_a_negative_seed() -> None:
    parts = {
        "profile": "tiny",
        "recipe": Recipe.model_validate(RECIPE),
        "protocol": Protocol.model_validate(PROTOCOL),
    }
    assert Job(**parts, seed=0).seed == 0
    with pytest.raises(ValidationError):
        Job(**parts, seed=-1)
