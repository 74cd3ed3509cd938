"""``explain`` and ``diff``: what they find, and what they say where nothing is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.compare import load
from mrcl_bench.errors import EXIT_FAILED, EXIT_USAGE, BenchError
from mrcl_bench.kept_configs import keep
from mrcl_bench.provenance.cells import locate

from ..conftest import Cli
from ..factories import example, make_record, save

RECIPE, PROTOCOL = "mrcl_vit-t6_tiny", "vit-t6_linear_stamps"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    save(tmp_path, *example())
    return tmp_path / "results"


@pytest.mark.parametrize(
    "words",
    [
        [f"tiny/{RECIPE}/{PROTOCOL}"],
        [f"{RECIPE}/{PROTOCOL}"],
        [RECIPE, PROTOCOL],
        ["mrcl", "linear"],
        ["MRCL", "Linear probe"],
        [f"results/records/tiny/{RECIPE}/{PROTOCOL}"],
        [f"./records/tiny/{RECIPE}/{PROTOCOL}/"],
        [f"/some/where/tiny/{RECIPE}/{PROTOCOL}"],
    ],
)
def test_a_cell_is_found_by_any_of_its_names(results: Path, words: list[str]) -> None:
    cell = locate(load(results), words)
    assert cell.name == f"tiny/{RECIPE}/{PROTOCOL}"
    assert [record.seed for record in cell.records.values()] == [0, 1, 2]


@pytest.mark.parametrize("end", ["/seed1.json", "/seed1"])
def test_one_seed_is_found_by_its_file(results: Path, end: str) -> None:
    cell = locate(load(results), [f"tiny/{RECIPE}/{PROTOCOL}{end}"])
    assert [record.seed for record in cell.records.values()] == [1]


@pytest.mark.parametrize(
    ("words", "seed", "said"),
    [
        (["mrlc", "linear"], None, "Did you mean mrcl"),
        (["mrcl", "liner"], None, "Did you mean linear"),
        (["tinny/mrcl/linear"], None, "Did you mean tiny"),
        (["mrcl", "linear"], 7, "unknown seed"),
        (["mrcl"], None, "names no cell"),
        (["a/b/c/d/e"], None, "names no cell"),
    ],
)
def test_a_wrong_name_is_told(results: Path, words: list[str], seed: int | None, said: str) -> None:
    with pytest.raises(BenchError, match=said) as caught:
        locate(load(results), words, seed)
    assert caught.value.exit_code == EXIT_USAGE


def test_a_label_of_two_recipes_is_refused(tmp_path: Path) -> None:
    save(tmp_path, make_record(), make_record(recipe={"name": "mrcl_other", "display": "MRCL"}))
    with pytest.raises(BenchError, match="more than one recipe"):
        locate(load(tmp_path / "results"), ["MRCL", "linear"])


def test_a_cell_of_two_profiles_is_refused(tmp_path: Path) -> None:
    save(tmp_path, make_record(), make_record(profile="small"))
    with pytest.raises(BenchError, match="profiles tiny, small"):
        locate(load(tmp_path / "results"), ["mrcl", "linear"])


def test_explain_says_where_a_number_came_from(cli: Cli, tmp_path: Path) -> None:
    protocol = keep({"knn": {"k": [1, 5]}, "lr": 0.5}, tmp_path / "results/configs")
    other = keep({"knn": {"k": [1, 9]}, "lr": 0.5}, tmp_path / "results/configs")
    records = [
        make_record(seed=seed, protocol={"name": PROTOCOL, "config_sha256": protocol})
        for seed in (0, 1)
    ]
    neighbour = make_record(
        recipe="mae_vit-t6_tiny", protocol={"name": PROTOCOL, "config_sha256": other}
    )
    save(tmp_path, *records, neighbour)
    done = cli("explain", "mrcl", "linear")
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "50.0 ±0.0 (top-1 %)" in said and "measured" in said
    for sha256 in (protocol, records[0].data.sha256, records[0].recipe.config_sha256):
        assert sha256 in said
    assert records[0].checkpoint is not None and records[0].checkpoint.sha256 in said
    assert "kept in configs/" in said and "not kept" in said
    assert "Neighbours with another protocol config" in said
    assert "mae_vit-t6_tiny seed 0" in said
    assert "knn.k[1]" in said
    assert said.count(f"  {records[0].command}\n") == 2


def test_explain_says_what_was_resumed(cli: Cli, tmp_path: Path) -> None:
    save(tmp_path, make_record(resumed=[40, 80]))
    shown = cli("explain", RECIPE, PROTOCOL).stdout
    assert "resumed after step 40; resumed after step 80" in " ".join(shown.split())


def test_explain_of_what_failed_and_of_what_stands_apart(cli: Cli, results: Path) -> None:
    failed = cli("explain", "simclr", "mask-rcnn")
    assert failed.returncode == 0 and "failed (diverged): loss nan" in failed.stdout
    apart = cli("explain", "simclr", "upernet")
    assert "Stands apart: mIoU %" in apart.stdout and "other data" in apart.stdout


def test_seeds_of_another_recipe_config_are_shown(cli: Cli, tmp_path: Path) -> None:
    one = keep({"model": {"mask_ratio": 0.5}}, tmp_path / "results/configs")
    other = keep({"model": {"mask_ratio": 0.75}}, tmp_path / "results/configs")
    save(
        tmp_path,
        make_record(seed=0, recipe={"name": RECIPE, "config_sha256": other}),
        make_record(seed=1, recipe={"name": RECIPE, "config_sha256": one}),
    )
    said = cli("explain", "mrcl", "linear").stdout
    assert "Seeds with another recipe config" in said
    assert f"seed 1: {one[:12]}" in said and f"seed 0: {other[:12]}" in said
    assert "model.mask_ratio" in said


def test_a_record_steers_no_terminal(cli: Cli, tmp_path: Path) -> None:
    save(
        tmp_path, make_record(command="mrcl-bench run\x1b[2J\nrm -rf /", recipe={"name": "[bold]"})
    )
    done = cli("explain", "[bold]", "linear")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout and "\nrm -rf" not in done.stdout
    assert "tiny/[bold]/vit-t6_linear_stamps" in done.stdout
    save(tmp_path, make_record(recipe="mae_vit-t6_tiny"))
    assert "A: tiny/[bold]/" in cli("diff", "[bold]/linear", "mae/linear").stdout


def test_diff_shows_what_differs(cli: Cli, tmp_path: Path) -> None:
    one = keep({"model": {"mask_ratio": 0.5, "depth": 4}}, tmp_path / "results/configs")
    other = keep({"model": {"mask_ratio": 0.75, "depth": 4}}, tmp_path / "results/configs")
    save(
        tmp_path,
        make_record(recipe={"name": RECIPE, "config_sha256": one}),
        make_record(recipe={"name": "mae_vit-t6_tiny", "config_sha256": other}),
    )
    done = cli("diff", "mrcl/linear", "mae/linear")
    assert done.returncode == 0, done.stderr
    assert "model.mask_ratio   0.5" in done.stdout and "0.75" in done.stdout
    assert "depth" not in done.stdout
    assert "The same protocol config on both sides" in done.stdout


def test_diff_says_that_a_config_is_not_kept(cli: Cli, results: Path) -> None:
    done = cli("diff", "mrcl/linear", "mae/knn")
    assert done.returncode == 0
    assert "what differs cannot be told" in done.stdout


def test_a_damaged_record_is_named(cli: Cli, results: Path) -> None:
    (results / f"records/tiny/{RECIPE}/{PROTOCOL}/seed2.json").write_text("{")
    done = cli("explain", "mrcl", "linear")
    assert done.returncode == EXIT_FAILED
    assert "cannot read record" in done.stderr
