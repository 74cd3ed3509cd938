"""`mrcl-bench verify`: a sound folder passes, each kind of damage is named, all in one pass."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mrcl_bench.errors import EXIT_FAILED
from mrcl_bench.record import write_record
from mrcl_bench.report.tables import write_tables
from mrcl_bench.verify import verify

from .conftest import Cli
from .factories import make_record, save

ROOT = Path(__file__).resolve().parent.parent
CORRECT = np.array([True, True, False, True])
SIDE = "seed0.per_sample.npz"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A sound results folder: two recipes, two seeds, side files, a kept config, tables."""
    for recipe in ("mrcl_vit-t6_tiny", "mae_vit-t6_tiny"):
        for seed in (0, 1):
            record = make_record(
                recipe=recipe,
                seed=seed,
                metrics={"val/accuracy": 0.75},
                artifacts={"per_sample": f"seed{seed}.per_sample.npz"},
            )
            (path,) = save(tmp_path, record)
            np.savez_compressed(path.with_suffix(".per_sample.npz"), val_correct=CORRECT)
    text = json.dumps({"lr": 0.1}).encode()
    (tmp_path / "results/configs").mkdir()
    (tmp_path / f"results/configs/{hashlib.sha256(text).hexdigest()}.json").write_bytes(text)
    write_tables(tmp_path / "results", "tiny")
    assert verify(tmp_path / "results").problems == ()
    return tmp_path / "results"


def _cell(results: Path) -> Path:
    return results / "records/tiny/mrcl_vit-t6_tiny/vit-t6_linear_stamps"


def _edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _broken_json(results: Path) -> None:
    path = _cell(results) / "seed0.json"
    path.write_bytes(path.read_bytes()[:100])


def _unknown_field(results: Path) -> None:
    _edit(_cell(results) / "seed0.json", lambda content: content.update(more=1))


def _elsewhere(results: Path) -> None:
    (_cell(results) / "seed0.json").rename(_cell(results) / "seed7.json")


def _doubled(results: Path) -> None:
    (_cell(results) / "seed7.json").write_bytes((_cell(results) / "seed0.json").read_bytes())


def _no_hash(results: Path) -> None:
    _edit(_cell(results) / "seed0.json", lambda c: c["data"].update(sha256="none"))  # type: ignore[attr-defined]


def _contradiction(results: Path) -> None:
    _edit(_cell(results) / "seed0.json", lambda content: content.update(status="failed"))


def _metric(results: Path) -> None:
    path = _cell(results) / "seed0.json"
    _edit(path, lambda content: content.update(metrics={"val/accuracy": 0.75001}))


def _side_gone(results: Path) -> None:
    (_cell(results) / SIDE).unlink()


def _side_cut(results: Path) -> None:
    path = _cell(results) / SIDE
    path.write_bytes(path.read_bytes()[:-40])


def _side_flipped(results: Path) -> None:
    np.savez_compressed(_cell(results) / SIDE, val_correct=~CORRECT)


def _side_of_another_kind(results: Path) -> None:
    np.savez_compressed(_cell(results) / SIDE, val_correct=np.array("x"))


def _side_empty(results: Path) -> None:
    np.savez_compressed(_cell(results) / SIDE, other=CORRECT)


def _side_outside(results: Path) -> None:
    artifacts = {"per_sample": "../../../../../../etc/passwd"}
    _edit(_cell(results) / "seed0.json", lambda content: content.update(artifacts=artifacts))


def _stray(results: Path) -> None:
    (_cell(results) / "seed5.per_sample.npz").write_bytes(b"x")


def _no_profile(results: Path) -> None:
    (results / "records/tinny").mkdir()


def _config(results: Path) -> None:
    (path,) = (results / "configs").iterdir()
    path.write_bytes(path.read_bytes() + b" ")


def _table_changed(results: Path) -> None:
    path = results / "tables/tiny/classification.md"
    path.write_text(path.read_text().replace("75.0", "75.1"))


