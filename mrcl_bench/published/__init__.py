"""Published numbers with their sources, by the protocol here that they belong to.

``numbers.csv`` has a line for each number whose source states the protocol of a file under
``mm_configs/``: same data, head, schedule and input. Numbers under other protocols are left
out, however close. None of the MRCL paper (arXiv:2211.09013) is known, so none is there.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SourceKind = Literal["official_repo", "reproduction", "paper_text"]
KINDS: dict[SourceKind, str] = {
    "official_repo": "authors' repository",
    "reproduction": "reproduction by others",
    "paper_text": "text of a paper",
}


class Published(BaseModel):
    """One published number.

    Attributes:
        family: The protocol's family here.
        backbone: The backbone's label here.
        data: Id of the data set that was evaluated on.
        metric: Metric without split, e.g. ``bbox_mAP``.
        method: The source's method.
        variant: What sets the run apart from others of the method, if anything.
        pretrain_epochs: None where the source does not say.
        batch_size: Of pretraining; None where the source does not say.
        percent: The number as printed, in percent.
        source_kind: Who says so.
        source: Repository and file, or paper and table.
        protocol: The source's protocol.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    backbone: str
    data: str
    metric: str
    method: str
    variant: str
    pretrain_epochs: int | None
    batch_size: int | None
    percent: float = Field(gt=0, lt=100)
    source_kind: SourceKind
    source: str = Field(min_length=1)
    protocol: str = Field(min_length=1)


@dataclass(frozen=True)
class Entry:
    """All that is published of one pretraining: a row.

    Attributes:
        label: Method, epochs and variant.
        numbers: By (family, metric); more than one where sources disagree.
    """

    label: str
    numbers: dict[tuple[str, str], tuple[Published, ...]]


@lru_cache(maxsize=1)
def load_published() -> tuple[Published, ...]:
    """Reads the shipped numbers, in the file's order."""
    text = (files(__name__) / "numbers.csv").read_text(encoding="utf-8")
    return tuple(
        Published.model_validate({key: value or None for key, value in row.items()} | _texts(row))
        for row in csv.DictReader(text.splitlines())
    )


def entries(
    backbone: str, protocols: Iterable[tuple[str, str]], numbers: Iterable[Published] | None = None
) -> tuple[Entry, ...]:
    """Gathers what is published under some protocols.

    Args:
        backbone: The backbone's label.
        protocols: Family and data id of each protocol.
        numbers: By default, all that are shipped.

    Returns:
        One entry per method, epochs and variant, by label.
    """
    wanted = set(protocols)
    rows: dict[str, dict[tuple[str, str], list[Published]]] = defaultdict(lambda: defaultdict(list))
    for number in load_published() if numbers is None else numbers:
        if number.backbone == backbone and (number.family, number.data) in wanted:
            rows[_label(number)][number.family, number.metric].append(number)
    return tuple(
        Entry(label, {key: tuple(found) for key, found in rows[label].items()})
        for label in sorted(rows, key=_natural)
    )


def _label(number: Published) -> str:
    epochs = f"{number.pretrain_epochs} e" if number.pretrain_epochs else ""
    return ", ".join(part for part in (number.method, epochs, number.variant) if part)


def _natural(label: str) -> list[tuple[int, str]]:
    """Sorts 100 e before 1000 e, and 800 e between."""
    words = label.replace(",", "").split()
    return [(int(word), "") if word.isdigit() else (0, word) for word in words]


def _texts(row: dict[str, str]) -> dict[str, str]:
    return {"variant": row["variant"]}
