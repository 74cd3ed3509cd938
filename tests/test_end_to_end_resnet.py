"""The chain on a convolutional backbone: MRCL by cells and MoCo v2, FPN and FCN on top."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mrcl_bench.record import find_records, read_record
from mrcl_bench.workspace import Workspace

CONFIGS = Path(__file__).parent / "mm_configs_resnet"


@pytest.mark.slow
def test_resnet_chain(micro_workspace: Workspace) -> None:
    command = [sys.executable, "-m", "mrcl_bench.cli.main", "run", "--profile", "micro"]
    done = subprocess.run(
        [*command, "--configs", str(CONFIGS), "--jobs", "2"],
        env={**os.environ}, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    records = [read_record(path) for path in find_records(micro_workspace.records("micro"))]
    cells = {(record.recipe.algorithm, record.protocol.family) for record in records}
    families = ("linear", "mask-rcnn", "fcn")
    assert cells == {(algorithm, f) for algorithm in ("mrcl", "moco") for f in families}
    for record in records:
        assert record.status == "completed"
        assert record.load_report is not None
        # 20 convolutions, and 20 batch norms of 5 tensors each.
        assert record.load_report.loaded == 120
        assert not record.load_report.missing and not record.load_report.unexpected
