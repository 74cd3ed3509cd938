"""A checkpoint whose pickle would run code, through every loader of the libraries."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmengine")

from mmengine.config import ConfigDict  # noqa: E402
from mmengine.runner import CheckpointLoader, checkpoint, load_checkpoint  # noqa: E402

from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.engine import safe_loading  # noqa: E402
from mrcl_bench.engine.checkpoints import newest_sound  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.engine.runtime import build_runner  # noqa: E402
from mrcl_bench.errors import EXIT_FAILED, BenchError  # noqa: E402
from mrcl_bench.pretrain import run_pretraining  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS  # noqa: E402
from .toy_run import config, train  # noqa: E402


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture(params=["zip", "old", "bare"])
def canary(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A poisoned checkpoint in each of the formats; no test may make it fire."""
    mark = tmp_path / "fired"
    content = {"state_dict": {"a": torch.zeros(2)}, "meta": {}, "message_hub": Canary(mark)}
    path = tmp_path / "iter_3.pth"
    if request.param == "bare":
        path.write_bytes(pickle.dumps({**content, "state_dict": {}}))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=request.param == "zip")
    yield path
    assert not mark.exists(), "code from a checkpoint has run"


def test_the_canary_would_fire(tmp_path: Path) -> None:
    """Or none of the tests below would prove anything."""
    mark = tmp_path / "fired"
    torch.save({"a": Canary(mark)}, tmp_path / "x.pth")
    torch.load(tmp_path / "x.pth", weights_only=False)
    assert mark.exists()


def _mmengine(path: Path) -> None:
    load_checkpoint(torch.nn.Linear(2, 2), str(path))


def _mmengine_with_prefix(path: Path) -> None:
    checkpoint._load_checkpoint_with_prefix("backbone.", str(path))


def _mmengine_loader(path: Path) -> None:
    CheckpointLoader.load_checkpoint(str(path), map_location=torch.device("cpu"))


def _mmengine_torch_load(path: Path) -> None:
    checkpoint._safe_torch_load(str(path))


def _runner(path: Path) -> None:
    build_runner(config(), path.parent / "run", 0, "none", "toy").load_checkpoint(str(path))


def _load_from(path: Path) -> None:
    build_runner(_with(path), path.parent / "run", 0, "none", "toy").train()


def _with(path: Path) -> Any:
    wanted = config()
    wanted.load_from = str(path)
    return wanted


def _resume(path: Path) -> None:
    wanted = _with(path)
    wanted.resume = True
    build_runner(wanted, path.parent / "run", 0, "none", "toy").train()


def _last_checkpoint(path: Path) -> None:
    (path.parent / "last_checkpoint").write_text(str(path))
    train(path.parent, config())


def _pretrained(scope: str, backbone: dict[str, Any]) -> Callable[[Path], None]:
    def load(path: Path) -> None:
        library = pytest.importorskip(scope)
        assert library
        __import__(f"{scope}.models")
        from mmengine.registry import MODELS

        init = ConfigDict({"type": "Pretrained", "checkpoint": str(path)})
        with MODELS.switch_scope_and_registry(scope) as registry:
            registry.build({**backbone, "init_cfg": init}).init_weights()

    load.__name__ = f"init_cfg_{scope}"
    return load


RESNET = {"type": "ResNet", "depth": 18}
WAYS = [
    _mmengine, _mmengine_with_prefix, _mmengine_loader, _mmengine_torch_load,
    _runner, _load_from, _resume, _last_checkpoint,
    *(_pretrained(scope, RESNET) for scope in ("mmpretrain", "mmdet", "mmseg")),
    _pretrained("mmdet", {"type": "SwinTransformer"}),
    _pretrained("mmseg", {"type": "VisionTransformer"}),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_no_library_runs_it(
    canary: Path, way: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    safe_loading.install()
    with pytest.raises(BenchError, match=r"refused|no training checkpoint"):
        way(canary)


def test_a_poisoned_training_checkpoint_is_not_gone_on_from(
    canary: Path, micro_workspace: Workspace, micro_catalog: Catalog
) -> None:
    recipe = micro_catalog.select_recipes("micro", ["random"])[0]
    work_dir = micro_workspace.runs / "pretrain/micro" / recipe.name
    request = Request(kind="pretrain", profile="micro", recipe=recipe, root=micro_workspace.root)
    run_pretraining(request)
    (work_dir / canary.name).write_bytes(canary.read_bytes())
    (work_dir / "last_checkpoint").write_text(str(work_dir / canary.name))
    with pytest.raises(BenchError, match="refused|no training checkpoint"):
        run_pretraining(request)


def test_a_poisoned_newest_gives_way(canary: Path) -> None:
    run = canary.parent / "run"
    train(run, config(length=2, interval=2))
    (run / "iter_3.pth").write_bytes(canary.read_bytes())
    found, warnings = newest_sound(run)
    assert found == run / "iter_2.pth" and "refused" in warnings[0]


@pytest.mark.parametrize("canary", ["zip"], indirect=True)
@pytest.mark.parametrize("command", ["convert", "eval"])
def test_commands_refuse_it(canary: Path, cli: Any, command: str) -> None:
    arguments = {
        "convert": ("convert", str(canary), "--out", "out"),
        "eval": ("eval", "--weights", str(canary), "--name", "x", "-p", "micro", "--configs",
                 str(MICRO_CONFIGS)),
    }[command]  # fmt: skip
    done = cli(*arguments)
    said = done.stdout + done.stderr
    assert done.returncode == EXIT_FAILED, said
    assert "refused" in said and "Traceback" not in said


@pytest.mark.parametrize(
    "url", ["https://host/x.pth", "torchvision://resnet18", "openmmlab://x", "s3://a/b.pth"]
)
def test_weights_from_elsewhere_are_refused(url: str) -> None:
    safe_loading.install()
    with pytest.raises(BenchError, match="refused"):
        load_checkpoint(torch.nn.Linear(2, 2), url)


def test_good_weights_load_as_before(tmp_path: Path) -> None:
    safe_loading.install()
    source, target = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    torch.save({"state_dict": source.state_dict()}, tmp_path / "x.pth")
    load_checkpoint(target, str(tmp_path / "x.pth"), map_location=torch.device("cpu"))
    assert torch.equal(source.weight, target.weight)
