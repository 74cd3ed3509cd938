"""Pictures of runs as data URIs: reconstructions, predictions beside the truth, neighbours."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from ...compare.matrix import ROLE_ORDER
from ...record import Record

if TYPE_CHECKING:
    from PIL.Image import Image

COUNT = 5
"""Scenes shown of each task."""
QUERIES = 4
"""Queries shown with their neighbours."""
SIDE = 192
"""Longest side of an embedded picture, pixels."""
SCORES = 3
"""Predicted boxes drawn: those of the highest scores."""
UNLABELLED = 255
_COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167), (153, 153, 153), (170, 68, 153), (136, 34, 85), (68, 170, 153), (17, 119, 51),
    (221, 204, 119), (51, 34, 136), (136, 204, 238), (204, 102, 119), (119, 170, 221), (102, 51, 0),
)  # fmt: skip
"""Okabe and Ito's colours, then Tol's, which colour-blind readers can tell apart."""
_OLD_SAMPLES = "These files do not say which weights their pictures are of: {who}."


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        alt: What is seen, in words.
        uri: The picture itself.
        caption: A line below it, or empty.
    """

    alt: str
    uri: str
    caption: str = ""


@dataclass(frozen=True)
class Strip:
    """A row of pictures with its label."""

    label: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures under a heading.

    Attributes:
        notes: What is shown, and what is left out and why.
        key: Class name to CSS colour, where colours stand for classes.
        small: The pictures have few pixels.
    """

    title: str
    strips: tuple[Strip, ...]
    notes: tuple[str, ...] = ()
    key: tuple[tuple[str, str], ...] = ()
    small: bool = False


@dataclass
class _Notes:
    """What is said below a gallery's heading."""

    left_out: list[str] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)

    def said(self, shown: str) -> tuple[str, ...]:
        old = [_OLD_SAMPLES.format(who="; ".join(self.undated))] if self.undated else []
        return (shown, *self.left_out, *old)


def galleries(profile: str, records: Mapping[Path, Record], root: Path) -> list[Gallery]:
    """Returns all galleries for which a run left pictures.

    Args:
        profile: The records' profile.
        records: Path to record.
        root: The results folder; checkpoints lie beside it.
    """
    ordered = sorted(
        records.values(),
        key=lambda r: (
            ROLE_ORDER.index(r.recipe.role),
            r.recipe.display,
            r.recipe.name,
            r.protocol.name,
            r.seed,
        ),
    )
    found = [_reconstructions(ordered, root.parent / "checkpoints" / profile)]
    runs = root / "runs" / "jobs" / profile
    for task, draw in (("detection", _detection), ("segmentation", _segmentation)):
        for protocol in dict.fromkeys(r.protocol.name for r in ordered if r.protocol.task == task):
            found.append(_scenes([r for r in ordered if r.protocol.name == protocol], runs, draw))
    for protocol in dict.fromkeys(r.protocol.name for r in ordered):
        found.append(_neighbours([r for r in ordered if r.protocol.name == protocol], runs))
    return [gallery for gallery in found if gallery is not None]


def _reconstructions(records: Sequence[Record], checkpoints: Path) -> Gallery | None:
    strips: list[Strip] = []
    notes = _Notes()
    for record in {r.recipe.name: r for r in records}.values():
        arrays = _load(checkpoints / record.recipe.name / "samples.npz", record, notes)
        if arrays is None:
            continue
        who = record.recipe.display
        share = round(100 * float(arrays["mask_ratio"]))
        for name, label in (
            ("masked", f"{who}: input, {share} % hidden"),
            ("reconstructed", f"{who}: reconstruction"),
            ("original", f"{who}: original"),
        ):
            pictures = [
                Picture(f"{label}, training picture {place + 1}", _uri(image))
                for place, image in enumerate(arrays[name])
            ]
            strips.append(Strip(label, tuple(pictures)))
    if not strips:
        return None
    what = (
        "Training pictures, cropped as in training. Hidden patches are filled in by the model, the "
        "others are the input's. Where the loss compares patches normalised one by one, a model "
        "predicts neither brightness nor contrast: each patch has those of the original."
    )
    return Gallery("What masked models fill in", tuple(strips), notes.said(what), small=True)


_Arrays = Mapping[str, Any]
_Draw = Callable[[_Arrays, int, bool, Sequence[str]], tuple["Image", str]]


