"""Failures are sorted into what tables show; environments are complete."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.engine.capture import (  # noqa: E402
    Diverged,
    LoadRefused,
    Stopwatch,
    classify,
    environment,
    peak_memory_mib,
)
from mrcl_bench.errors import BenchError  # noqa: E402


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Diverged("loss is nan at step 3"), "diverged"),
        (LoadRefused("1 missing: a.weight.", "Convert again."), "load"),
        (MemoryError(), "memory"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "memory"),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate "
                "memory: you tried to allocate 4096 bytes"
            ),
            "memory",
        ),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), "memory"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated. "), "error"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk"),
        (OSError(errno.ENOENT, "No such file"), "error"),
        (KeyboardInterrupt(), "interrupted"),
        (BenchError("data is missing.", "Make it."), "error"),
        (RuntimeError("anything else"), "error"),
    ],
)
def test_classify(error: BaseException, kind: str) -> None:
    failure = classify(error)
    assert failure.kind == kind
    assert failure.message


def test_messages_carry_the_cure() -> None:
    assert "Convert again." in classify(LoadRefused("1 missing.", "Convert again.")).message
    assert "batch size" in classify(MemoryError()).message
    assert "make room" in classify(OSError(errno.ENOSPC, "No space left on device")).message
    assert len(classify(RuntimeError("x" * 10_000)).message) <= 500


def test_memory_that_torch_cannot_get() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 52)
    assert classify(caught.value).kind == "memory"


def test_a_full_disk_behind_torchs_writer(tmp_path: Path) -> None:
    from mrcl_bench.checkpoint import save_weights

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        torch.save({"a": torch.zeros(4)}, Full())
    assert classify(caught.value).kind == "disk"
    path = tmp_path / "w.pth"
    save_weights(path, {"a": torch.zeros(1)}, {})
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr("os.fsync", full)
        save_weights(path, {"a": torch.ones(1)}, {})
    assert path.read_bytes() == before


def test_environment_names_versions_and_device() -> None:
    found = environment()
    assert found.packages["torch"] == torch.__version__.split("+")[0]
    assert {"onedl-mmengine", "onedl-mmcv", "onedl-mmpretrain"} <= set(found.packages)
    assert found.device
    assert found.threads >= 1


def test_measures() -> None:
    watch = Stopwatch()
    assert 0 <= watch.seconds < 60
    assert watch.started.endswith("+00:00")
    assert peak_memory_mib() > 1
