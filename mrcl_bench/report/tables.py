"""The table files of a profile: rendered from records alone, so that they can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..atomic import write_text
from ..compare import Matrix, Results, Summary, build, load, summarise
from ..compare.matrix import Expected
from ..compare.pairs import compare_methods
from ..errors import BenchError
from ..record import Record
from . import ablations, comparisons, csv, markdown
from .views import View, newest_costs, views

FILES = (
    "classification",
    "detection",
    "segmentation",
    "ablations",
    "cost",
    "summary",
    "comparisons",
    "course",
)
"""Stems of the table files; each is written as ``.md``, and all but the last as ``.csv``."""


@dataclass(frozen=True)
class Analysis:
    """What one profile's records give, before any view.

    Attributes:
        records: The profile's records.
        matrices: See `mrcl_bench.compare.build`.
        summaries: See `mrcl_bench.compare.summarise`.
    """

    records: Sequence[Record]
    matrices: tuple[Matrix, ...]
    summaries: tuple[Summary, ...]


def analyse(records: Sequence[Record], expected: Expected | None = None) -> Analysis:
    """Arranges a profile's records once, for all that is shown and written."""
    matrices = build(records, expected)
    return Analysis(records, matrices, summarise(matrices))


def profile_views(
    profile: str,
    records: Sequence[Record] | Analysis,
    expected: Expected | None = None,
    with_published: bool = False,
) -> dict[str, list[View]]:
    """Returns a profile's views by table file, in the order of `FILES`."""
    known = records if isinstance(records, Analysis) else analyse(records, expected)
    found = views(profile, known.matrices, known.summaries, known.records, with_published)
    return {stem: found[stem] for stem in FILES if found.get(stem)}


def render_tables(
    profile: str, records: Sequence[Record] | Analysis, expected: Expected | None = None
) -> dict[str, str]:
    """Renders every table file of a profile; the same records give the same text.

    Args:
        profile: The records' profile.
        records: Checked records, see `mrcl_bench.compare.load`, or what `analyse` made of them.
        expected: Seeds of a full run by (recipe, protocol); by default the seeds seen.

    Returns:
        File name to text. A task without records has no file.
    """
    known = records if isinstance(records, Analysis) else analyse(records, expected)
    shown = profile_views(profile, known)
    texts = {f"{stem}.md": markdown.render(found) for stem, found in shown.items()}
    matrices, summaries = known.matrices, known.summaries
    for task in dict.fromkeys(matrix.task for matrix in matrices):
        rows = [row for m in matrices if m.task == task for row in csv.task_rows(m)]
        texts[f"{task}.csv"] = csv.render(rows, csv.COLUMNS)
    costs = newest_costs(known.records)
    texts["cost.csv"] = csv.render(
        [row for summary in summaries for row in csv.cost_rows(summary, costs)], csv.COST_COLUMNS
    )
    texts["summary.csv"] = csv.render(
        [row for summary in summaries for row in csv.summary_rows(summary)], csv.SUMMARY_COLUMNS
    )
    if "comparisons" in shown:
        rows = [row for s in summaries for c in compare_methods(s) for row in comparisons.rows(c)]
        texts["comparisons.csv"] = csv.render(rows, comparisons.COLUMNS)
    if "ablations" in shown:
        rows = [row for m in matrices for row in ablations.rows(m)]
        texts["ablations.csv"] = csv.render(rows, ablations.COLUMNS)
    return dict(sorted(texts.items()))


def write_tables(
    results: Path | Results,
    profile: str,
    expected: Expected | None = None,
    analysis: Analysis | None = None,
) -> list[Path]:
    """Writes ``results/tables/<profile>/*.{md,csv}`` atomically; stale table files are removed.

    Args:
        results: The results folder, or what `load` read from it.
        profile: The profile.
        expected: See `render_tables`.
        analysis: What `analyse` made of the profile's records, where that is known already.

    Returns:
        The files, sorted.

    Raises:
        BenchError: A record file cannot be used; tables that silently lack it are not written.
    """
    loaded = results if isinstance(results, Results) else load(results, profile)
    if loaded.problems:
        raise BenchError(
            f"tables of profile '{profile}' not written, because of {len(loaded.problems)} bad "
            "record file(s): " + " ".join(problem.what for problem in loaded.problems),
            "Mend or delete them first.",
        )
    texts = render_tables(profile, analysis or loaded.of(profile), expected)
    folder = loaded.root / "tables" / profile
    for stem in FILES:
        for name in (f"{stem}.md", f"{stem}.csv"):
            if name not in texts:
                (folder / name).unlink(missing_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]