def _scenes(records: Sequence[Record], runs: Path, draw: _Draw) -> Gallery | None:
    """One row for the truth, one per recipe."""
    import numpy as np

    loaded: dict[str, tuple[Record, _Arrays]] = {}
    notes = _Notes()
    for record in records:
        if record.recipe.name in loaded:
            continue
        arrays = _load(_run(runs, record) / "samples.npz", record, notes)
        if arrays is not None and "image_0" in arrays:
            loaded[record.recipe.name] = (record, arrays)
    if not loaded:
        return None
    first = next(iter(loaded.values()))
    truth = first[1]
    count = min(COUNT, sum(name.startswith("image_") for name in truth))
    strips = [Strip("Truth", tuple(_scene(truth, i, True, truth, draw) for i in range(count)))]
    for record, arrays in loaded.values():
        if not all(
            f"image_{i}" in arrays and np.array_equal(arrays[f"image_{i}"], truth[f"image_{i}"])
            for i in range(count)
        ):
            notes.left_out.append(f"{record.recipe.display} saw other pictures and is left out.")
            continue
        pictures = (_scene(arrays, i, False, truth, draw) for i in range(count))
        strips.append(Strip(f"{record.recipe.display}, seed {record.seed}", tuple(pictures)))
    protocol = first[0].protocol
    what = (
        f"the {SCORES} boxes of the highest scores"
        if protocol.task == "detection"
        else "the class of every pixel"
    )
    shown = f"The first val pictures; of every recipe {what}, by one seed's last weights."
    names = _classes(truth)
    key = tuple((name, _css(place)) for place, name in enumerate(names))
    return Gallery(
        f"{protocol.display}: truth and predictions", tuple(strips), notes.said(shown), key
    )


def _scene(arrays: _Arrays, place: int, true: bool, named: _Arrays, draw: _Draw) -> Picture:
    image, said = draw(arrays, place, true, _classes(named))
    whose = "truth" if true else "prediction"
    return Picture(f"Val picture {place + 1}, {whose}: {said}", _uri_of(image))


