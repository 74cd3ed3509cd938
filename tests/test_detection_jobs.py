"""Every detection protocol of `paper`, made small, trains two iterations as a real job."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmdet")
torch = pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")

import numpy as np  # noqa: E402

from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.checkpoint import load_state_dict  # noqa: E402
from mrcl_bench.convert.file import Given  # noqa: E402
from mrcl_bench.engine import precise_norm  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.foreign import adopt, choose, stand_ins  # noqa: E402
from mrcl_bench.jobs import train_eval  # noqa: E402
from mrcl_bench.jobs.evaluate import run_evaluation  # noqa: E402
from mrcl_bench.record import Record, read_record  # noqa: E402
from mrcl_bench.spec import Job  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from .nets import resnet, save, vit  # noqa: E402

CONFIGS = Path(__file__).parent / "mm_configs_detection"
C4 = "mask-rcnn_resnet50_c4_micro"
FPN = "mask-rcnn_resnet50_fpn_micro"
VOC = "faster-rcnn_resnet50_c4_micro"
VIT_DET = "mask-rcnn_vit-small-p16_simple-fpn_micro"
Look = Callable[[Any], None]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of the two networks, as torchvision and timm name them."""
    folder = tmp_path_factory.mktemp("weights")
    save(folder / "resnet50.pth", resnet(50))
    small = {"img_size": 224, "patch_size": 16, "embed_dim": 384, "depth": 12, "num_heads": 6}
    save(folder / "vit-small.pth", vit(**small))
    return folder


class Run:
    """Runs one protocol on weights from a file, in this process."""

    def __init__(self, workspace: Workspace, weights: Path) -> None:
        self.workspace = workspace
        self.weights = weights
        self.catalog = Catalog(CONFIGS)

    def __call__(self, name: str, monkeypatch: pytest.MonkeyPatch, look: Look) -> Record:
        """Converts, chooses, trains; ``look`` sees the runner after the last step."""
        file = "vit-small.pth" if "vit-small" in name else "resnet50.pth"
        manifest = adopt(
            self.weights / file, self.workspace, "micro", "elsewhere", algorithm="foreign",
            source=None, which="online", given=Given(heads=6 if "vit" in name else None),
            verify=False, force=False, say=lambda line: None,
        )  # fmt: skip
        folder = self.workspace.checkpoint_dir("micro", "elsewhere")
        protocol = self.catalog.protocol(name)
        assert choose(manifest, folder, [protocol], "micro") == [protocol]
        row = stand_ins(manifest, [protocol], "micro")[0]
        job = Job(profile="micro", recipe=row, protocol=protocol, seed=0)
        real = train_eval._skip_initialisation

        def skip(runner: Any) -> None:
            real(runner)
            look(runner)

        monkeypatch.setattr(train_eval, "_skip_initialisation", skip)
        request = Request(
            kind="evaluate", profile="micro", recipe=row, jobs=(job,), root=self.workspace.root
        )
        run_evaluation(request)
        return read_record(self.workspace.record_path("micro", "elsewhere", name, 0))

    @property
    def converted(self) -> dict[str, Any]:
        """The weights that the job was given."""
        folder = self.workspace.checkpoint_dir("micro", "elsewhere")
        return load_state_dict(folder / "backbone.pth")


@pytest.fixture
def run(micro_workspace: Workspace, weights: Path) -> Run:
    return Run(micro_workspace, weights)


def make_voc(root: Path) -> None:
    """Two pictures per split, the devkit's layout, one of their objects difficult."""
    rng = np.random.default_rng(0)
    for year, split in (("2007", "trainval"), ("2007", "test"), ("2012", "trainval")):
        folder = root / "VOCdevkit" / f"VOC{year}"
        for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        stems = [f"{year}_{split}_{index}" for index in range(2)]
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(stems) + "\n")
        for index, stem in enumerate(stems):
            image = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / "JPEGImages" / f"{stem}.jpg"), image)
            objects = "".join(
                f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>"
                f"<xmin>{left}</xmin><ymin>1</ymin><xmax>{left + 39}</xmax><ymax>90</ymax>"
                "</bndbox></object>"
                for name, difficult, left in (("dog", 0, 1), ("cat", int(index == 0), 61))
            )
            (folder / "Annotations" / f"{stem}.xml").write_text(
                "<annotation><size><width>120</width><height>90</height></size>"
                f"{objects}</annotation>"
            )


