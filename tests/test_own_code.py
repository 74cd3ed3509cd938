"""The hash of the code behind a result: it sees what a worker runs, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mrcl_bench import own_code
from mrcl_bench.catalog import Catalog
from mrcl_bench.engine.request import Request
from mrcl_bench.own_code import code_sha256, sources
from mrcl_bench.record import read_record
from mrcl_bench.spec import Job, Protocol, Recipe
from mrcl_bench.workspace import Workspace

from .conftest import MICRO_CONFIGS, Cli, manifest_of
from .toy import Toy

RANDOM = "random_vit-128x4_0e_micro"
RUN = """
import json, sys
from pathlib import Path
import mrcl_bench
from mrcl_bench.engine.worker import main
codes = [main(request) for request in sys.argv[2:]]
root = Path(mrcl_bench.__file__).parent
loaded = [m.__file__ for name, m in sys.modules.items() if name.split(".")[0] == "mrcl_bench"]
names = [Path(file).relative_to(root).as_posix() for file in loaded]
Path(sys.argv[1]).write_text(json.dumps([codes, names]))
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source in which a test may write."""
    whole = tmp_path / "mrcl_bench"
    ignored = shutil.ignore_patterns("__pycache__", "*.json")
    shutil.copytree(own_code._ROOT, whole, ignore=ignored)
    monkeypatch.setattr(own_code, "_ROOT", whole)
    return whole


@pytest.fixture
def specs(micro_catalog: Catalog) -> dict[str, Recipe | Protocol]:
    """A pretraining, and protocols of two tasks."""
    judged = {
        name: micro_catalog.select_protocols("micro", [name])[0] for name in ("knn", "upernet")
    }
    return {"pretrain": micro_catalog.recipe(RANDOM), **judged}


@pytest.mark.parametrize(
    ("changed", "seen_by"),
    [
        ("jobs/knn.py", {"knn"}),
        ("jobs/neighbours.py", {"knn"}),
        ("jobs/train_eval.py", {"upernet"}),
        ("convert/simsiam.py", {"pretrain"}),
        ("pretrain.py", {"pretrain"}),
        ("models/mrcl.py", {"pretrain", "knn", "upernet"}),
        ("augment/kernels.py", {"pretrain", "knn", "upernet"}),
        ("engine/runtime.py", {"pretrain", "knn", "upernet"}),
        ("compare/matrix.py", set()),
        ("report/views.py", set()),
        ("cli/run.py", set()),
    ],
)
def test_a_change_is_seen_by_what_runs_it_and_by_nothing_else(
    copy: Path, specs: dict[str, Recipe | Protocol], changed: str, seen_by: set[str]
) -> None:
    before = {name: code_sha256(spec) for name, spec in specs.items()}
    assert before == {name: code_sha256(spec) for name, spec in specs.items()}
    with (copy / changed).open("a") as file:
        file.write("# another line\n")
    assert {name for name, spec in specs.items() if code_sha256(spec) != before[name]} == seen_by


def _plumbing() -> set[str]:
    """What a worker loads whatever it is to do: all that does not come by one of the two ways."""
    found = {"pretrain.py", "jobs/evaluate.py"}
    waiting = ["engine/worker.py"]
    while waiting:
        name = waiting.pop()
        if name not in found and (own_code._ROOT / name).is_file():
            found.add(name)
            waiting += own_code._imports(name, (own_code._ROOT / name).read_bytes())
    return found


@pytest.mark.slow
def test_whatever_a_worker_loads_is_in_it(
    micro_workspace: Workspace, micro_catalog: Catalog, tmp_path: Path
) -> None:
    """A pretraining and jobs of two kinds, in a process that loads nothing else."""
    pytest.importorskip("mmseg")
    recipe = micro_catalog.recipe(RANDOM)
    judged = micro_catalog.select_protocols("micro", ["knn", "upernet"])
    root = micro_workspace.root
    common = {"profile": "micro", "recipe": recipe, "root": root}
    requests = [Request.model_validate({"kind": "pretrain", **common})]
    for protocol in judged:
        job = Job(profile="micro", recipe=recipe, protocol=protocol, seed=0)
        requests.append(Request.model_validate({"kind": "evaluate", "jobs": [job], **common}))
    paths = []
    for place, request in enumerate(requests):
        paths.append(tmp_path / f"asked{place}/request.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(request.model_dump_json())
    told = tmp_path / "loaded.json"
    subprocess.run([sys.executable, "-c", RUN, told, *paths], check=True, timeout=550)
    codes, loaded = json.loads(told.read_text())
    assert codes == [0] * len(requests)
    known = set(sources(recipe)).union(*map(sources, judged))
    assert set(loaded) - known - _plumbing() == set()
    assert manifest_of(micro_workspace.checkpoint_dir("micro", RANDOM)).code_sha256 == code_sha256(
        recipe
    )
    for protocol in judged:
        path = micro_workspace.record_path("micro", RANDOM, protocol.name, 0)
        assert read_record(path).environment.code_sha256 == code_sha256(protocol)


def _finish(toy: Toy, **other: str | None) -> None:
    """Leaves checkpoints and records that today's code made, but for those that are named."""
    pytest.importorskip("mmengine")
    catalog = toy.catalog
    for name in ("mine", "theirs"):
        toy.pretrained(name)
        path = toy.workspace.checkpoint_dir("micro", name) / "manifest.json"
        manifest = json.loads(path.read_text())
        code = other.get(name, code_sha256(catalog.recipe(name)))
        manifest["pretrain"]["environment"] = {"code_sha256": code}
        path.write_text(json.dumps(manifest))
        for judge in ("probe", "tune"):
            code = other.get(judge, code_sha256(catalog.protocol(judge)))
            for seed in (0, 1):
                toy.record(name, judge, seed, environment={"code_sha256": code})


