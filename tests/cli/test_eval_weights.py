"""``mrcl-bench eval --weights``: a file from anywhere becomes a row beside the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("timm")
pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

from mrcl_bench.convert.manifest import read_manifest  # noqa: E402
from mrcl_bench.errors import EXIT_FAILED, EXIT_USAGE  # noqa: E402
from mrcl_bench.record import Record, find_records, read_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from .. import nets  # noqa: E402
from ..conftest import MICRO_CONFIGS  # noqa: E402

Call = Callable[..., tuple[int, str, str]]
MICRO = ("-p", "micro", "--configs", str(MICRO_CONFIGS), "--jobs", "1")


@pytest.fixture
def call(
    micro_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """Runs the command line in this process, its workers too: exit code, output, errors."""
    from mrcl_bench import run as runner
    from mrcl_bench.cli.main import main
    from mrcl_bench.jobs.evaluate import run_evaluation

    def here(units: list[Any], slots: int, console: Any, ended: Any) -> None:
        for unit in units:
            unit.folder.mkdir(parents=True, exist_ok=True)
            (unit.folder / "request.json").write_text(unit.request.model_dump_json())
            request = type(unit.request).model_validate_json(unit.request.model_dump_json())
            ended(unit, 0 if run_evaluation(request) else 1)

    monkeypatch.setattr(runner, "execute", here)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mrcl-bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code or 0
        assert isinstance(code, int)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def vit(tmp_path: Path) -> Path:
    return nets.save(tmp_path / "in/dino/model.safetensors", nets.vit128())


def records(workspace: Workspace) -> dict[tuple[str, str, int], Record]:
    """All micro records by recipe, family and seed."""
    found = [read_record(path) for path in find_records(workspace.records("micro"))]
    return {(r.recipe.name, r.protocol.family, r.seed): r for r in found}


def test_any_weights_become_a_row(call: Call, vit: Path, micro_workspace: Workspace) -> None:
    half = ("--mean", "127.5,127.5,127.5", "--std", "127.5,127.5,127.5", "--channels", "bgr")
    weights = ("--weights", str(vit), "--heads", "4")
    only = ("--protocol", "knn", "--protocol", "linear", "--seed", "0")
    code, out, err = call("eval", *weights, *half, *MICRO, *only)
    assert code == 0, err
    assert "timm (found by the keys)" in out
    assert "knn, linear" in out
    found = records(micro_workspace)
    assert set(found) == {("dino", "knn", 0), ("dino", "linear", 0)}
    record = found["dino", "linear", 0]
    assert record.status == "completed", record.failure
    assert (record.recipe.display, record.recipe.role) == ("dino", "method")
    assert (record.recipe.algorithm, record.recipe.backbone) == ("foreign", "vit-128x4")
    assert record.pretrain_cost is None
    assert record.normalisation is not None
    assert record.normalisation.channel_order == "bgr"
    assert any("bgr, mean 127.5" in flag for flag in record.flags)
    assert record.load_report is not None
    assert record.load_report.loaded == 54
    folder = micro_workspace.checkpoint_dir("micro", "dino")
    manifest = read_manifest(folder)
    assert record.checkpoint is not None
    assert record.checkpoint.sha256 == manifest.weights_sha256

    # the same again: nothing is converted, nothing is run
    code, out, _ = call("eval", *weights, *half, *MICRO, *only)
    assert code == 0
    assert "kept" in out
    assert "0 jobs to do, 2 jobs done" in out
    assert read_manifest(folder).created == manifest.created

    # by the name alone, as the record's command says
    code, out, _ = call("eval", "cls", "--name", "dino", *MICRO, *only)
    assert (code, "0 jobs to do, 2 jobs done" in out) == (0, True)

    # another input is another run
    code, out, _ = call("eval", *weights, *MICRO, "--protocol", "knn", "--seed", "0")
    assert code == 0
    assert "normalisation changed" in out
    again = records(micro_workspace)["dino", "knn", 0]
    assert not any("fed as" in flag for flag in again.flags)

    # another file of that name is not put in its place unasked
    nets.save(vit, nets.vit128(seed=1))
    code, _, err = call("eval", *weights, *MICRO, *only)
    assert code == EXIT_USAGE
    assert "'dino' is the name of other weights" in err
    assert read_manifest(folder).weights_sha256 == manifest.weights_sha256
    code, out, _ = call("eval", *weights, *MICRO, "--protocol", "knn", "--seed", "0", "--force")
    assert code == 0
    assert read_manifest(folder).weights_sha256 != manifest.weights_sha256

    code, out, _ = call("compare")
    assert code == 0
    assert "dino" in out
    assert "—" in out.partition("Pretraining cost")[2]


def test_fine_tuning_starts_from_moco_resnet_weights(
    call: Call, tmp_path: Path, micro_workspace: Workspace
) -> None:
    raw = nets.save(tmp_path / "in/moco.pth.tar", nets.moco(nets.resnet18()))
    configs = str(MICRO_CONFIGS.parent / "mm_configs_resnet")
    code, _, err = call(
        "eval", "--weights", str(raw), "-p", "micro", "--configs", configs, "--task", "cls",
        "--algorithm", "moco",
    )  # fmt: skip
    assert code == 0, err
    (record,) = records(micro_workspace).values()
    assert (record.recipe.name, record.recipe.algorithm) == ("moco", "moco")
    assert record.load_report is not None
    assert record.load_report.loaded == 120


def test_no_protocol_fits(call: Call, tmp_path: Path) -> None:
    raw = nets.save(tmp_path / "in/r18.pth", nets.resnet18())
    code, _, err = call("eval", "--weights", str(raw), *MICRO, "--no-verify")
    assert code == EXIT_FAILED
    assert "resnet-18" in err
    assert "vit-128x4: another kind of network" in err
    assert "--configs" in err


def test_wrong_heads_are_noticed(call: Call, vit: Path) -> None:
    code, _, err = call("eval", "--weights", str(vit), "--heads", "2", *MICRO, "--no-verify")
    assert code == EXIT_FAILED
    assert "give --heads 4" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--weights", "none.pth"], EXIT_FAILED, "no weights at none.pth"),
        (["--weights", "x", "--recipe", "mrcl"], EXIT_USAGE, "do not go together"),
        (["--weights", "x", "--name", "a/b"], EXIT_USAGE, "is no name"),
        (["--weights", "x", "--name", "random_vit-128x4_0e_micro"], EXIT_USAGE, "is a recipe"),
        (["--name", "nowhere"], EXIT_USAGE, "no weights called 'nowhere'"),
        (["--name", "nowhere", "--heads", "2"], EXIT_USAGE, "are for --weights"),
        (["cls", "--task", "det", "--weights", "x"], EXIT_USAGE, "two tasks"),
        (["--weights", "x", "--protocol", "liner"], EXIT_USAGE, "Did you mean linear"),
        (["--weights", "x", "--protocol", "knn", "--task", "seg"], EXIT_USAGE, "no protocol"),
        ([], EXIT_USAGE, "Missing argument"),
    ],
)
def test_mistakes_are_one_line(call: Call, arguments: list[str], code: int, said: str) -> None:
    got, _, err = call("eval", *arguments, *MICRO)
    assert (got, said in err) == (code, True), err
    assert err.count("\n") == 2