def stage_in_the_head(converted: dict[str, Any], seen: list[str]) -> Look:
    """Checks that res5 is in the head as it was pretrained."""

    def look(runner: Any) -> None:
        state = runner.model.roi_head.shared_head.state_dict()
        stage = {k: v for k, v in state.items() if k.startswith("layer4.")}
        for key, value in stage.items():
            if not key.endswith("num_batches_tracked"):
                assert torch.equal(value, converted[key]), key
                seen.append(key)
        assert torch.equal(state["norm.weight"], torch.ones(2048))
        assert not state["norm.running_mean"].any()

    return look


@pytest.mark.slow
@pytest.mark.parametrize("name", [C4, VOC])
def test_c4_trains_from_all_five_stages(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    if name == VOC:
        make_voc(tmp_path / "data")
        monkeypatch.setenv("MRCL_BENCH_DATA", str(tmp_path / "data"))
    seen: list[str] = []
    norms: list[Any] = []

    def look(runner: Any) -> None:
        stage_in_the_head(run.converted, seen)(runner)
        norms.append(runner.model.roi_head.shared_head.norm)

    measured: list[int] = []
    real = precise_norm.measure
    monkeypatch.setattr(precise_norm, "measure", lambda *a: measured.append(real(*a)))
    record = run(name, monkeypatch, look)
    assert record.failure is None, record.failure
    assert measured == [54]  # 53 convolutions' norms, and the one behind res5
    assert len(seen) == 3 * (3 * 5) + 5  # 9 convolutions with norms, and the short cut's
    assert record.load_report is not None
    assert sorted(record.load_report.missing) == [
        "norm.bias", "norm.running_mean", "norm.running_var", "norm.weight"
    ]  # fmt: skip
    assert record.load_report.unexpected == []
    convolutions = 53
    assert record.load_report.loaded in (convolutions * 5, convolutions * 6)  # with counters
    assert norms[0].running_mean.any()  # measured by the hook, and by training
    metrics = {"val/bbox_mAP", "val/bbox_mAP_50", "val/bbox_mAP_75"}
    if name == C4:
        metrics |= {key.replace("bbox", "segm") for key in metrics}
    assert set(record.metrics) == metrics
    assert record.cost.images_seen == 4


@pytest.mark.slow
def test_fpn_trains(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(runner: Any) -> None:
        for key, value in runner.model.backbone.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                assert torch.equal(value, run.converted[key]), key

    record = run(FPN, monkeypatch, look)
    assert record.failure is None, record.failure
    assert record.load_report is not None and record.load_report.missing == []
    assert "val/segm_mAP" in record.metrics


@pytest.mark.slow
def test_vit_det_trains_and_says_what_is_new(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []

    def look(runner: Any) -> None:
        found.append(runner.model.backbone)
        assert not found[0].layers[0].attn.rel_pos_h.any()

    record = run(VIT_DET, monkeypatch, look)
    assert record.failure is None, record.failure
    assert record.load_report is not None
    assert sorted(record.load_report.missing) == sorted(
        f"layers.{block}.attn.rel_pos_{axis}" for block in range(12) for axis in "hw"
    )
    assert sorted(record.load_report.unexpected) == ["cls_token", "ln1.bias", "ln1.weight"]
    assert all(layer.attn.rel_pos_h.any() for layer in found[0].layers)  # trained
    assert "val/segm_mAP" in record.metrics


def test_c4_without_its_loading_block_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Left out, res5 would stay at random and nobody would see it."""
    configs = tmp_path / "configs"
    configs.mkdir()
    text = (CONFIGS / f"{C4}.py").read_text()
    old = '"../../mm_configs/detection'
    assert old in text
    text = text.replace(old, f'"{CONFIGS.parent.parent}/mm_configs/detection')
    (configs / f"{C4}.py").write_text(text + "\nloading = dict(_delete_=True)\n")
    run.catalog = Catalog(configs)
    monkeypatch.setattr(
        "tests.test_detection_jobs.choose", lambda manifest, folder, protocols, profile: protocols
    )
    record = run(C4, monkeypatch, lambda runner: pytest.fail("training began"))
    assert record.failure is not None and record.failure.kind == "load"
    assert "left over: layer4.0.conv1.weight" in record.failure.message
    assert json.loads(record.model_dump_json())["metrics"] == {}
