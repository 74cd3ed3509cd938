"""Which pictures of the Debian packages the Stamps set uses, and why.

Every file and region here was chosen by looking at it. Only photographs are
taken: the packages also hold cartoons, line drawings and rendered art, and a
model can tell those from photographs without seeing what they show.
"""

from __future__ import annotations

from dataclasses import dataclass

from mrcl_bench.data.debian import LOMIRI, MATE, PLASMA, Pin

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, each as a fraction of the picture's side."""


@dataclass(frozen=True)
class Kind:
    """One class of objects.

    Attributes:
        name: Class name.
        folders: Folders under ``tuxpaint/stamps``; every PNG directly in them is taken.
        without: Stems that are left out.
        extra: Single files (folder/stem) from folders that are not taken whole.
        why: Reason for what is left out.
    """

    name: str
    folders: tuple[str, ...]
    without: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    why: str = ""


KINDS: tuple[Kind, ...] = (
    Kind(
        "bird",
        ("animals/birds",),
        without=("albino_peahen",),
        why="the peahen lies in grass that would count as bird",
    ),
    Kind(
        "bovine",
        ("animals/mammals/bovines",),
        why="cattle, sheep, goats and antelopes are one family",
    ),
    Kind(
        "carnivore",
        ("animals/mammals/cats", "animals/mammals/dogs", "animals/mammals/bears"),
        extra=(
            "animals/mammals/badger",
            "animals/mammals/ferret",
            "animals/mammals/aquatic/otter",
        ),
    ),
    Kind(
        "sea-animal",
        ("animals/fish", "animals/shellfish", "animals/mammals/aquatic"),
        without=("otter",),
        why="the otter is among the carnivores",
    ),
    Kind("fruit", ("food/fruit",)),
    Kind("vegetable", ("food/vegetables",)),
    Kind("flower", ("plants/flowers",)),
    Kind(
        "plant",
        ("plants/trees", "plants"),
        without=("rambutan", "pinecone"),
        extra=("seasonal/christmas/Christmas_Tree_photo",),
        why="whole plants only; rambutan and cone are fruits of a tree",
    ),
    Kind(
        "tool",
        ("household/tools",),
        without=("cementmixer",),
        extra=("household/arttools/scissors_small_open",),
        why="the mixer is a machine on wheels",
    ),
    Kind(
        "vehicle",
        ("vehicles/race", "vehicles/auto", "vehicles/masstransit", "military/vehicles"),
        without=("f22_raptor", "bradley_mirror"),
        extra=(
            "vehicles/garbagetruck",
            "vehicles/emergency/firetruck",
            "vehicles/construction/dumper",
            "vehicles/cycle/pink_tricycle",
        ),
        why="land vehicles; mirrored doubles would leak from known to novel",
    ),
    Kind(
        "instrument",
        (
            "hobbies/music/string",
            "hobbies/music/brass",
            "hobbies/music/wind",
            "hobbies/music/percussion",
        ),
    ),
    Kind(
        "household",
        ("household", "household/dishes"),
        without=("rubberduck", "glass", "key"),
        why="the duck looks like a bird, the glass is see-through, the key has two colours",
    ),
)

NOVEL_PART = 0.25
"""Part of each kind's cut-outs that no training picture ever shows."""

STUFF: tuple[str, ...] = ("sky", "wood", "grass", "foliage", "stone")
"""Background classes of the segmentation scenes."""


@dataclass(frozen=True)
class Photo:
    """One background photograph.

    Attributes:
        name: Short name, kept in ``origins.json``.
        package: Where it comes from.
        path: File inside the package.
        split: ``"train"`` or ``"val"``; a photograph never serves both.
        scene: Region for backgrounds without a label map; None for none,
            where the rest shows something that could pass for a class.
        stuff: Regions that show nothing but one background class.
    """

    name: str
    package: Pin
    path: str
    split: str
    scene: Box | None = (0.0, 0.0, 1.0, 1.0)
    stuff: tuple[tuple[str, Box], ...] = ()


_WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def _plasma(name: str) -> str:
    return f"usr/share/wallpapers/{name}/contents/images/1280x800.jpg"


def _mate(name: str) -> str:
    return f"usr/share/backgrounds/mate/nature/{name}.jpg"


def _lomiri(name: str) -> str:
    return f"usr/share/backgrounds/{name}.jpg"


