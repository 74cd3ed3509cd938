"""The neighbours that the k-NN job keeps are those of its features, with the right pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from mrcl_bench.jobs.neighbours import QUERIES, SHOWN

from .conftest import Bench


def _picture(bench: Bench, split: str, place: int) -> tuple[Any, str]:
    root = bench.workspace.data / "stamps-micro/classification" / split
    files = sorted(path for kind in sorted(root.iterdir()) for path in kind.iterdir())
    return np.asarray(Image.open(files[place]).convert("RGB")), files[place].parent.name


def test_one_seed_keeps_its_neighbours(bench: Bench) -> None:
    records = bench.run("knn", seeds=(0, 1))
    folder = bench.workspace.runs / "jobs/micro" / records[0].recipe.name / records[0].protocol.name
    assert not (folder / "seed1/neighbours.npz").exists()
    with np.load(folder / "seed0/neighbours.npz") as stored:
        kept = dict(stored)
    assert records[0].checkpoint is not None
    assert str(kept["weights"]) == records[0].checkpoint.sha256
    assert kept["neighbours"].shape == kept["similarity"].shape == (QUERIES, SHOWN)

    (cache,) = (bench.workspace.runs / "features").glob("*.npz")
    with np.load(cache) as stored:
        x = {s: stored[f"x_{s}"].astype(np.float64) for s in ("train", "val")}
        y = {s: stored[f"y_{s}"] for s in ("train", "val")}
    unit = {s: v / np.linalg.norm(v, axis=1, keepdims=True) for s, v in x.items()}
    from mrcl_bench.jobs.features import held_out
    from mrcl_bench.resolve import load_config

    share = load_config(bench.request("knn").jobs[0].protocol.path).knn.held_out
    hidden = held_out(y["train"], share, 0)
    for row, query in enumerate(kept["queries"]):
        cosine = unit["train"] @ unit["val"][query]
        found = kept["neighbours"][row]
        assert not hidden[found].any()  # what is held out is no neighbour
        assert kept["similarity"][row] == pytest.approx(cosine[found], abs=1e-5)
        assert kept["similarity"][row][0] == pytest.approx(cosine[~hidden].max(), abs=1e-5)
        assert (np.diff(kept["similarity"][row]) <= 1e-6).all()

    classes = [str(name) for name in kept["classes"]]
    for split, places, images, labels in (
        ("val", kept["queries"], kept["query_images"], kept["query_labels"]),
        ("train", kept["neighbours"][0], kept["neighbour_images"][0], kept["neighbour_labels"][0]),
    ):
        for place, image, label in zip(places, images, labels, strict=True):
            picture, kind = _picture(bench, split, int(place))
            assert np.array_equal(image, picture)
            assert classes[int(label)] == kind and y[split][place] == label


def test_an_evaluation_keeps_its_config(bench: Bench) -> None:
    from mrcl_bench.kept_configs import read

    (record,) = bench.run("knn")
    kept = read(bench.workspace.configs, record.protocol.config_sha256)
    assert kept is not None and kept["bench"]["adapter"] == "knn"
