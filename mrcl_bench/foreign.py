"""Weights from elsewhere as a row of the matrix: a name, a converted checkpoint, its protocols."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .atomic import sha256_file
from .convert.file import Given, asked_for, convert_file
from .convert.manifest import MANIFEST_NAME, WEIGHTS_NAME, Manifest, read_manifest
from .errors import EXIT_USAGE, BenchError
from .spec import Protocol, Recipe

if TYPE_CHECKING:
    from .catalog import Catalog
    from .convert._layout import Which
    from .profiles import Profile
    from .workspace import Workspace

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_SAYS_NOTHING = re.compile(
    r"(model|pytorch_model|backbone|checkpoint|ckpt|weights|raw|last|best|latest|final)"
    r"([_.-]?\d*)"
)


def name_of(weights: Path) -> str:
    """A name for weights: the file's stem, or the folder's where the stem says nothing.

    ``dino/model.safetensors`` is called ``dino``. Characters that do not belong in a folder's
    name become ``-``.
    """
    stem = weights.resolve().name
    for suffix in (".pth.tar", ".safetensors", weights.suffix):
        if suffix:
            stem = stem.removesuffix(suffix)
    if _SAYS_NOTHING.fullmatch(stem.lower()):
        stem = weights.resolve().parent.name or stem
    return re.sub(r"[^\w.+-]+", "-", stem).strip("-._") or "weights"


def check_name(name: str, catalog: Catalog) -> None:
    """Refuses names that are a recipe's or no name of a folder.

    Raises:
        BenchError: With exit code `EXIT_USAGE`.
    """
    if not _NAME.fullmatch(name):
        raise BenchError(
            f"'{name}' is no name for weights: letters, digits, '_', '.', '+' and '-' make one.",
            "Choose another --name.",
            EXIT_USAGE,
        )
    if name in catalog.recipes:
        raise BenchError(
            f"'{name}' is a recipe of this project; its checkpoint would be overwritten.",
            "Choose another --name.",
            EXIT_USAGE,
        )


def kept(workspace: Workspace, profile: Profile, name: str) -> Manifest:
    """The manifest of foreign weights that were converted before.

    Raises:
        BenchError: There are none of that name, or a recipe of this project made them.
    """
    folder = workspace.checkpoint_dir(profile, name)
    if not folder.is_dir():
        raise BenchError(
            f"no weights called '{name}' were converted for profile {profile}.",
            f"Give the file: mrcl-bench eval --weights FILE --name {name} --profile {profile}",
            EXIT_USAGE,
        )
    manifest = read_manifest(folder)
    _check_foreign(manifest, name, folder)
    return manifest


def adopt(
    weights: Path,
    workspace: Workspace,
    profile: Profile,
    name: str,
    *,
    algorithm: str,
    source: str | None,
    which: Which,
    given: Given,
    verify: bool,
    force: bool,
    say: Callable[[str], None],
) -> Manifest:
    """Converts foreign weights into the workspace's checkpoints, or keeps what is there.

    What is there is kept when it came from the same file with the same options, is undamaged, and
    was proved if a proof is asked for.

    Args:
        weights: The raw file.
        workspace: Where checkpoints lie.
        profile: The profile.
        name: Name of the weights: the folder's and the row's.
        algorithm: What trained them.
        source: Source format, found if None.
        which: Encoder to take.
        given: What the user says of the weights.
        verify: Whether to prove the conversion.
        force: Whether the name may pass from another file to this one.
        say: Told in one line what is done.

    Returns:
        The manifest.

    Raises:
        BenchError: As `convert_file`; or a checkpoint of this project's own, or of another file,
            has that name.
    """
    if not weights.is_file():
        if weights.is_dir():
            raise BenchError(f"{weights} is a folder.", "Name the weights file in it.")
        raise BenchError(f"no weights at {weights}.", "Check the path.")
    folder = workspace.checkpoint_dir(profile, name)
    before = _before(folder)
    if before is not None:
        _check_foreign(before, name, folder)
        same_file = before.source_sha256 == sha256_file(weights)
        if not same_file and not force:
            raise BenchError(
                f"'{name}' is the name of other weights: {before.source_file}, sha256 "
                f"{before.source_sha256[:12]}… ({folder}).",
                "Choose another --name; or --force, which puts these in their place.",
                EXIT_USAGE,
            )
        if (
            same_file
            and before.asked == asked_for(source, which, given)
            and before.algorithm == algorithm
            and before.target == "mmpretrain"
            and (before.proof is not None or not verify)
        ):
            say(f"{name}: converted before, kept ({folder})")
            return before
        say(f"{name}: converting again, the file or the options are others than before")
    else:
        say(f"{name}: converting {weights}")
    return convert_file(
        weights,
        folder,
        recipe=name,
        algorithm=algorithm,
        source=source,
        which=which,
        given=given,
        verify=verify,
    )


def choose(
    manifest: Manifest, folder: Path, protocols: list[Protocol], profile: Profile
) -> list[Protocol]:
    """Picks the protocols whose backbone has the architecture of the weights.

    Args:
        manifest: Of the converted weights.
        folder: Where they lie.
        protocols: Candidates, of one profile.
        profile: Its name, for messages.

    Returns:
        Those that fit, in order; at least one.

    Raises:
        BenchError: None fits; the message names every backbone that there is, and what differs.
    """
    from .checkpoint import load_state_dict
    from .fit import misfit, networks, shapes_of

    weights = shapes_of(load_state_dict(folder / WEIGHTS_NAME))
    built = networks(protocols)
    reasons: dict[str, str] = {}
    fitting: list[Protocol] = []
    for protocol in protocols:
        reason = misfit(built[protocol.name], weights, manifest.architecture)
        if reason is None:
            fitting.append(protocol)
        else:
            reasons.setdefault(protocol.backbone, reason)
    if fitting:
        return fitting
    shown = "\n".join(f"  {label}: {reason}" for label, reason in reasons.items())
    only_heads = [reason for reason in reasons.values() if re.fullmatch(r"\d+ heads .*", reason)]
    cure = (
        f"Heads are not in the weights: give --heads {only_heads[0].split()[0]} if they were "
        "trained with that many."
        if only_heads
        else "Choose another --profile, or write a protocol for this backbone (docs/scale.md) and "
        "give its folder with --configs."
    )
    raise BenchError(
        f"no protocol of profile {profile} is for {manifest.architecture.label}; the backbones "
        f"that there are, and what of theirs is not so in these weights:\n{shown}",
        cure,
    )


def stand_ins(manifest: Manifest, protocols: list[Protocol], profile: Profile) -> list[Recipe]:
    """Recipes that stand for the weights in the plan: one for each label of a backbone.

    A label is what tables are made by, so that the weights stand beside the recipes that share it.
    """
    return [
        Recipe(
            kind="foreign",
            algorithm=manifest.algorithm,
            display=manifest.recipe,
            backbone=label,
            profiles=(profile,),
            data="",
            role="method",
            source=manifest.source_format,
            name=manifest.recipe,
        )
        for label in dict.fromkeys(protocol.backbone for protocol in protocols)
    ]


def _before(folder: Path) -> Manifest | None:
    if not (folder / MANIFEST_NAME).exists():
        return None
    try:
        return read_manifest(folder)
    except BenchError:  # damaged: converted anew
        return None


def _check_foreign(manifest: Manifest, name: str, folder: Path) -> None:
    if not manifest.foreign:
        raise BenchError(
            f"'{name}' is a checkpoint that this project pretrained ({folder}).",
            f"Evaluate it with its config: mrcl-bench run --recipe {name} --configs FOLDER; or "
            "choose another --name.",
            EXIT_USAGE,
        )