def _to_do(toy: Toy, changed_code: bool) -> dict[tuple[str, str], str]:
    planner = toy.planner
    planner.changed_code = changed_code
    plan = planner.plan([], [])
    return {
        (s.recipe.name, s.job.protocol.name): s.reason for s in plan.jobs if s.state != "done"
    } | {(s.recipe.name, ""): s.reason for s in plan.needed_pretrainings()}


def test_nothing_runs_where_the_code_is_todays(toy: Toy) -> None:
    _finish(toy)
    assert _to_do(toy, changed_code=True) == {}


def test_jobs_of_other_code_run_again_and_only_those(toy: Toy) -> None:
    _finish(toy, probe="0" * 64)
    assert _to_do(toy, changed_code=True) == {
        ("mine", "probe"): "code changed",
        ("theirs", "probe"): "code changed",
    }
    assert _to_do(toy, changed_code=False) == {}


def test_a_pretraining_of_other_code_runs_again_with_its_jobs(toy: Toy) -> None:
    _finish(toy, mine="0" * 64)
    why = "pretraining code changed"
    assert _to_do(toy, changed_code=True) == {
        ("mine", "probe"): why,
        ("mine", "tune"): why,
        ("mine", ""): why,
    }
    assert _to_do(toy, changed_code=False) == {}


def test_what_does_not_say_by_which_code_counts_as_other(toy: Toy) -> None:
    _finish(toy, tune=None)
    assert set(_to_do(toy, changed_code=True).values()) == {
        "code is not known: from before its hash was kept"
    }
    assert _to_do(toy, changed_code=False) == {}


def test_the_option_of_the_command(toy: Toy, cli: Cli) -> None:
    _finish(toy, probe="0" * 64)
    words = ("plan", "--profile", "micro", "--configs", "configs")
    assert "0 of 8 jobs to do" in cli(*words).stdout
    shown = cli(*words, "--changed-code").stdout
    assert "4 of 8 jobs to do" in shown and "code changed" in shown


@pytest.mark.slow
def test_a_worker_does_it_again(micro_root: Path, tmp_path: Path, cli: Cli) -> None:
    """It is no worker's business to find that the record is there."""
    pytest.importorskip("mmpretrain")
    words = ("run", "--profile", "micro", "--configs", str(MICRO_CONFIGS), "--recipe", RANDOM)
    words += ("--protocol", "knn", "--seed", "0", "--jobs", "1")
    assert cli(*words, MRCL_BENCH_DATA=micro_root).returncode == 0
    (path,) = (tmp_path / "results/records").rglob("seed0.json")
    manifest = tmp_path / f"checkpoints/micro/{RANDOM}/manifest.json"
    for file in (path, manifest):
        text = file.read_text()
        assert (found := re.search(r'"code_sha256": "(\w{64})"', text)) is not None
        file.write_text(text.replace(found[1], "0" * 64))
    done = cli(*words, "--changed-code", MRCL_BENCH_DATA=micro_root)
    assert done.returncode == 0, done.stderr
    assert "0" * 64 not in path.read_text() + manifest.read_text()