def _table_gone(results: Path) -> None:
    (results / "tables/tiny/classification.csv").unlink()


def _table_too_many(results: Path) -> None:
    (results / "tables/tiny/detection.md").write_text("x")


def _table_without_records(results: Path) -> None:
    (results / "tables/small").mkdir()
    (results / "tables/small/cost.md").write_text("x")


DAMAGE: dict[Callable[[Path], None], tuple[str, str]] = {
    _broken_json: ("seed0.json", "cannot read record"),
    _unknown_field: ("seed0.json", "more: Extra inputs"),
    _elsewhere: ("seed7.json", "which belongs at"),
    _doubled: ("seed7.json", "the same seed is given twice"),
    _no_hash: ("seed0.json", "data.sha256 is 'none'"),
    _contradiction: ("seed0.json", "status is failed"),
    _metric: (SIDE, "val/accuracy is 0.75, seed0.json says 0.75001"),
    _side_gone: (SIDE, "missing"),
    _side_cut: (SIDE, "cannot read"),
    _side_flipped: (SIDE, "val/accuracy is 0.25"),
    _side_of_another_kind: (SIDE, ""),
    _side_empty: (SIDE, "none of the metrics"),
    _side_outside: ("seed0.json", "outside its folder"),
    _stray: ("seed5.per_sample.npz", "no record names this file"),
    _no_profile: ("tinny", "no profile"),
    _config: (".json", "its sha256 is not its name"),
    _table_changed: ("classification.md", "is not what the records give"),
    _table_gone: ("classification.csv", "missing"),
    _table_too_many: ("detection.md", "no record gives this table"),
    _table_without_records: ("tables/small", "no record of profile small"),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__[1:])
def test_damage_is_named(results: Path, damage: Callable[[Path], None]) -> None:
    damage(results)
    file, what = DAMAGE[damage]
    problems = verify(results).problems
    assert any(file in problem and what in problem for problem in problems), problems


def test_everything_is_told_in_one_pass_and_nothing_is_changed(results: Path, cli: Cli) -> None:
    for damage in (_broken_json, _config, _table_without_records, _no_profile):
        damage(results)
    path = results / "records/tiny/mae_vit-t6_tiny/vit-t6_linear_stamps/seed1.per_sample.npz"
    path.unlink()
    before = {file: file.read_bytes() for file in results.rglob("*") if file.is_file()}
    done = cli("verify")
    assert done.returncode == EXIT_FAILED
    assert "Traceback" not in done.stderr
    told = done.stderr.replace("\n", " ")
    for part in (
        "cannot read record", "not its name", "no record of profile", "no profile",
        "seed1.per_sample.npz", "not compared",
    ):  # fmt: skip
        assert part in told, part
    assert before == {file: file.read_bytes() for file in results.rglob("*") if file.is_file()}


def test_statistics_are_compared_too(results: Path, cli: Cli) -> None:
    assert cli("compare", "--statistics").returncode == 0
    assert cli("verify").returncode == 0
    path = results / "statistics/tiny.csv"
    path.write_text(path.read_text() + "x\n")
    assert any(str(path) in problem for problem in verify(results).problems)


def test_a_record_steers_no_terminal(results: Path, cli: Cli) -> None:
    record = make_record(seed=3, data={"sha256": "\x1b[2J"})
    write_record(_cell(results) / "seed3.json", record)
    done = cli("verify")
    assert done.returncode == EXIT_FAILED
    assert "\x1b[2J" not in done.stderr + done.stdout


def test_the_folder_of_a_profile_stands_for_the_whole(results: Path) -> None:
    assert verify(results / "records/tiny") == verify(results)


def test_the_committed_results_are_sound_and_need_no_torch() -> None:
    code = (
        "import sys\nfrom mrcl_bench.cli.main import main\n"
        f"sys.argv = ['mrcl-bench', 'verify', {str(ROOT / 'results')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print([m for m in ('torch', 'mmengine', 'mmcv', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["all sound", "[]"]
    assert re.search(r", [1-9]\d* recomputed metrics", done.stdout)
