"""Records compared, as JSON: every cell at full precision with its state, and the tables shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..compare import Matrix, Summary
from ..record import Record
from . import csv, published
from .views import View, newest_costs

SCHEMA_VERSION = 1


def document(
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Sequence[Record],
    views: Mapping[str, Sequence[View]],
    with_published: bool = False,
) -> dict[str, Any]:
    """Returns one profile's comparison as JSON types.

    Args:
        matrices: The profile's matrices.
        summaries: Their summaries.
        records: The profile's records.
        views: The tables as shown, by stem.
        with_published: Whether published numbers stand among the cells.

    Returns:
        ``cells``, ``summary``, ``costs`` and ``published``, with the keys of the CSV tables and
        ``values`` by seed; ``remarks``; and ``tables``, the rounded text that other formats show.
    """
    costs = newest_costs(records)
    return {
        "cells": [row for matrix in matrices for row in _cells(matrix)],
        "summary": [row for summary in summaries for row in csv.summary_rows(summary)],
        "mean_ranks": [
            {
                "backbone": summary.backbone,
                "recipe": recipe,
                "mean_rank": summary.mean_rank(recipe),
                "ranked_columns": sum(rank is not None for rank in ranks),
                "columns": len(ranks),
            }
            for summary in summaries
            for recipe, ranks in summary.ranks.items()
        ],
        "costs": [row for summary in summaries for row in csv.cost_rows(summary, costs)],
        "published": [row for matrix in matrices for row in published.csv_rows(matrix)]
        if with_published
        else [],
        "remarks": [remark for matrix in matrices for remark in matrix.remarks],
        "tables": {stem: [asdict(view) for view in found] for stem, found in views.items()},
    }


def render(profiles: Mapping[str, Mapping[str, Any]], problems: Iterable[str] = ()) -> str:
    """Returns the documents of all profiles as JSON text that ends in a newline.

    Args:
        profiles: Profile to `document`.
        problems: Record files that were left out, as text.
    """
    whole = {
        "schema_version": SCHEMA_VERSION,
        "profiles": profiles,
        "left_out": list(problems),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _cells(matrix: Matrix) -> list[dict[str, Any]]:
    rows = csv.task_rows(matrix)
    cells = [c.cells[recipe.name] for c in matrix.columns for recipe in matrix.recipes]
    cells += [apart.cell for apart in matrix.apart]
    return [
        row | {"values": list(cell.values), "failures": list(cell.failures), "mark": cell.mark}
        for row, cell in zip(rows, cells, strict=True)
    ]
