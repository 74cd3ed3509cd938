"""Finding configs: from the syntax tree alone, strictly, with a did-you-mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mrcl_bench.catalog import Catalog, config_root, load_catalog, read_bench_block
from mrcl_bench.errors import EXIT_USAGE, BenchError

from .conftest import MICRO_CONFIGS
from .toy import PROTOCOL, RECIPE

GOOD = RECIPE.format(algorithm="mrcl")


def _error(root: Path) -> BenchError:
    with pytest.raises(BenchError) as caught:
        Catalog(root)
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.cure
    return caught.value


def test_listing_runs_no_config(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "evil.py").write_text(
        f"import pathlib\npathlib.Path({str(canary)!r}).touch()\n" + GOOD
    )
    assert list(Catalog(tmp_path).recipes) == ["evil"]
    assert not canary.exists()


@pytest.mark.parametrize(
    "block",
    [
        "bench = dict(kind=open('canary', 'w').name)",
        "bench = dict(**other)",
        "bench = dict([('kind', 'recipe')])",
        "bench = make()",
        "bench = ['recipe']",
        "bench = {'kind': __import__('os').getcwd()}",
    ],
)
def test_only_literals_pass(tmp_path: Path, block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.py").write_text(block + "\n")
    error = _error(tmp_path)
    assert "odd.py" in error.what
    assert not (tmp_path / "canary").exists()


def test_a_config_without_a_block_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("model = dict(type='ViT')\n")
    assert read_bench_block(tmp_path / "plain.py") is None
    assert Catalog(tmp_path).recipes == {}


def test_folders_with_an_underscore_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "_base_").mkdir()
    (tmp_path / "_base_/hidden.py").write_text(GOOD)
    (tmp_path / "_shown.py").write_text(GOOD)
    assert list(Catalog(tmp_path).recipes) == ["_shown"]


def test_unknown_key_has_a_did_you_mean(tmp_path: Path) -> None:
    (tmp_path / "typo.py").write_text(GOOD.replace("backbone=", "bakbone="))
    error = _error(tmp_path)
    assert "bakbone" in error.what
    assert "typo.py" in error.what
    assert "Did you mean backbone" in error.cure


def test_name_and_path_cannot_be_set(tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(GOOD.replace("kind=", "name='other', kind="))
    assert "name" in _error(tmp_path).what


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('kind="recipe"', 'kind="recpie"', "recpie"),
        ('role="method"', 'role="hero"', "bench.role"),
        ('profiles=["micro"]', 'profiles=["mikro"]', "bench.profiles"),
        ('data="own:toy", ', "", "bench.data"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in GOOD
    (tmp_path / "wrong.py").write_text(GOOD.replace(old, new))
    assert named in _error(tmp_path).what


@pytest.mark.parametrize("text", [b"bench = dict(\n", b"\xff\xfe\x00bench", b"x = 1\x00"])
def test_not_python(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "broken.py").write_bytes(text)
    assert "broken.py" in _error(tmp_path).what


def test_doubled_stems_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text(GOOD)
    error = _error(tmp_path)
    assert "two configs are called same" in error.what
    (tmp_path / "b/same.py").write_text(PROTOCOL.format(family="f", batched=True))
    assert "two configs are called same" in _error(tmp_path).what


def test_look_up(tmp_path: Path) -> None:
    (tmp_path / "mrcl_toy.py").write_text(GOOD)
    (tmp_path / "knn_toy.py").write_text(PROTOCOL.format(family="knn", batched=True))
    catalog = Catalog(tmp_path)
    assert catalog.recipe("mrcl_toy").path == tmp_path / "mrcl_toy.py"
    assert [r.name for r in catalog.select_recipes("micro", ["mrcl", "mrcl_toy"])] == ["mrcl_toy"]
    assert catalog.select_recipes("tiny", []) == []
    for word in ("knn", "knn_toy", "classification"):
        assert [p.name for p in catalog.select_protocols("micro", [word])] == ["knn_toy"]
    for call in (
        lambda: catalog.recipe("mrcl_tyo"),
        lambda: catalog.select_recipes("micro", ["mrcl_tyo"]),
    ):
        with pytest.raises(BenchError, match=r"Did you mean mrcl_toy") as caught:
            call()
        assert caught.value.exit_code == EXIT_USAGE
    with pytest.raises(BenchError, match=r"Did you mean knn_toy"):
        catalog.protocol("knn_tyo")
    with pytest.raises(BenchError, match=r"Did you mean classification"):
        catalog.select_protocols("micro", ["clasification"])


def test_on_request_means_only_where_it_is_named(tmp_path: Path) -> None:
    asked = "profiles=['micro'], on_request=True,"
    (tmp_path / "plain.py").write_text(GOOD)
    (tmp_path / "odd.py").write_text(
        GOOD.replace('profiles=["micro"],', asked + " family='matched',")
    )
    probe = PROTOCOL.format(family="knn", batched=True)
    (tmp_path / "knn.py").write_text(probe)
    variant = PROTOCOL.format(family="knn-odd", batched=True)
    (tmp_path / "knn_odd.py").write_text(variant.replace('profiles=["micro"],', asked))
    catalog = Catalog(tmp_path)

    def recipes(*words: str) -> list[str]:
        return [recipe.name for recipe in catalog.select_recipes("micro", list(words))]

    def protocols(*words: str) -> list[str]:
        return [found.name for found in catalog.select_protocols("micro", list(words))]

    assert recipes() == recipes("mrcl") == ["plain"]
    assert recipes("odd") == recipes("matched") == ["odd"]
    assert recipes("mrcl", "odd") == ["plain", "odd"]
    assert protocols() == protocols("classification") == protocols("knn") == ["knn"]
    assert protocols("knn-odd") == ["knn_odd"]
    with pytest.raises(BenchError):
        recipes("")


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(BenchError, match="no folder") as caught:
        load_catalog(Path("/nowhere/at/all"))
    assert caught.value.exit_code == EXIT_USAGE


def test_the_shipped_configs_and_the_micro_ones_fit_together() -> None:
    catalog = load_catalog(MICRO_CONFIGS)
    shipped = Catalog(config_root())
    assert len(shipped.recipes) >= 4
    assert set(shipped.recipes) < set(catalog.recipes)
    for profile in ("micro", "tiny", "paper"):
        recipes = catalog.select_recipes(profile, [])
        protocols = catalog.select_protocols(profile, [])
        assert {"mrcl", "simclr", "random"} <= {recipe.algorithm for recipe in recipes}
        tasks = {protocol.task for protocol in protocols}
        assert tasks == {"classification", "detection", "segmentation"}, profile
        judged = {protocol.backbone for protocol in protocols}
        assert {recipe.backbone for recipe in recipes} <= judged, profile


def test_every_adapter_source_and_metric_is_there() -> None:
    from importlib.util import find_spec

    from mrcl_bench.metrics import metric_of

    catalog = load_catalog(MICRO_CONFIGS)
    for recipe in catalog.recipes.values():
        assert find_spec(f"mrcl_bench.convert.{recipe.source}"), recipe.name
    for protocol in catalog.protocols.values():
        assert find_spec(f"mrcl_bench.jobs.{protocol.adapter}"), protocol.name
        assert metric_of(protocol.main_metric)


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from mrcl_bench.catalog import load_catalog; load_catalog();"
        "print([m for m in ('torch', 'mmengine', 'numpy', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