def _detection(arrays: _Arrays, place: int, true: bool, names: Sequence[str]) -> tuple[Image, str]:
    import numpy as np
    from PIL import Image, ImageDraw

    picture = np.asarray(arrays[f"image_{place}"], dtype=np.uint8)
    boxes, labels, masks = (
        arrays[f"{'true_' if true else ''}{what}_{place}"] for what in ("boxes", "labels", "masks")
    )
    chosen = range(len(boxes))
    scores = None
    if not true:
        scores = arrays[f"scores_{place}"]
        chosen = [int(i) for i in np.argsort(-scores, kind="stable")[:SCORES]]  # type: ignore[assignment]
    tinted = picture.astype(np.float64)
    for index in chosen:
        mask = np.asarray(masks[index], dtype=bool)
        tinted[mask] = 0.55 * tinted[mask] + 0.45 * np.array(_colour(int(labels[index])))
    scale = SIDE / max(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    image = Image.fromarray(tinted.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    said = []
    for index in chosen:
        colour, name = _colour(int(labels[index])), _name(names, int(labels[index]))
        x1, y1, x2, y2 = (float(v) * scale for v in boxes[index])
        pen.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=colour, width=2)
        score = "" if scores is None else f" {float(scores[index]):.2f}"
        said.append(f"{name}{score}")
        _tag(pen, (x1, y1), said[-1], colour)
    return image, ", ".join(said) or "nothing"


def _tag(pen: Any, corner: tuple[float, float], text: str, colour: tuple[int, int, int]) -> None:
    """Writes a name into a box's upper left corner, dark on light or light on dark."""
    shown = text.encode("ascii", "replace").decode()[:24]  # what the built-in font can draw
    x = min(max(corner[0], 0), SIDE - 8 * len(shown) * 0.75)
    y = min(max(corner[1], 0), SIDE - 13)
    box = pen.textbbox((x + 2, y), shown)
    pen.rectangle((box[0] - 2, box[1] - 1, box[2] + 2, box[3] + 1), fill=colour)
    light = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 128
    pen.text((x + 2, y), shown, fill="black" if light else "white")


def _segmentation(
    arrays: _Arrays, place: int, true: bool, names: Sequence[str]
) -> tuple[Image, str]:
    import numpy as np
    from PIL import Image

    labels = np.asarray(arrays[f"{'true_' if true else ''}labels_{place}"], dtype=np.int64)
    picture = np.asarray(arrays[f"image_{place}"], dtype=np.float64)
    palette = np.array([_colour(label) for label in range(256)], dtype=np.float64)
    blended = 0.35 * picture + 0.65 * palette[labels]
    blended[labels == UNLABELLED] = picture[labels == UNLABELLED]
    image = Image.fromarray(blended.astype(np.uint8))
    image.thumbnail((SIDE, SIDE))
    found, counts = np.unique(labels[labels != UNLABELLED], return_counts=True)
    largest = [int(found[i]) for i in np.argsort(-counts, kind="stable")[:4]]
    shares = {int(label): count / labels.size for label, count in zip(found, counts, strict=True)}
    said = [f"{_name(names, label)} {100 * shares[label]:.0f} %" for label in largest]
    return image, ", ".join(said) or "nothing"


def _neighbours(records: Sequence[Record], runs: Path) -> Gallery | None:
    """For each query a row per recipe: the query, then its neighbours."""
    import numpy as np

    loaded: dict[str, tuple[Record, _Arrays]] = {}
    notes = _Notes()
    for record in records:
        if record.recipe.name not in loaded:
            arrays = _load(_run(runs, record) / "neighbours.npz", record, notes)
            if arrays is not None:
                loaded[record.recipe.name] = (record, arrays)
    if not loaded:
        return None
    first, named = next(iter(loaded.values()))
    classes = _classes(named)
    strips = []
    for record, arrays in loaded.values():
        if not np.array_equal(arrays["query_images"], named["query_images"]):
            notes.left_out.append(
                f"{record.recipe.display} was asked with other pictures and is left out."
            )
    for place, label in enumerate(named["query_labels"][:QUERIES]):
        name = _name(classes, int(label))
        strips.append(
            Strip(
                f"Query {place + 1}: {name}",
                (Picture(f"Query {place + 1}: {name}", _uri(named["query_images"][place])),),
            )
        )
        for record, arrays in loaded.values():
            if not np.array_equal(arrays["query_images"], named["query_images"]):
                continue
            pictures = []
            for rank, image in enumerate(arrays["neighbour_images"][place]):
                found = int(arrays["neighbour_labels"][place][rank])
                sign = "✓" if found == label else "✗"
                similar = float(arrays["similarity"][place][rank])
                text = f"{_name(classes, found)} {sign}"
                alt = f"Neighbour {rank + 1}: {text[:-2]}, similarity {similar:.2f}"
                pictures.append(Picture(alt, _uri(image), text))
            strips.append(Strip(record.recipe.display, tuple(pictures)))
    what = (
        "Some val pictures, evenly spaced, and the training pictures nearest to them by cosine, "
        f"nearest first, seed {first.seed}. ✓: of the query's class; ✗: of another."
    )
    title = f"{first.protocol.display}: nearest neighbours"
    return Gallery(title, tuple(strips), notes.said(what), small=True)


def _run(runs: Path, record: Record) -> Path:
    return runs / record.recipe.name / record.protocol.name / f"seed{record.seed}"


def _load(path: Path, record: Record, notes: _Notes) -> _Arrays | None:
    """Reads a run's pictures; those of other weights than the record's are left out and named."""
    import numpy as np

    if not path.is_file():
        return None
    who = f"{record.recipe.display}, seed {record.seed}"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        notes.left_out.append(f"The pictures of {who} cannot be read: {type(error).__name__}.")
        return None
    weights = str(arrays["weights"]) if "weights" in arrays else None
    if weights is None:
        notes.undated.append(who)
    elif record.checkpoint is None or weights != record.checkpoint.sha256:
        notes.left_out.append(
            f"The pictures of {who} are of other weights than its record: left out."
        )
        return None
    return arrays


def _classes(arrays: _Arrays) -> list[str]:
    return [str(name) for name in arrays["classes"]] if "classes" in arrays else []


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if 0 <= label < len(names) else f"class {label}"


def _colour(label: int) -> tuple[int, int, int]:
    return _COLOURS[label % len(_COLOURS)]


def _css(label: int) -> str:
    return "rgb({}, {}, {})".format(*_colour(label))


def _uri(image: Any) -> str:
    import numpy as np
    from PIL import Image

    made = Image.fromarray(np.asarray(image, dtype=np.uint8))
    made.thumbnail((SIDE, SIDE))
    return _uri_of(made)


def _uri_of(image: Image) -> str:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def missing(profile: str, galleries: Iterable[Gallery]) -> str:
    """Returns the sentence for a profile without any picture, or nothing."""
    if any(galleries):
        return ""
    return (
        f"No pictures of profile {profile}: they lie in results/runs and checkpoints of the "
        "machine that ran it, and are not part of the records."
    )
