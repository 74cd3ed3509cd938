from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.convert.file import convert_file
from mrcl_bench.convert.manifest import Manifest, read_manifest
from mrcl_bench.errors import BenchError

NORMALISATION = {"mean": [1, 2, 3], "std": [4, 5, 6], "channel_order": "rgb"}


def vit_state(prefix: str = "backbone.") -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    shapes = {
        "cls_token": (1, 1, 8),
        "pos_embed": (1, 17, 8),
        "patch_embed.projection.weight": (8, 3, 4, 4),
        "layers.0.ffn.weight": (8, 8),
        "layers.10.ffn.weight": (8, 8),
    }
    return {prefix + key: torch.ones(shape) for key, shape in shapes.items()}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    torch = pytest.importorskip("torch")
    path = tmp_path / "raw.pth"
    torch.save({"state_dict": {**vit_state(), "neck.w": torch.ones(2)}}, path)
    return path


def run(raw: Path, out: Path, **kwargs: Any) -> Manifest:
    options: dict[str, Any] = {
        "source": "mmpretrain",
        "normalisation": NORMALISATION,
        "recipe": "r",
        "algorithm": "simclr",
        "pretrain": {"cost": {"seconds": 1.5}},
        "verify": False,
    }
    return convert_file(raw, out, **{**options, **kwargs})


def test_a_conversion_is_read_back(raw: Path, tmp_path: Path) -> None:
    from mrcl_bench.checkpoint import load_state_dict, state_dict_sha256

    out = tmp_path / "out"
    manifest = run(raw, out)
    assert sorted(path.name for path in out.iterdir()) == ["backbone.pth", "manifest.json"]
    assert read_manifest(out) == manifest
    weights = load_state_dict(out / "backbone.pth")
    assert weights.keys() == vit_state("").keys()
    assert state_dict_sha256(weights) == manifest.weights_sha256
    found = manifest.architecture
    assert (found.label, found.type, found.embed_dims) == ("vit-8x11-p4", "vit", 8)
    assert (found.depth, found.patch, found.img_size) == (11, 4, 16)
    assert manifest.keys.loaded == 5
    assert manifest.keys.dropped == {"neck": 1}
    assert manifest.normalisation.value_range == (0, 255)
    assert manifest.pretrain == {"cost": {"seconds": 1.5}}
    again = run(raw, tmp_path / "again")
    assert again.file_sha256 == manifest.file_sha256, "equal input, equal file"


@pytest.mark.parametrize("damage", ["flip", "truncate", "replace", "remove"])
def test_changed_weights_are_noticed(raw: Path, tmp_path: Path, damage: str) -> None:
    run(raw, tmp_path)
    path = tmp_path / "backbone.pth"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    path.unlink()
    if damage == "replace":
        raw.rename(path)
    elif damage != "remove":
        path.write_bytes(data[:-100] if damage == "truncate" else data)
    with pytest.raises(BenchError, match="missing" if damage == "remove" else "changed") as caught:
        read_manifest(tmp_path)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"surplus": 1}, "surplus"),
        ({"schema_version": 99}, "schema 99"),
        ({"file_sha256": "abc"}, "file_sha256"),
        ({"normalisation": {**NORMALISATION, "std": [0, 1, 1]}}, "std"),
        ({"keys": {"loaded": 0}}, "keys.loaded"),
        (None, "cannot read"),
    ],
)
def test_broken_manifests_are_refused(
    raw: Path, tmp_path: Path, change: dict[str, Any] | None, expected: str
) -> None:
    run(raw, tmp_path)
    path = tmp_path / "manifest.json"
    text = json.dumps({**json.loads(path.read_text()), **change}) if change else "{"
    path.write_text(text)
    with pytest.raises(BenchError, match=expected):
        read_manifest(tmp_path)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no converted weights") as caught:
        read_manifest(tmp_path)
    assert "mrcl-bench convert" in caught.value.cure


def test_nothing_is_written_on_failure(raw: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    out = tmp_path / "out"
    with pytest.raises(BenchError, match="normalisation.*std"):
        run(raw, out, normalisation={**NORMALISATION, "std": [1, 1]})
    with pytest.raises(BenchError, match="no backbone"):
        run(raw, out, which="momentum")
    state = vit_state()
    state["backbone.pos_embed"][0, 0, 0] = float("nan")
    torch.save(state, raw)
    with pytest.raises(BenchError, match="NaN.*pos_embed"):
        run(raw, out)
    assert not out.exists()
    with pytest.raises(BenchError, match="overwritten"):
        run(raw.rename(tmp_path / "backbone.pth"), tmp_path)


@pytest.mark.parametrize("depth", [18, 50])
def test_architecture_of_a_resnet(depth: int) -> None:
    models = pytest.importorskip("mmpretrain.models")
    from mrcl_bench.convert._architecture import read_architecture

    found = read_architecture(models.ResNet(depth=depth).state_dict())
    assert (found.label, found.depth) == (f"resnet-{depth}", depth)
    assert found.embed_dims == {18: 512, 50: 2048}[depth]
    assert found.patch is found.img_size is None
    assert read_architecture({}).label == "other"


def test_a_manifest_is_read_without_torch(raw: Path, tmp_path: Path) -> None:
    run(raw, tmp_path)
    code = (
        "import sys; from pathlib import Path; import mrcl_bench.cli.convert\n"
        "from mrcl_bench.convert.manifest import read_manifest\n"
        "read_manifest(Path(sys.argv[1]))\n"
        "assert not {'torch', 'mmengine', 'mmpretrain'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_an_old_manifest_still_reads(raw: Path, tmp_path: Path) -> None:
    """As version 1 was first written: without target, notes, proof and the rest."""
    run(raw, tmp_path)
    path = tmp_path / "manifest.json"
    now = json.loads(path.read_text())
    first = (
        "schema_version recipe algorithm source_format source_sha256 weights_sha256 file_sha256 "
        "normalisation pretrain created"
    ).split()
    architecture = ("label", "type", "embed_dims", "depth", "patch", "img_size")
    old = {
        **{key: now[key] for key in first},
        "architecture": {key: now["architecture"][key] for key in architecture},
        "keys": {"loaded": 5, "dropped": {"neck": 1}},
    }
    path.write_text(json.dumps(old))
    manifest = read_manifest(tmp_path)
    assert (manifest.target, manifest.encoder) == ("mmpretrain", "online")
    assert (manifest.proof, manifest.notes, manifest.asked) == (None, (), {})
    assert manifest.normalisation_from == "run"


def test_foreign_weights_are_known_by_their_input(raw: Path, tmp_path: Path) -> None:
    manifest = run(raw, tmp_path, pretrain=None)
    assert manifest.foreign
    assert manifest.pretrain_cost is None
    assert manifest.recipe_sha256 == manifest.normalisation.sha256()
    cost = {"images_seen": 1, "seconds": 2.0, "peak_memory_mib": 3.0}
    ours = run(raw, tmp_path, pretrain={"recipe_sha256": "f" * 64, "cost": cost})
    assert not ours.foreign
    assert ours.recipe_sha256 == "f" * 64
    assert ours.pretrain_cost is not None
    assert ours.pretrain_cost.seconds == 2