# gnome-backgrounds 43 and most of plasma-workspace-wallpapers are rendered
# art; the photographs of MATE and Lomiri stand in. Photographs of flowers,
# fruit, animals, brushes and cups are out: their subject is a class here.
PHOTOS: tuple[Photo, ...] = (
    Photo(
        "kite",
        PLASMA,
        _plasma("Kite"),
        "train",
        (0.0, 0.0, 0.62, 1.0),
        (("sky", (0.0, 0.0, 0.62, 1.0)),),
    ),
    Photo(
        "evening-glow",
        PLASMA,
        _plasma("EveningGlow"),
        "train",
        (0.0, 0.0, 1.0, 0.45),  # boats lie further down
        (("sky", (0.0, 0.0, 1.0, 0.26)), ("stone", (0.3, 0.8, 1.0, 1.0))),
    ),
    Photo(
        "by-the-water",
        PLASMA,
        _plasma("BytheWater"),
        "train",
        stuff=(("wood", (0.0, 0.58, 1.0, 1.0)),),
    ),
    Photo("fallen-leaf", PLASMA, _plasma("FallenLeaf"), "train"),
    Photo("grey", PLASMA, _plasma("Grey"), "train"),
    Photo(
        "one-stands-out",
        PLASMA,
        _plasma("OneStandsOut"),
        "train",
        stuff=(("foliage", (0.0, 0.0, 1.0, 0.7)),),
    ),
    Photo(
        "summer-1am",
        PLASMA,
        _plasma("summer_1am"),
        "train",
        stuff=(("sky", (0.0, 0.0, 1.0, 0.6)),),
    ),
    Photo("meadow", MATE, _mate("GreenMeadow"), "train", stuff=(("grass", _WHOLE),)),
    Photo("rain-drops", MATE, _mate("RainDrops"), "train", stuff=(("foliage", _WHOLE),)),
    Photo("storm", MATE, _mate("Storm"), "train", stuff=(("sky", (0.0, 0.0, 1.0, 0.55)),)),
    Photo("pale-wood", MATE, _mate("Wood"), "train", stuff=(("wood", _WHOLE),)),
    Photo(
        "aitzgorri",
        LOMIRI,
        _lomiri("aitzgorri_by_Aitzol_Berasategi"),
        "train",
        stuff=(("grass", (0.0, 0.75, 1.0, 1.0)),),
    ),
    Photo("stream", LOMIRI, _lomiri("life_by_Aitzol_Berasategi"), "train"),
    Photo(
        "concrete",
        LOMIRI,
        _lomiri("Picture_0B_by_freespace"),
        "train",
        None,  # a cut fig in a bowl
        (("stone", (0.0, 0.62, 0.2, 1.0)),),
    ),
    Photo(
        "cold-ripple",
        PLASMA,
        _plasma("ColdRipple"),
        "val",
        stuff=(("wood", (0.2, 0.78, 0.8, 1.0)),),
    ),
    Photo("darkest-hour", PLASMA, _plasma("DarkestHour"), "val"),
    Photo("path", PLASMA, _plasma("Path"), "val"),
    Photo(
        "dune",
        MATE,
        _mate("Dune"),
        "val",
        stuff=(("grass", (0.0, 0.72, 1.0, 1.0)),),
    ),
    Photo("leaf", MATE, _mate("Blinds"), "val", stuff=(("foliage", _WHOLE),)),
    Photo(
        "bridge",
        LOMIRI,
        _lomiri("Bridge_by_Sander_Klootwijk"),
        "val",
        stuff=(("sky", (0.0, 0.46, 0.5, 0.66)), ("sky", (0.66, 0.0, 1.0, 0.24))),
    ),
    Photo(
        "picos",
        LOMIRI,
        _lomiri("picosdeeuropa_by_Aitzol_Berasategi"),
        "val",
        stuff=(
            ("grass", (0.6, 0.68, 1.0, 0.86)),
            ("stone", (0.46, 0.32, 0.62, 0.5)),
        ),
    ),
    Photo(
        "sunset",
        LOMIRI,
        _lomiri("sunset_by_Aitzol_Berasategi"),
        "val",
        stuff=(("sky", (0.0, 0.0, 1.0, 0.28)),),
    ),
    Photo(
        "planks",
        LOMIRI,
        _lomiri("friends_by_Aitzol_Berasategi"),
        "val",
        None,  # two dogs
        (("wood", (0.0, 0.66, 0.5, 1.0)),),
    ),
)

CREDITS = (
    "Cut-outs: Tux Paint Stamps, GPL-2, Bill Kendrick and many contributors (the .txt files of the "
    "Debian package tuxpaint-stamps-default). Backgrounds: KDE Plasma wallpapers (Debian "
    "plasma-workspace-wallpapers; LGPL-3: Risto Saukonpää, Maciej Wiklo, Ian Hex, Martin Klapetek, "
    "Sigi Sagi), MATE backgrounds (Debian mate-backgrounds, GPL-2+: Marco Cogoni, Hylke "
    "Bons, Lennart Poettering, Andrea Cimitan, Timothy Schellhase, Lapo Calamandrei, Sergey "
    "Nazarov, Jean-François Fortin Tam, blackcombwhistler07), Lomiri "
    "wallpapers (Debian lomiri-wallpapers-16.04; CC-BY-4.0: Aitzol Berasategi, Trevor Freespace; "
    "CC-BY-SA-4.0: Sander Klootwijk). The pictures made from them are for local use and not "
    "part of this project's release."
)
