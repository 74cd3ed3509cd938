"""Configs from elsewhere are Python: none runs before the user says that it is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.catalog import config_root, load_catalog
from mrcl_bench.errors import EXIT_USAGE, BenchError
from mrcl_bench.trust import VARIABLE

from .conftest import Cli
from .factories import example, save

CONFIG = """
open({canary!r}, "w").close()
bench = dict(kind="protocol", task="classification", adapter="knn", family="canary",
             display="Canary", backbone="vit-128x4", profiles=["tiny"], data="stamps",
             main_metric="val/accuracy", seeds=1)
"""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """The file that the config in ``mine/`` makes when it is executed."""
    (tmp_path / "mine").mkdir()
    fired = tmp_path / "fired"
    (tmp_path / "mine/canary.py").write_text(CONFIG.format(canary=str(fired)))
    return fired


COMMANDS = (
    ["plan", "--protocol", "canary"],
    ["run", "--protocol", "canary"],
    ["pretrain"],
    ["status", "-p", "tiny"],
    ["eval", "cls", "--protocol", "canary"],
    ["rehearse", "canary", "-p", "tiny"],
    ["explain", "{recipe}", "{protocol}"],
    ["diff", "{cell}", "{cell}"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_command_runs_a_config_that_is_not_trusted(
    cli: Cli, canary: Path, tmp_path: Path, command: list[str]
) -> None:
    record = example()[0]
    save(tmp_path, record)
    recipe, protocol = record.recipe.name, record.protocol.name
    cell = f"{record.profile}/{recipe}/{protocol}"
    words = [word.format(recipe=recipe, protocol=protocol, cell=cell) for word in command]
    done = cli(*words, "--configs", "mine", **{VARIABLE: ""})
    assert done.returncode == EXIT_USAGE, done.stderr
    assert "--trust-config" in done.stderr and "Python" in done.stderr
    assert "Traceback" not in done.stderr
    assert not canary.exists()


def test_the_flag_and_the_variable_let_it_run(cli: Cli, canary: Path) -> None:
    words = ("explain", "no", "such", "--configs", "mine")
    done = cli(*words, "--trust-config", **{VARIABLE: ""})
    assert "trust" not in done.stderr
    done = cli(*words, **{VARIABLE: "1"})
    assert "trust" not in done.stderr


def test_what_resolves_a_config_asks_too(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a worker or a library call names the file itself."""
    pytest.importorskip("mmengine")
    from mrcl_bench.resolve import load_config

    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(BenchError, match="--trust-config") as caught:
        load_config(tmp_path / "mine/canary.py")
    assert caught.value.exit_code == EXIT_USAGE
    assert not canary.exists()
    monkeypatch.setenv(VARIABLE, "1")
    load_config(tmp_path / "mine/canary.py")
    assert canary.exists()  # so the canary would have fired above


def test_shipped_configs_need_no_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mmengine")
    from mrcl_bench.resolve import load_spec

    monkeypatch.setenv(VARIABLE, "")
    catalog = load_catalog()
    assert load_spec(next(iter(catalog.protocols.values())))
    with pytest.raises(BenchError, match="configs from elsewhere"):
        load_catalog(config_root().parent)


def test_listing_reads_the_syntax_tree_alone(canary: Path, tmp_path: Path) -> None:
    assert "canary" in load_catalog(tmp_path / "mine").protocols
    assert not canary.exists()
