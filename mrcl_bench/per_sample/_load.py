"""Finds and reads the per-sample results of a record."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BenchError
from ..record import Record
from ._classification import Classification
from ._detection import Detection
from ._segmentation import Segmentation
from ._table import Arrays, Table

ARTIFACT = "per_sample"
SPLITS = ("val", "novel")
_KINDS: tuple[type[Classification] | type[Detection] | type[Segmentation], ...] = (
    Classification,
    Detection,
    Segmentation,
)


class PerSample:
    """The per-sample results of one record.

    Args:
        record: The record.
        arrays: The arrays of its side file.
    """

    def __init__(self, record: Record, arrays: Arrays) -> None:
        self._record = record
        self._arrays = arrays
        self._tables: dict[str, Table] = {}
        for split in SPLITS:
            for kind in _KINDS:
                table = kind.read(arrays, split)
                for metric in table.metrics if table is not None else ():
                    if table is not None and f"{split}/{metric}" in record.metrics:
                        self._tables[f"{split}/{metric}"] = table

    def keys(self) -> tuple[str, ...]:
        """Returns those of the record's metrics that can be recomputed, e.g. ``val/accuracy``."""
        return tuple(self._tables)

    def size(self, key: str) -> int:
        """Returns the number of images behind a metric."""
        return self._tables[key].size

    def value(self, key: str, weights: NDArray[np.int64] | None = None) -> float:
        """Recomputes a metric.

        Args:
            key: One of `keys`.
            weights: How often each image counts (N,), as a resample drew it; None: each once.

        Returns:
            The metric at full precision, a fraction; NaN where these images leave it undefined.

        Raises:
            ValueError: The weights are not N counts of which one is positive.
        """
        table = self._tables[key]
        if weights is None:
            return table.value(key.split("/", 1)[1], np.ones(table.size, dtype=np.int64))
        if weights.shape != (table.size,) or not np.issubdtype(weights.dtype, np.integer):
            raise ValueError(f"{key} needs {table.size} integer weights")
        if weights.min(initial=0) < 0 or not weights.any():
            raise ValueError(f"{key}: weights are counts, and one at least is positive")
        return table.value(key.split("/", 1)[1], weights.astype(np.int64, copy=False))

    def images_sha(self, key: str) -> str:
        """Returns an identity of the images and their order: equal where results can be paired.

        Every adapter evaluates a split in the order of the data set, so the data and the split
        say which images they are; where labels are kept, they are hashed too.
        """
        table = self._tables[key]
        data, split = self._record.data, key.split("/", 1)[0]
        what = [data.id, data.sha256, self._record.protocol.task, split, table.size]
        return hashlib.sha256(json.dumps(what).encode() + table.truth()).hexdigest()

    def correct(self, key: str) -> NDArray[np.bool_] | None:
        """Returns each image's correctness where the metric is its mean; None for others."""
        split, metric = key.split("/", 1)
        found = self._arrays.get(f"{split}_correct") if metric == "accuracy" else None
        return None if found is None else found.astype(np.bool_)

    def scores(self, split: str) -> NDArray[np.float32] | None:
        """Returns the probability of each image's true class, where it is kept."""
        found = self._arrays.get(f"{split}_score")
        return None if found is None else found.astype(np.float32)


def load(record_path: Path, record: Record) -> PerSample | None:
    """Reads the per-sample results of a record.

    Args:
        record_path: The record's file; its side files lie beside it.
        record: What it holds.

    Returns:
        The results; None where the record names none.

    Raises:
        BenchError: The file that the record names is missing or damaged.
    """
    name = record.artifacts.get(ARTIFACT)
    if name is None:
        return None
    path = record_path.parent / name
    try:
        with np.load(path) as stored:
            return PerSample(record, {key: stored[key] for key in stored.files})
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchError(
            f"cannot read {path}, the per-sample results of {record_path.name}: {error}.",
            f"Put it back, or run the job again: {record.command}",
        ) from None
