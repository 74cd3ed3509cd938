"""A broken picture stops a run, and is named.

OpenMMLab reads pictures through ``mmcv.imfrombytes``. Whether half a JPEG or PNG is refused there
is up to the decoder (OpenCV 4.12 does, some fill the rest with grey), and no error names the file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from ..errors import EXIT_FAILED, BenchError

_CURE = (
    "Fetch it again or take it out; `mrcl-bench data check` lists all that are broken in a public "
    "set. With --allow-broken-images a run leaves them out and counts them."
)
_WORKER = "Original Traceback"
_TAIL = 1024
"""A whole file has its end mark here; what has not is decoded a second time, strictly."""
_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG\r\n\x1a\n": b"IEND"}


class BrokenImage(BenchError):
    """A picture or label map that cannot be read whole.

    Args:
        what: Which and why; or, as torch hands an error on from a loader's process, its whole
            traceback, which ends in that.
    """

    def __init__(self, what: str, cure: str = _CURE, exit_code: int = EXIT_FAILED) -> None:
        if _WORKER in what:
            what = what.strip().splitlines()[-1].partition(": ")[2].removesuffix(_CURE).strip()
        super().__init__(what, cure, exit_code)


def refuse_broken_images() -> None:
    """Makes every reader of pictures in this process stop at a broken one, and name it."""
    import mmcv
    from mmcv.transforms import LoadAnnotations, LoadImageFromFile

    if hasattr(mmcv.imfrombytes, "strict"):
        return
    mmcv.imfrombytes = _strict(mmcv.imfrombytes)
    LoadImageFromFile.transform = _names(LoadImageFromFile.transform, "img_path")
    _name_label_maps(LoadAnnotations)
    for reader in _below(LoadAnnotations):
        _name_label_maps(reader)
    # mmseg's and mmdet's are imported where a config asks for them, and not before.
    LoadAnnotations.__init_subclass__ = classmethod(_name_label_maps)


def _below(reader: type) -> Iterator[type]:
    below: list[type] = reader.__subclasses__()
    for one in below:
        yield one
        yield from _below(one)


def _name_label_maps(reader: type) -> None:
    """Makes a class that reads label maps in its own way name a broken one."""
    if "_load_seg_map" in vars(reader):
        reader._load_seg_map = _names(reader._load_seg_map, "seg_map_path")  # type: ignore[attr-defined]


@contextmanager
def naming(path: Any) -> Iterator[None]:
    """Says of which file an error of the reading inside is.

    Raises:
        BrokenImage: Anything went wrong but memory.
    """
    try:
        yield
    except (MemoryError, BenchError):
        raise
    except Exception as error:  # decoders raise anything on damaged bytes
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise BrokenImage(f"broken image {path}: {why}.") from None


def cut_off(content: bytes) -> str | None:
    """Says why the bytes of a JPEG or PNG are not a whole picture; None if they are, or neither."""
    for start, end in _ENDS.items():
        if content.startswith(start) and end not in content[-_TAIL:]:
            from PIL import Image

            try:
                with Image.open(io.BytesIO(content)) as image:
                    image.load()
            except Exception as error:  # decoders raise anything on damaged bytes
                return str(error) or type(error).__name__
    return None


def _strict(decode: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(decode)
    def decode_whole(content: bytes, *arguments: Any, **options: Any) -> Any:
        if not content:
            raise ValueError("0 bytes")
        why = cut_off(content)
        if why is not None:
            raise ValueError(why)
        image = decode(content, *arguments, **options)
        if image is None:
            raise ValueError("no picture, or damaged")
        return image

    decode_whole.strict = True  # type: ignore[attr-defined]
    return decode_whole


def _names(read: Callable[..., Any], key: str) -> Callable[..., Any]:
    @wraps(read)
    def read_or_name(self: Any, results: dict[str, Any]) -> Any:
        with naming(results.get(key)):
            return read(self, results)

    return read_or_name
