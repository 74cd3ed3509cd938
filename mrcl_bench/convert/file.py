"""Converts a weights file: any source in, any target out, with the proof and the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import sha256_file, write_json
from ..errors import EXIT_USAGE, BenchError, shorten, unknown_name
from ..normalisation import IMAGENET, Normalisation, checked
from ._architecture import Architecture, read_architecture
from ._beside import beside
from ._layout import Conversion, Which
from ._output import Output
from .manifest import Keys, Manifest, Origin

if TYPE_CHECKING:
    from torch import Tensor

    from .verify import Proof


UNPROVED = (
    "Nothing is proved of these weights: mrcl-bench knows no network of another library for them. "
    "They keep the names that they were trained with."
)


@dataclass(frozen=True)
class Given:
    """What the user says of the weights; it goes before all that is found.

    Attributes:
        normalisation: Any of ``mean``, ``std``, ``channel_order``, for pixels in 0 … 255.
        heads: Attention heads, which weights do not show.
    """

    normalisation: Mapping[str, Any] | None = None
    heads: int | None = None


def asked_for(source: str | None, which: Which, given: Given) -> dict[str, Any]:
    """The options of a conversion, as its manifest keeps them."""
    options = {
        "from": source,
        "encoder": which,
        "heads": given.heads,
        "normalisation": dict(given.normalisation or {}) or None,
    }
    known = {key: value for key, value in options.items() if value is not None}
    found: dict[str, Any] = json.loads(json.dumps(known))  # tuples as JSON has them
    return found


def convert_file(
    raw: Path,
    out: Path,
    *,
    recipe: str,
    algorithm: str,
    source: str | None = None,
    target: str = "mmpretrain",
    which: Which = "online",
    given: Given | None = None,
    normalisation: Normalisation | Mapping[str, Any] | None = None,
    pretrain: Mapping[str, Any] | None = None,
    verify: bool = True,
) -> Manifest:
    """Converts a raw weights file and writes the weights, then the manifest.

    Both writes are atomic, and equal input gives equal weights files. Between the two
    writes an older manifest no longer fits, which `read_manifest` notices.

    Args:
        raw: The raw file.
        out: Folder for ``backbone.pth`` and ``manifest.json``; or a ``.safetensors`` or ``.pth``
            file, whose manifest is called like it with ``.manifest.json`` for its suffix.
        recipe: Recipe, or a name for foreign weights.
        algorithm: Key of the algorithm.
        source: Source format; found by the keys if not given.
        target: Dialect to write.
        which: Which encoder to take where the run trained two.
        given: What the user says of the weights.
        normalisation: How the backbone was fed, where the caller trained it. Else it is taken from
            ``given``, a config file beside the weights, or the source format's publishers, in this
            order; ImageNet's is assumed, and noted, where none of them says it.
        pretrain: Free JSON values for the manifest.
        verify: Whether to run the same images through the source's and the target's network;
            weights of the caller's own training, of an architecture that no library here has,
            pass without.

    Returns:
        The manifest as written.

    Raises:
        BenchError: A name is unknown, the file cannot be read or converted, holds NaN or infinite
            weights, the target has no such network, the proof fails, or the file is itself the
            output; nothing is written then.
    """
    from ..checkpoint import load_state_dict, state_dict_sha256
    from . import convert, detect
    from .dialects import dialects, remarks

    given = given or Given()
    if target not in dialects():
        raise unknown_name("target", target, dialects())
    output = Output.at(out)
    if raw.resolve() == output.weights.resolve():
        raise BenchError(f"{raw} would be overwritten.", "Choose another --out.", EXIT_USAGE)
    run = None if normalisation is None else checked(normalisation)
    state_dict = load_state_dict(raw)
    format_ = source or detect(state_dict)
    conversion = convert(format_, state_dict, which)
    del state_dict
    broken = [k for k, value in conversion.backbone.items() if not bool(value.isfinite().all())]
    if broken:
        raise BenchError(
            f"NaN or infinite weights in {raw}: {shorten(broken)}.",
            "The run diverged: pretrain again with a smaller learning rate."
            if pretrain
            else "Get another checkpoint of this run: these weights are of no use.",
        )
    found = beside(raw) if run is None else None
    traits = {**conversion.traits, **(found.traits if found else {})}
    if given.heads is not None:
        traits["num_heads"] = given.heads
    conversion = replace(conversion, traits=traits)
    feed, origin = _feed(run, given, found.normalisation if found else None, conversion)
    made = _translate(conversion, target, verify, own=run is not None)
    assumed = _assumed(made.architecture, traits, origin)
    notes = [
        *conversion.notes,
        *(found.notes if found else ()),
        *_notes(assumed, made, feed),
        *remarks(target, made.architecture),
    ]
    if verify and made.proof is None:
        notes.append(UNPROVED)

    meta = {"recipe": recipe, "algorithm": algorithm, "source_format": format_}
    output.write(made.weights, {**meta, "normalisation": feed.model_dump()})
    manifest = Manifest(
        recipe=recipe,
        algorithm=algorithm,
        source_format=format_,
        source_file=raw.name,
        source_dialect=conversion.dialect,
        source_sha256=sha256_file(raw),
        target=target,
        encoder=which,
        weights_file=output.weights.name,
        weights_sha256=state_dict_sha256(made.weights),
        file_sha256=sha256_file(output.weights),
        architecture=made.architecture,
        backbone_config=made.config,
        normalisation=feed,
        normalisation_from=origin,
        assumed=tuple(assumed),
        notes=tuple(dict.fromkeys(notes)),
        keys=Keys(
            loaded=len(made.weights),
            dropped={kind: len(keys) for kind, keys in sorted(conversion.dropped.items())},
            missing=made.missing,
        ),
        proof=made.proof,
        asked=asked_for(source, which, given),
        pretrain=dict(pretrain or {}),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_json(output.manifest, manifest.model_dump(mode="json"))
    return manifest


@dataclass(frozen=True)
class _Made:
    weights: dict[str, Tensor]
    architecture: Architecture
    config: dict[str, Any] | None
    missing: tuple[str, ...]
    proof: Proof | None


def _translate(conversion: Conversion, target: str, verify: bool, own: bool) -> _Made:
    """Renames the backbone for its target and proves it.

    Weights that are there already by the target's names, and of no known architecture, pass as
    they are where no proof is asked for or where they are our own: pretraining may run on any
    backbone.
    """
    from .dialects import dialects

    known = dialects()
    same = conversion.dialect == target
    unprovable = same and (own or not verify)
    try:
        common = known[conversion.dialect].to_common(conversion.backbone)
    except BenchError:
        if not unprovable:
            raise
        common = conversion.backbone
    architecture = read_architecture(common, conversion.traits)
    if unprovable and not _known(architecture, common):
        return _Made(conversion.backbone, architecture, None, (), None)
    if architecture.type == "other":
        raise BenchError(
            "the weights are neither a ViT nor a ResNet that mrcl-bench knows, so that nothing "
            "can be proved of them.",
            f"Write them unproved with --to {conversion.dialect} --no-verify, or name the right "
            "source format with --from.",
        )
    if architecture.type == "resnet" and architecture.num_heads is not None:
        raise BenchError(
            f"--heads is for ViTs; the weights are a {architecture.label}.",
            "Leave --heads out.",
            EXIT_USAGE,
        )
    dialect = known[target]
    weights = conversion.backbone if same else dialect.from_common(common, architecture)
    proof = None
    if verify:
        from .verify import prove

        proof = prove(conversion, target, weights, architecture)
    config = dialect.backbone_config(architecture)
    return _Made(weights, architecture, config, _counters_missing(weights), proof)


def _known(architecture: Architecture, common: Mapping[str, Tensor]) -> bool:
    """Whether the weights are all and only those of a network that libraries share."""
    from .dialects._expected import check

    if architecture.type == "other":
        return False
    try:
        check(common, architecture)
    except BenchError:
        return False
    return True


def _counters_missing(weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The counters of batch norms that the weights lack: all that a proved network may lack."""
    norms = [key.removesuffix("running_mean") for key in weights if key.endswith("running_mean")]
    counters = (f"{norm}num_batches_tracked" for norm in norms)
    return tuple(key for key in counters if key not in weights)


