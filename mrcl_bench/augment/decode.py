"""Pictures from bytes, by libjpeg-turbo where it is a plain JPEG."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray

from ..engine.whole_images import cut_off

_JPEG = b"\xff\xd8\xff"
_PLAIN = ("YCbCr", "Gray", "RGB")
_NO_LENGTH = frozenset([0x01, *range(0xD0, 0xD9), 0xFF])
"""Markers without a length, and what may fill up before one."""
_APP1, _SCAN = 0xE1, 0xDA
_EXIF, _HEAD, _ORIENTATION = b"Exif\x00\x00", 2**16, 0x0112


def decoders() -> dict[str, str]:
    """Returns the versions of what decodes: another one may round otherwise."""
    import simplejpeg

    return {"opencv": cv2.__version__, "simplejpeg": simplejpeg.__version__}


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decodes a picture to (H, W, 3) uint8 in BGR, turned upright as its EXIF data say.

    Args:
        data: JPEG, or whatever else OpenCV reads.

    Raises:
        ValueError: They are no picture, or a part of one.
    """
    if not data:
        raise ValueError("0 bytes")
    if data.startswith(_JPEG):
        import simplejpeg

        try:
            plain = simplejpeg.decode_jpeg_header(data)[2] in _PLAIN and not _turned(data)
            if plain:
                found: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colorspace="BGR")
                return found
        except ValueError as error:
            raise ValueError(f"damaged JPEG: {error}") from None
    if why := cut_off(data):
        raise ValueError(why)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("no picture, or damaged")
    pixels: NDArray[np.uint8] = np.asarray(image, dtype=np.uint8)
    return pixels


def _turned(data: bytes) -> bool:
    """Whether a JPEG's EXIF data ask for another orientation."""
    if not _has_exif(data):
        return False
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        return bool(opened.getexif().get(_ORIENTATION, 1) != 1)


def _has_exif(data: bytes) -> bool:
    """Whether a JPEG has EXIF data, by its segments before the picture; to search takes longer."""
    at = 2
    while data[at : at + 1] == b"\xff" and len(data) > at + 4:
        marker = data[at + 1]
        if marker in _NO_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _SCAN:
            return False
        if marker == _APP1 and data.startswith(_EXIF, at + 4):
            return True
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return _EXIF in data[:_HEAD]  # something else than segments: look for it everywhere
