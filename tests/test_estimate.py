"""What a plan will cost: images counted by hand, FLOPs against published ones, earlier runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmengine")

from mrcl_bench.catalog import load_catalog
from mrcl_bench.errors import EXIT_USAGE
from mrcl_bench.estimate import (
    Estimate,
    estimate,
    forward_gflops,
    training_images,
    training_size,
    trains_the_encoder,
    views,
)
from mrcl_bench.report.costs import lines
from mrcl_bench.resolve import load_config

from .toy import Toy

CATALOG = load_catalog()
FINETUNE = "vit-base-p16_8xb128-finetune-coslr-100e_in1k"
FPN = "mask-rcnn_resnet50_fpn_8xb2-1x_coco"
UPERNET = "vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512"
ONE_PERCENT = "resnet50_8xb512-finetune-coslr-60e_in1k-1pct"
PROBE = "resnet50_8xb32-linear-sgd-steplr-100e_in1k"
MOCO = "mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k"


def config(name: str) -> Any:
    return load_config({**CATALOG.recipes, **CATALOG.protocols}[name].path)


@pytest.mark.parametrize(
    ("name", "data", "images", "seen", "size"),
    [
        (FINETUNE, "imagenet", 100 * 1_281_167, 1, (224, 224)),
        (FPN, "coco", 12 * 117_266, 1, (720, 960)),
        (UPERNET, "ade20k", 160_000 * 16, 1, (512, 512)),
        (MOCO, "imagenet", 300 * 1_281_167, 2, (224, 224)),
        ("vit-base-p16_knn_in1k", "imagenet", 1_281_167, 1, (224, 224)),
        (ONE_PERCENT, "imagenet", 60 * 12_811, 1, (224, 224)),
        ("vit-128x4_upernet_1xb8-300iters_stamps-96x96", "stamps", 2400, 1, (96, 96)),
    ],
)
def test_images_views_and_sizes(
    name: str, data: str, images: int, seen: int, size: tuple[int, int]
) -> None:
    found = config(name)
    assert training_images(found, data) == pytest.approx(images, rel=1e-4)
    assert (views(found), training_size(found)) == (seen, size)


def test_a_probe_s_encoder_is_not_trained() -> None:
    assert trains_the_encoder(config(FINETUNE))
    assert not trains_the_encoder(config(PROBE))
    assert not trains_the_encoder(config("vit-base-p16_knn_in1k"))


def test_a_set_of_unknown_size() -> None:
    assert training_images(config(FINETUNE), "own:birds") is None


@pytest.mark.parametrize(("name", "gmacs"), [(FINETUNE, 17.6), ("resnet50_knn_in1k", 4.1)])
def test_flops_are_the_published_ones(name: str, gmacs: float) -> None:
    """torchvision prints 17.56 and 4.09 billion multiply-adds for these networks."""
    pytest.importorskip("mmpretrain")
    found = forward_gflops(CATALOG.protocols[name], config(name))
    assert found == pytest.approx(2 * gmacs, rel=0.01)


def test_what_ran_before_is_measured(toy: Toy) -> None:
    toy.finish()
    path = next(toy.workspace.records("micro").rglob("probe/seed0.json"))
    record = json.loads(path.read_text())
    assert estimate(toy.planner, toy.plan()) == []
    record["cost"]["seconds"] = 7200.0
    path.write_text(json.dumps(record))
    again = estimate(toy.planner, toy.plan(force=True))
    probe = next(entry for entry in again if entry.what == "probe")
    others = [
        json.loads(other.read_text())["cost"]["seconds"]
        for other in toy.workspace.records("micro").rglob("probe/seed*.json")
    ]
    assert (probe.count, probe.source) == (4, "measured")
    assert probe.hours == pytest.approx(sum(others) / len(others) / 3600)
    toy.edit("probe", "k = 5", "k = 6")  # another config was never measured
    changed = estimate(toy.planner, toy.plan())
    assert [(entry.what, entry.source) for entry in changed] == [("probe", "unknown")]


def test_lines_fit_and_sum_up() -> None:
    found = [
        Estimate("a" * 90, 3, 128_116_700, 35.1, 100.0, "stated"),
        Estimate("b", 2, None, None, None, "unknown"),
        Estimate("c", 2, 100, None, 0.5, "measured"),
    ]
    shown = lines(found, 50.0)
    assert max(len(line) for text in shown for line in text.splitlines()) <= 80
    text = "\n".join(shown)
    assert "301 hours on one device, and 2 runs of which nothing is known" in text
    assert "at 50 TFLOP/s" in text


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    pytest.importorskip("mmpretrain")
    from mrcl_bench.cli.main import main

    monkeypatch.setenv("MRCL_BENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("MRCL_BENCH_DATA", str(tmp_path))

    def run(*options: str) -> tuple[int, str]:
        command = ["mrcl-bench", "plan", "--profile", "paper", "--recipe", "simclr", *options]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out + shown.err

    code, text = run("--protocol", "finetune", "--cost", "--tflops", "50")
    assert code == 0
    # 128 million images, 35.1 GFLOPs forward, three times that, at 50 TFLOP/s
    assert "75" in next(line for line in text.splitlines() if "35.1" in line and "3 x" in line)
    assert run("--tflops", "-1")[0] == EXIT_USAGE