def _feed(
    run: Normalisation | None,
    given: Given,
    beside_it: Mapping[str, Any] | None,
    conversion: Conversion,
) -> tuple[Normalisation, Origin]:
    if run is not None:
        return run, "run"
    origin: Origin = "assumed"
    base: Mapping[str, Any] = IMAGENET
    if beside_it is not None:
        base, origin = beside_it, "beside"
    elif conversion.normalisation is not None:
        base, origin = conversion.normalisation, "publisher"
    if given.normalisation:
        base, origin = {**base, **given.normalisation}, "given"
    return checked(base), origin


def _assumed(architecture: Architecture, traits: Mapping[str, Any], origin: Origin) -> list[str]:
    """Names what nothing said."""
    assumed = {
        "normalisation": origin == "assumed",
        "num_heads": architecture.type == "vit" and "num_heads" not in traits,
    }
    return [name for name, is_so in assumed.items() if is_so]


def _notes(assumed: list[str], made: _Made, feed: Normalisation) -> list[str]:
    notes = []
    if "normalisation" in assumed:
        notes.append(
            f"Nothing says how the weights were fed; ImageNet's normalisation is assumed ({feed}): "
            "set --mean, --std and --channels if it was another."
        )
    if "num_heads" in assumed:
        notes.append(
            f"Weights do not show attention heads; {made.architecture.num_heads} are assumed from "
            f"the width {made.architecture.embed_dims}: set --heads if there were others."
        )
    return notes
