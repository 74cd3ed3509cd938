"""The doctor: everything wrong in one pass, each with its cure."""

from __future__ import annotations

import shutil
from collections import namedtuple
from importlib import metadata, util
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench import doctor
from mrcl_bench.doctor import Finding

pytest.importorskip("torch")


def _bad(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "bad"]


def test_this_environment_is_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRCL_BENCH_ROOT", str(tmp_path))
    monkeypatch.setattr(doctor, "_NEEDED_GB", 0)
    findings = list(doctor.examine())
    assert _bad(findings) == []
    said = " ".join(finding.what for finding in findings)
    for word in ("Python", "torch", "mmcv's compiled operators", "GB free"):
        assert word in said
    assert any(finding.what.startswith("device: ") for finding in findings)


def test_missing_data_comes_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MRCL_BENCH_ROOT", str(tmp_path))
    monkeypatch.delenv("MRCL_BENCH_DATA", raising=False)
    notes = {finding.cure for finding in doctor._data()}
    assert "mrcl-bench data stamps" in notes
    assert {finding.level for finding in doctor._data()} == {"note"}


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda n: None if n == "mmcv" else real(n))
    bad = _bad(list(doctor._packages()))
    assert [finding.what for finding in bad] == ["onedl-mmcv is not installed"]
    assert bad[0].cure


def test_a_rival_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "2.1.0" if name == "mmcv-full" else real(name)
    )
    bad = _bad(list(doctor._packages()))
    assert [finding.cure for finding in bad] == ["pip uninstall mmcv-full"]


def test_a_package_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "onedl-mmdetection":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    bad = _bad(list(doctor._packages()))
    assert len(bad) == 1
    assert "not from onedl-mmdetection" in bad[0].what


def test_broken_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    real = importlib.import_module

    def load(name: str, *rest: Any) -> Any:
        if name == "mmcv._ext":
            raise ImportError("undefined symbol: _ZN3c10")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", load)
    bad = _bad(list(doctor._operators()))
    assert len(bad) == 1
    assert "undefined symbol" in bad[0].what
    assert "make setup" in bad[0].cure


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 3 * 10**9))
    bad = _bad(list(doctor._disk()))
    assert len(bad) == 1
    assert "3.0 GB free" in bad[0].what
    assert "MRCL_BENCH_ROOT" in bad[0].cure


def test_the_micro_set_is_seen(micro_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRCL_BENCH_DATA", str(micro_root))
    monkeypatch.setattr(doctor, "_DATA_CURES", {"stamps-micro": "mrcl-bench data stamps"})
    found = [finding for finding in doctor._data() if "stamps-micro" in finding.what]
    assert len(found) == 1
    assert found[0].level == "note"
    assert "drawn shapes" in found[0].what
