"""Writes ``results/configs/<sha256>.json`` for the records whose config still is in mm_configs.

    python tools/keep_configs.py [RESULTS]

New runs keep their configs by themselves; this is for records from before. What was changed since
is named and left alone: it cannot be had again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.kept_configs import keep, read  # noqa: E402
from mrcl_bench.record import find_records, read_record  # noqa: E402
from mrcl_bench.resolve import config_sha256, load_config  # noqa: E402


def wanted(results: Path) -> Iterator[tuple[str, str]]:
    """Yields config name and hash, each pair once, of all recipes and protocols in records."""
    pairs: set[tuple[str, str]] = set()
    for path in find_records(results / "records"):
        record = read_record(path)
        pairs.add((record.recipe.name, record.recipe.config_sha256))
        pairs.add((record.protocol.name, record.protocol.config_sha256))
    yield from sorted(pairs)


def main() -> None:
    """Keeps what can be kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=ROOT / "results")
    results: Path = parser.parse_args().results
    catalog = load_catalog()
    specs = {**catalog.recipes, **catalog.protocols}
    for name, sha256 in wanted(results):
        if read(results / "configs", sha256) is not None:
            print(f"{name}: kept")
            continue
        config = load_config(specs[name].path) if name in specs else None
        if config is None or config_sha256(config) != sha256:
            print(f"{name}: {sha256[:8]} is no config of today")
            continue
        keep(config, results / "configs")
        print(f"{name}: written")


if __name__ == "__main__":
    main()
