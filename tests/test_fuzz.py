"""Readers of files from elsewhere, fed with damage: a clear error or a result, never anything else.

Hypothesis mutates valid files and makes bytes and structures up. A reader may return or raise
`BenchError`; any other exception, or taking long, fails the test.
"""

from __future__ import annotations

import io
import json
import pickle
import pprint
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mrcl_bench.catalog import Catalog
from mrcl_bench.convert.manifest import read_manifest
from mrcl_bench.data.check.coco import entries, named, read
from mrcl_bench.data.check.findings import Report
from mrcl_bench.data.manifest import read_manifest as read_data_manifest
from mrcl_bench.errors import BenchError
from mrcl_bench.per_sample import load as load_per_sample
from mrcl_bench.record import Record, read_record
from mrcl_bench.verify import verify

from .factories import make_record, sha

FUZZ = settings(
    max_examples=60,
    deadline=timedelta(seconds=20),
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FEW = settings(FUZZ, max_examples=25)

RECORD = make_record(artifacts={"per_sample": "seed0.per_sample.npz"}).model_dump(mode="json")
COCO: dict[str, Any] = {
    "categories": [{"id": 1, "name": "person"}],
    "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
    "annotations": [
        {
            "id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "area": 25,
            "segmentation": [[0, 0, 5, 0, 5, 5]], "iscrowd": 0,
        }
    ],
}  # fmt: skip
CONVERTED = {
    "recipe": "r", "algorithm": "a", "source_format": "mmpretrain", "source_sha256": sha("s"),
    "weights_sha256": sha("w"), "file_sha256": sha("f"),
    "architecture": {"label": "toy", "type": "other"},
    "normalisation": {"mean": [0, 0, 0], "std": [1, 1, 1], "channel_order": "rgb"},
    "keys": {"loaded": 1},
    "pretrain": {
        "recipe_sha256": sha("c"), "data_sha256": sha("d"),
        "cost": {"images_seen": 1, "seconds": 1.0, "peak_memory_mib": 1.0},
    },
    "created": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
SET = {
    "schema": 1, "id": "stamps", "sha256": sha("x"), "files": 1, "maker": 1, "seed": 0,
    "sizes": {"train": 1}, "shapes_fallback": True, "splits": {"a": {"count": 1, "sha256": "x"}},
    "classes": ["a"], "stuff": ["b"], "mean": [0.0], "std": [1.0], "packages": [], "credits": "",
}  # fmt: skip
BENCH = {
    "kind": "protocol", "task": "classification", "adapter": "knn", "family": "f",
    "display": "F", "backbone": "b", "profiles": ["micro"], "data": "own:toy",
    "main_metric": "val/accuracy", "seeds": 1, "batched": True,
}  # fmt: skip

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "../..", "\0", "1" * 70, "completed", "protocol", "sweep"])
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, valid: Any) -> Any:
    """A valid structure with one or two places replaced, taken out or added."""
    whole = json.loads(json.dumps(valid))
    for _ in range(draw(st.integers(1, 2))):
        where = whole
        while True:
            keys = list(where) if isinstance(where, dict) else list(range(len(where)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(where[key], dict | list) and draw(st.booleans()):
                where = where[key]
                continue
            how = draw(st.sampled_from(["replace", "drop", "add"]))
            if how == "drop":
                del where[key]
            elif how == "add" and isinstance(where, dict):
                where[draw(st.text(max_size=5) | st.just("\ud800"))] = draw(values)
            else:
                where[key] = draw(values)
            break
    return whole


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes of a valid file, cut off, overwritten, with a piece doubled; or bytes of no file."""
    how = draw(st.sampled_from(["cut", "flip", "double", "random", "prefix"]))
    place = draw(st.integers(0, len(raw)))
    if how == "cut":
        return raw[:place]
    if how == "random":
        return draw(st.binary(max_size=200))
    if how == "prefix":
        return raw[: min(place, 64)] + draw(st.binary(max_size=200))
    if how == "double":
        return raw[:place] + raw[max(0, place - draw(st.integers(1, 64))) :]
    patch = draw(st.binary(min_size=1, max_size=8))
    return raw[:place] + patch + raw[place + len(patch) :]


def as_json(valid: Any) -> st.SearchStrategy[bytes]:
    """Damaged JSON files: right JSON of a wrong structure, and wrong bytes."""
    text = json.dumps(valid).encode()
    nested = st.just(b"[" * 100_000)
    structures = (changed(valid) | values).map(lambda value: json.dumps(value).encode())
    return structures | damaged(text) | nested


def survives(call: Callable[[], object]) -> object:
    """Calls a reader; None where it refused with a message that can be printed."""
    try:
        return call()
    except BenchError as error:
        assert error.what
        (error.what + error.cure + str(error)).encode()
        return None


@FUZZ
@given(raw=as_json(RECORD))
def test_records(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "seed0.json"
    path.write_bytes(raw)
    found = survives(lambda: read_record(path))
    assert found is None or isinstance(found, Record)
    if isinstance(found, Record):  # what is taken can be written again
        assert Record.model_validate_json(found.model_dump_json()) == found


@FEW
@given(raw=as_json(RECORD))
def test_results_folders(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "records/tiny/mrcl_vit-t6_tiny/vit-t6_linear_stamps/seed0.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    before = sorted(tmp_path.rglob("*"))
    survives(lambda: verify(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def _side(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@FEW
@given(raw=damaged(_side(val_correct=np.ones(50, dtype=np.bool_))))
def test_side_files(tmp_path: Path, raw: bytes) -> None:
    record = Record.model_validate(RECORD)
    (tmp_path / "seed0.per_sample.npz").write_bytes(raw)
    survives(lambda: load_per_sample(tmp_path / "seed0.json", record))


@FUZZ
@given(raw=as_json(CONVERTED))
def test_manifests_of_weights(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "backbone.pth").write_bytes(b"f")
    (tmp_path / "manifest.json").write_bytes(raw)
    found: Any = survives(lambda: read_manifest(tmp_path))
    if found is not None:
        survives(lambda: (found.pretrain_cost, found.course))


@FUZZ
@given(raw=as_json(SET))
def test_manifests_of_data(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(raw)
    found: Any = survives(lambda: read_data_manifest(tmp_path))
    if found is not None:
        assert isinstance(found.sha256, str) and isinstance(found.shapes_fallback, bool)
        assert all(isinstance(part.count, int) for part in found.splits.values())


sources = st.one_of(
    changed(BENCH).map(lambda block: f"bench = {pprint.pformat(block)}".encode(errors="replace")),
    damaged(b"bench = dict(kind='recipe', profiles=['micro'], x=dict(y=-1))\n"),
    values.map(lambda value: f"bench = {value!r}".encode(errors="replace")),
    st.sampled_from(
        [
            b"bench = {[]: 1}", b"bench = dict(**{})", b"bench = {1: 2}", b"bench = " + b"(" * 500,
            b"bench = " + b"-" * 5000 + b"1", b"bench = {**{}}", b"bench = dict(kind={1})",
            b"bench = dict(kind=['recipe'])", b"\0", b"bench = " + b"[" * 90 + b"]" * 90,
        ]
    ),
)  # fmt: skip


@FUZZ
@given(raw=sources)
def test_bench_blocks(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "one.py").write_bytes(raw)
    survives(lambda: Catalog(tmp_path))


def _coco(part: str, **fields: Any) -> bytes:
    """An instances file with some fields of one entry replaced."""
    return json.dumps({**COCO, part: [{**COCO[part][0], **fields}]}).encode()


@FUZZ
@given(raw=as_json(COCO))
@example(raw=_coco("categories", id=[1]))
@example(raw=_coco("categories", name={}))
@example(raw=_coco("images", id={}))
@example(raw=_coco("images", file_name=[]))
@example(raw=_coco("annotations", id=[[]]))
@example(raw=_coco("annotations", image_id=[1]))
@example(raw=_coco("annotations", category_id={"a": 1}))
@example(raw=_coco("annotations", bbox=[0, 0, 10**400, 1], area=10**400))
@example(raw=_coco("annotations", segmentation=[[0, 0, 1, 0, None, 1]]))
def test_instance_files(tmp_path: Path, raw: bytes) -> None:
    report = Report("coco", tmp_path)
    content = read(report, "x.json", raw)
    if content is None:
        assert report.faults
        return
    named(report, "x.json", content["categories"])
    entries(report, "x.json", content)
    json.dumps(report.to_json())


def _weights(suffix: str) -> bytes:
    torch = pytest.importorskip("torch")
    tensors = {"a.weight": torch.ones(3, 4), "a.bias": torch.arange(5)}
    file = io.BytesIO()
    if suffix == ".safetensors":
        from safetensors.torch import save

        return save(tensors)
    if suffix == ".pkl":
        return pickle.dumps({"model": {k: v.numpy() for k, v in tensors.items()}}, protocol=2)
    torch.save(
        {"state_dict": tensors, "epoch": 3},
        file,
        _use_new_zipfile_serialization=suffix == ".pth",
    )
    return file.getvalue()


@pytest.mark.parametrize("suffix", [".pth", ".tar", ".pkl", ".safetensors"])
def test_checkpoints(tmp_path: Path, suffix: str) -> None:
    whole = _weights(suffix)
    from mrcl_bench.checkpoint import load_state_dict

    path = tmp_path / f"weights{'.pth' if suffix == '.tar' else suffix}"
    path.write_bytes(whole)
    assert set(load_state_dict(path)) == {"a.weight", "a.bias"}

    @FUZZ
    @given(raw=damaged(whole))
    def fuzz(raw: bytes) -> None:
        path.write_bytes(raw)
        found: Any = survives(lambda: load_state_dict(path))
        assert found is None or all(tensor.shape is not None for tensor in found.values())

    fuzz()


def test_safetensors_headers(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from mrcl_bench.checkpoint import load_state_dict

    path = tmp_path / "weights.safetensors"
    header = {"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}

    @FUZZ
    @given(content=changed(header) | values, size=st.none() | st.integers(0, 2**64 - 1))
    def fuzz(content: Any, size: int | None) -> None:
        text = json.dumps(content).encode()
        path.write_bytes(
            (len(text) if size is None else size).to_bytes(8, "little") + text + b"\0" * 16
        )
        survives(lambda: load_state_dict(path))

    fuzz()


def test_nothing_is_left_of_a_conversion_that_failed(tmp_path: Path) -> None:
    pytest.importorskip("mmpretrain")
    from mrcl_bench.convert.file import convert_file

    whole = _weights(".pth")
    raw_file, out = tmp_path / "raw.pth", tmp_path / "out"

    @FEW
    @given(raw=damaged(whole))
    def fuzz(raw: bytes) -> None:
        raw_file.write_bytes(raw)
        survives(lambda: convert_file(raw_file, out, recipe="r", algorithm="a"))
        assert not out.exists()  # these weights are no network even where they are whole

    fuzz()
