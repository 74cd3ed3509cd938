"""The manifest beside converted weights: what they are, where they came from, how to feed them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..atomic import sha256_file
from ..errors import BenchError
from ..normalisation import Normalisation
from ..record import Cost, Course
from ._architecture import Architecture
from ._layout import Which
from .verify import Proof

PartT = TypeVar("PartT", bound=BaseModel)
SCHEMA_VERSION = 1
WEIGHTS_NAME = "backbone.pth"
MANIFEST_NAME = "manifest.json"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Origin = Literal["run", "given", "beside", "publisher", "assumed"]
"""Where a normalisation comes from: the pretraining run itself, the command line, a config file
beside the weights, the habit of those who publish the format, or nowhere: ImageNet's, assumed."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Keys(_Part):
    """What became of the keys.

    Attributes:
        loaded: Weights written.
        dropped: Kind (``head``, ``projector``, ``momentum`` …) to its number of keys in the source.
        missing: Keys of the target's network without weights; only counters of batch norms ever.
    """

    loaded: int = Field(gt=0)
    dropped: dict[str, int] = {}
    missing: tuple[str, ...] = ()


class Manifest(_Part):
    """Describes converted weights: a folder's ``backbone.pth``, or a file of its own.

    Attributes:
        recipe: Recipe that trained the weights, or a name for foreign ones.
        algorithm: Key of the algorithm.
        source_format: Module of `mrcl_bench.convert` that read the raw file.
        source_file: Name of the raw file.
        source_dialect: Library by whose key names the source's network goes.
        source_sha256: Of the raw file.
        target: Library by whose key names the weights go.
        encoder: Which encoder was taken.
        weights_file: Name of the weights file beside this manifest.
        weights_sha256: Of the backbone's state dict, independent of the file around it.
        file_sha256: Of the weights file.
        architecture: Read off the weights.
        backbone_config: The ``dict(type=…)`` for a config of the target's library, where it is one
            of OpenMMLab's.
        normalisation: How to feed the weights.
        normalisation_from: Where that comes from.
        assumed: What was assumed because nothing says it: ``normalisation``, ``num_heads``.
        notes: One sentence for each assumption or oddity.
        proof: That source and target are the same function; None where it was not asked for.
        asked: The conversion's options, to know it again.
        pretrain: What the pretraining run says of itself (cost, data, environment …); empty for
            weights from elsewhere.
        created: Time of the conversion, UTC, ISO 8601.
    """

    schema_version: int = SCHEMA_VERSION
    recipe: str
    algorithm: str
    source_format: str
    source_file: str = ""
    source_dialect: str = "mmpretrain"
    source_sha256: Sha256
    target: str = "mmpretrain"
    encoder: Which = "online"
    weights_file: str = WEIGHTS_NAME
    weights_sha256: Sha256
    file_sha256: Sha256
    architecture: Architecture
    backbone_config: dict[str, Any] | None = None
    normalisation: Normalisation
    normalisation_from: Origin = "run"
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    keys: Keys
    proof: Proof | None = None
    asked: dict[str, Any] = {}
    pretrain: dict[str, Any] = {}
    created: str

    @property
    def foreign(self) -> bool:
        """Whether no recipe of this project made the weights."""
        return "recipe_sha256" not in self.pretrain

    @property
    def recipe_sha256(self) -> str:
        """Hash of the recipe's config; for foreign weights, of how they are fed."""
        known = self.pretrain.get("recipe_sha256")
        return self.normalisation.sha256() if known is None else str(known)

    @property
    def pretrain_cost(self) -> Cost | None:
        """What pretraining took; None where it is not known."""
        cost = self.pretrain.get("cost")
        return None if cost is None else self._part(Cost, cost)

    @property
    def course(self) -> Course | None:
        """Where in its run the checkpoint was kept; None where the recipe keeps none."""
        course = self.pretrain.get("course")
        return None if course is None else self._part(Course, course)

    @property
    def broken_images(self) -> int:
        """How many broken images pretraining went on without."""
        count = self.pretrain.get("broken_images", 0)
        return count if isinstance(count, int) else 0

    @property
    def code_sha256(self) -> object:
        """Hash of the code that pretrained (`mrcl_bench.own_code`); None where it is not known."""
        environment = self.pretrain.get("environment")
        return environment.get("code_sha256") if isinstance(environment, dict) else None

    def _part(self, kind: type[PartT], value: object) -> PartT:
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            raise BenchError(
                f"the manifest of {self.recipe} has no valid {kind.__name__.lower()} of its "
                f"pretraining: {_first(error)}.",
                "Run the pretraining again.",
            ) from None


def read_manifest(folder: Path) -> Manifest:
    """Reads a folder's manifest and checks that its weights are the ones described.

    Needs no torch.

    Args:
        folder: Folder of ``backbone.pth`` and ``manifest.json``.

    Returns:
        The manifest.

    Raises:
        BenchError: Manifest or weights are missing, the manifest is not valid or of a newer
            schema, or the weights' sha256 is another.
    """
    path, weights = folder / MANIFEST_NAME, folder / WEIGHTS_NAME
    again = f"Run the pretraining again, or: mrcl-bench convert RAW.pth --out {folder}"
    if not path.exists():
        raise BenchError(f"no converted weights in {folder} ({MANIFEST_NAME} is missing).", again)
    try:
        value: Any = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BenchError(f"cannot read {path}: {error}.", again) from None
    version = value.get("schema_version") if isinstance(value, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BenchError(
            f"{path} has schema {version}; this mrcl-bench reads up to {SCHEMA_VERSION}.",
            "Upgrade mrcl-bench.",
        )
    try:
        manifest = Manifest.model_validate(value)
    except ValidationError as error:
        raise BenchError(f"{path} is not a valid manifest: {_first(error)}.", again) from None
    if not weights.is_file():
        raise BenchError(f"{weights} is missing.", again)
    found = sha256_file(weights)
    if found != manifest.file_sha256:
        raise BenchError(
            f"{weights} was changed or truncated: its sha256 is {found[:12]}…, the manifest "
            f"says {manifest.file_sha256[:12]}….",
            again,
        )
    return manifest


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'top level'}: {first['msg']}"
