"""A page's original pixels as a PDF takes them in: a JPEG as it is, black and white without loss, everything else as a very good JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, TiffImagePlugin

from desunt.record.document import ImageRef
from desunt.scan.raster import Pixels

JPEG_QUALITY = 92
ORIENTATION_TAG = 274
STRIP_OFFSETS_TAG, STRIP_BYTE_COUNTS_TAG = 273, 279


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """Coded pixels, upright: `jpeg` with 1 or 3 channels, or `g4` (ITU-T T.6, one bit, in which a run that is called black is white)."""

    coding: Literal["jpeg", "g4"]
    data: bytes
    width: int
    height: int
    channels: int


def embeddable_jpeg(data: bytes) -> EmbeddedImage | None:
    """Return a JPEG as it is; None if it is no JPEG of grey or RGB pixels that stand upright."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
            if opened.format != "JPEG" or opened.mode not in ("L", "RGB") or opened.getexif().get(ORIENTATION_TAG, 1) != 1:
                return None
            return EmbeddedImage("jpeg", data, *opened.size, 1 if opened.mode == "L" else 3)
    except (OSError, SyntaxError, ValueError):
        return None


def passthrough_jpeg(path: Path, image: ImageRef) -> EmbeddedImage | None:
    """Return the scan's own bytes if it is a JPEG that a PDF can hold and that shows the page as `image` says."""
    with path.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return None
    jpeg = embeddable_jpeg(path.read_bytes())
    return jpeg if jpeg and (jpeg.width, jpeg.height) == (image.width, image.height) else None


def encode(pixels: Pixels) -> EmbeddedImage:
    """Code pixels, grey (h, w) or RGB (h, w, 3): without loss if all are black or white."""
    height, width = pixels.shape[:2]
    buffer = io.BytesIO()
    if pixels.ndim == 2 and bool(((pixels == 0) | (pixels == 255)).all()):
        Image.fromarray(np.asarray(pixels)).convert("1").save(buffer, "TIFF", compression="group4", strip_size=1 << 30)
        with Image.open(buffer) as saved:
            assert isinstance(saved, TiffImagePlugin.TiffImageFile)
            (start,), (length,) = saved.tag_v2[STRIP_OFFSETS_TAG], saved.tag_v2[STRIP_BYTE_COUNTS_TAG]
        return EmbeddedImage("g4", buffer.getvalue()[start : start + length], width, height, 1)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return EmbeddedImage("jpeg", buffer.getvalue(), width, height, 1 if pixels.ndim == 2 else 3)
