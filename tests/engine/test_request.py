"""A request survives its JSON file and has a short title."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from mrcl_bench.catalog import Catalog
from mrcl_bench.engine.request import Request
from mrcl_bench.spec import Job


def _request(catalog: Catalog, *protocols: str, seeds: tuple[int, ...] = (0,)) -> Request:
    recipe = catalog.select_recipes("micro", ["mrcl"])[0]
    chosen = catalog.select_protocols("micro", list(protocols))
    jobs = tuple(
        Job(profile="micro", recipe=recipe, protocol=protocol, seed=seed)
        for protocol in chosen
        for seed in seeds
    )
    return Request(kind="evaluate", profile="micro", recipe=recipe, jobs=jobs, root=Path("/r"))


def test_round_trip(micro_catalog: Catalog) -> None:
    request = _request(micro_catalog, "linear", "knn", seeds=(0, 1))
    assert Request.model_validate_json(request.model_dump_json()) == request


def test_titles(micro_catalog: Catalog) -> None:
    assert _request(micro_catalog, "linear", seeds=(3,)).title == "MRCL: linear, seed 3"
    assert _request(micro_catalog, "linear", "knn", seeds=(0, 1)).title == (
        "MRCL: linear, knn, 2 seeds"
    )


def test_strict(micro_catalog: Catalog) -> None:
    value = _request(micro_catalog, "linear").model_dump()
    with pytest.raises(ValidationError):
        Request.model_validate({**value, "surprise": 1})
    with pytest.raises(ValidationError):
        Request.model_validate({**value, "launcher": "mpi"})
