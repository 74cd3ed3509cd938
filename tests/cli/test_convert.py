"""``mrcl-bench convert``: what it prints, and one clear line for each mistake."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("timm")
pytest.importorskip("mmpretrain")

from mrcl_bench.convert.manifest import read_manifest  # noqa: E402
from mrcl_bench.errors import EXIT_FAILED, EXIT_USAGE  # noqa: E402

from .. import nets  # noqa: E402

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs the command line in this process: exit code, output, errors."""
    from mrcl_bench.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mrcl-bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code or 0
        assert isinstance(code, int)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return code, shown.out, shown.err

    return run


@pytest.fixture
def resnet(tmp_path: Path) -> Path:
    return nets.save(tmp_path / "in/r18.pth", nets.resnet18())


def test_the_source_is_found_and_all_is_said(call: Call, resnet: Path) -> None:
    code, out, _ = call("convert", str(resnet), "--out", "mine", "--to", "mmdet")
    assert code == 0
    manifest = read_manifest(Path("mine"))
    assert (manifest.recipe, manifest.algorithm) == ("mine", "unknown")
    lines = out.splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert manifest.weights_sha256 in rows["weights"]
    assert "torchvision (found by the keys), written as mmdet" in rows["format"]
    assert "resnet-18" in rows["architecture"]
    assert "2" in rows["dropped"]
    assert "features differ by" in rows["proof"]
    assert "torchvision ResNet against mmdet ResNet" in rows["networks"]
    assert "backbone=dict(type=" in rows["config"]
    assert rows["wrote"].split()[-1] == "mine"


def test_overrides_are_kept(call: Call, resnet: Path) -> None:
    code, out, _ = call(
        "convert", str(resnet), "--out", "b", "--no-verify", "--from", "torchvision",
        "--channels", "bgr", "--mean", "1,2,3.5", "--name", "Mine", "--algorithm", "x",
    )  # fmt: skip
    assert code == 0
    manifest = read_manifest(Path("b"))
    assert manifest.normalisation.mean == (1, 2, 3.5)
    assert manifest.normalisation.std == (58.395, 57.12, 57.375)
    assert manifest.normalisation.channel_order == "bgr"
    assert (manifest.recipe, manifest.algorithm) == ("Mine", "x")
    assert "(as told)" in out
    assert "none was asked for" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--std", "1,2"], "not three numbers"),
        (["--std", "1,0,1"], "not positive"),
        (["--mean", "a,b,c"], "not three numbers"),
        (["--mean", "0.485,0.456,0.406"], "--mean 123.675,116.28,103.53"),
        (["--mean", "0,0,0", "--std", ".5,.5,.5"], "--std 127.5,127.5,127.5"),
        (["--to", "tim"], "Did you mean timm"),
        (["--from", "torchvison"], "Did you mean torchvision"),
        (["--heads", "0"], "--heads"),
        (["--channels", "gbr"], "--channels"),
        (["--out", "weights.onnx"], ".safetensors"),
    ],
)
def test_mistakes_on_the_command_line(
    call: Call, resnet: Path, arguments: list[str], said: str
) -> None:
    code, _, err = call("convert", str(resnet), "--out", "out", *arguments)
    assert code == EXIT_USAGE
    assert said in err
    assert not Path("out").exists()


def test_a_file_of_no_known_layout(call: Call, tmp_path: Path) -> None:
    import torch

    nets.save(tmp_path / "odd.pth", {"stem.0.w": torch.rand(2), "body.w": torch.rand(2)})
    code, _, err = call("convert", "odd.pth", "--out", "out")
    assert code in (EXIT_FAILED, EXIT_USAGE)
    assert "stem." in err
    assert "cure:" in err
