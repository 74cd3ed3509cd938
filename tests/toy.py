"""A matrix of two toy recipes x two toy protocols that needs neither training nor torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mrcl_bench.atomic import sha256_file, write_json
from mrcl_bench.catalog import Catalog
from mrcl_bench.plan import Plan, Planner
from mrcl_bench.record import Record, write_record
from mrcl_bench.resolve import config_sha256, load_config
from mrcl_bench.workspace import Workspace

from .factories import make_record, sha

RECIPE = """bench = dict(
    kind="recipe", algorithm={algorithm!r}, display={algorithm!r}, backbone="toy",
    profiles=["micro"], data="own:toy", role="method", source="mmpretrain",
)
optim_wrapper = dict(lr = 0.1)
"""
PROTOCOL = """bench = dict(
    kind="protocol", task="classification", adapter="knn", family={family!r}, display={family!r},
    backbone="toy", profiles=["micro"], data="own:toy", main_metric="val/accuracy", seeds=2,
    batched={batched},
)
knn = dict(k = 5)
"""


class Toy:
    """A workspace with configs ``mine``, ``theirs`` (recipes), ``probe``, ``tune`` (protocols)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = Workspace(root)
        self.configs = root / "configs"
        self.configs.mkdir()
        (root / "data/toy").mkdir(parents=True)
        (root / "data/toy/picture.txt").write_text("one")
        for name in ("mine", "theirs"):
            self.write(name, RECIPE.format(algorithm=name))
        self.write("probe", PROTOCOL.format(family="probe", batched=True))
        self.write("tune", PROTOCOL.format(family="tune", batched=False))

    def write(self, name: str, text: str) -> Path:
        """Writes a config."""
        path = self.configs / f"{name}.py"
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces a piece of a config."""
        path = self.configs / f"{name}.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @property
    def catalog(self) -> Catalog:
        """The configs as they are now."""
        return Catalog(self.configs)

    @property
    def planner(self) -> Planner:
        """A fresh planner."""
        return Planner(self.workspace, self.catalog, "micro")

    def plan(self, **options: Any) -> Plan:
        """A fresh plan of the whole matrix."""
        return self.planner.plan(**{"recipes": [], "protocols": [], **options})

    def pretrained(self, recipe: str, weights: str = "w") -> None:
        """Leaves a checkpoint as a finished pretraining would."""
        folder = self.workspace.checkpoint_dir("micro", recipe)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "backbone.pth").write_text(weights)
        planner = self.planner
        data = planner.data("own:toy")
        write_json(
            folder / "manifest.json",
            {
                "recipe": recipe,
                "algorithm": recipe,
                "source_format": "mmpretrain",
                "source_sha256": sha("raw " + weights),
                "weights_sha256": sha(weights),
                "file_sha256": sha256_file(folder / "backbone.pth"),
                "architecture": {"label": "toy", "type": "other"},
                "normalisation": {"mean": [0, 0, 0], "std": [1, 1, 1], "channel_order": "rgb"},
                "keys": {"loaded": 1},
                "pretrain": {
                    "recipe_sha256": self.hash_of(recipe),
                    "data_sha256": data.sha256,  # type: ignore[union-attr]
                    "cost": {"images_seen": 1, "seconds": 1.0, "peak_memory_mib": 1.0},
                },
                "created": "2026-01-01T00:00:00+00:00",
            },
        )

    def hash_of(self, name: str) -> str:
        """The hash of a config as it is now."""
        return config_sha256(load_config(self.configs / f"{name}.py"))

    def record(self, recipe: str, protocol: str, seed: int, **overrides: Any) -> Path:
        """Leaves a record as a finished job would."""
        planner = self.planner
        spec, judge = planner.catalog.recipe(recipe), planner.catalog.protocol(protocol)
        record = make_record(
            profile="micro",
            seed=seed,
            recipe={
                "name": recipe,
                "algorithm": spec.algorithm,
                "display": spec.display,
                "backbone": "toy",
                "config_sha256": self.hash_of(recipe),
            },
            protocol={
                "name": protocol,
                "family": judge.family,
                "display": judge.display,
                "config_sha256": self.hash_of(protocol),
            },
            checkpoint={"sha256": sha("w"), "source_sha256": sha("raw w")},
            data={"id": "own:toy", "sha256": planner.data("own:toy").sha256},
            **overrides,
        )
        path = self.workspace.record_path("micro", recipe, protocol, seed)
        write_record(path, record)
        return path

    def finish(self) -> None:
        """Leaves all checkpoints and records of the matrix."""
        for recipe in ("mine", "theirs"):
            self.pretrained(recipe)
            for protocol in ("probe", "tune"):
                for seed in (0, 1):
                    self.record(recipe, protocol, seed)

    def read(self, recipe: str, protocol: str, seed: int) -> Record:
        """Reads a record."""
        from mrcl_bench.record import read_record

        return read_record(self.workspace.record_path("micro", recipe, protocol, seed))
