"""A family of protocols over backbones: side by side, never ranked against each other."""

from __future__ import annotations

from collections.abc import Sequence

from ..compare import Column, Matrix
from . import text
from .views import Head, Row, View, cell_text


def across(profile: str, matrices: Sequence[Matrix]) -> list[View]:
    """Returns a table for each family and metric that more than one backbone has.

    A block is one protocol config on one data set; it holds one backbone, for which the config is
    made. Marks are those within the block.
    """
    families: dict[tuple[str, str, str], list[tuple[Matrix, Column]]] = {}
    for matrix in matrices:
        for column in matrix.columns:
            if column.main:
                key = (matrix.task, column.protocol.family, column.key)
                families.setdefault(key, []).append((matrix, column))
    return [
        _view(profile, family, found)
        for (_, family, _), found in families.items()
        if len({matrix.backbone for matrix, _ in found}) > 1
    ]


def _view(profile: str, family: str, found: Sequence[tuple[Matrix, Column]]) -> View:
    first = found[0][1]
    rows = [
        Row(
            f"{matrix.backbone}: {matrix.labels[recipe.name]}",
            (cell_text(column, recipe.name),),
            block=f"{matrix.backbone}, {column.data.id}, protocol "
            f"{column.protocol.config_sha256[:8]}, data {column.data.sha256[:8]}",
        )
        for matrix, column in found
        for recipe in matrix.recipes
    ]
    columns = [column for _, column in found]
    return View(
        f"Family {family} over backbones, profile {profile}",
        "backbone: recipe",
        (Head(first.label, text.metric_title(first)),),
        tuple(rows),
        (text.ACROSS, *text.legend(columns), *text.data_notes(columns)),
    )
