"""``cluster.toml``: what it says reaches sbatch, and what nothing reads is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.cluster.settings import Cluster, read_cluster
from mrcl_bench.cluster.submit import parameters
from mrcl_bench.engine.layout import Layout
from mrcl_bench.errors import EXIT_USAGE, BenchError

FILE = """
partition = "gpu"
account = "vision"
time = "1-00:00:00"
options = {reservation = "night"}
setup = ["module load cuda"]

[train]
time = 90
cpus = 16
memory = "64G"
options = {exclude = "node7"}

[probe]
gpus = 1
partition = "small"
"""


def _read(folder: Path, text: str) -> Cluster:
    (folder / "cluster.toml").write_text(text)
    return read_cluster(None, folder)


def _refused(folder: Path, text: str) -> str:
    with pytest.raises(BenchError) as caught:
        _read(folder, text)
    assert caught.value.exit_code == EXIT_USAGE
    return str(caught.value)


def test_a_stage_adds_to_what_holds_for_all(tmp_path: Path) -> None:
    cluster = _read(tmp_path, FILE)
    assert cluster.ask("pretrain").time == "1-00:00:00"
    train = cluster.ask("train")
    assert (train.partition, train.time, train.memory) == ("gpu", 90, "64G")
    assert train.options == {"reservation": "night", "exclude": "node7"}
    assert cluster.ask("probe").partition == "small"


def test_it_reaches_sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRCL_BENCH_DATA", "/big disk")
    cluster = _read(tmp_path, FILE)
    asked = cluster.ask("train").model_copy(update={"gpus": 8})
    made = parameters(asked, cluster, Layout(launcher="pytorch", gpus=8, nodes=4))
    assert made["partition"] == "gpu"
    assert (made["nodes"], made["ntasks_per_node"], made["gpus_per_node"]) == (4, 1, 8)
    assert made["cpus_per_task"] == 16
    further = made["additional_parameters"]
    assert further["mem"] == "64G"
    assert further["signal"] == "USR1@120"
    assert further["reservation"] == "night"
    assert made["setup"][-1] == "module load cuda"
    assert "export MRCL_BENCH_DATA='/big disk'" in made["setup"]


def test_srun_as_launcher_has_a_task_per_process(tmp_path: Path) -> None:
    cluster = _read(tmp_path, "cpus = 32\ngpus = 8\n")
    made = parameters(cluster.ask("pretrain"), cluster, Layout(launcher="slurm", gpus=8, nodes=2))
    assert (made["ntasks_per_node"], made["cpus_per_task"], made["gpus_per_node"]) == (8, 4, 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("partitoin = 'x'", "Did you mean partition"),
        ("[pretrian]\n", "Did you mean pretrain"),
        ("[train]\nmemmory = '1G'", "Did you mean memory"),
        ("time = 'soon'", "time: "),
        ("memory = '12 GB'", "memory: "),
        ("[probe]\ngpus = -1", "probe.gpus"),
        ("gpus = '8'", "gpus: "),
        ("options = {array = '0-3'}", "set by mrcl-bench itself"),
        ("partition = ", "cannot read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in _refused(tmp_path, text)


def test_without_a_file_all_is_the_clusters_own(tmp_path: Path) -> None:
    assert read_cluster(None, tmp_path) == Cluster()
    with pytest.raises(BenchError, match="cannot read"):
        read_cluster(tmp_path / "mine.toml", tmp_path)
