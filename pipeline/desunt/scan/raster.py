"""A frame of an image file as pixels, whatever its mode: 1-bit, grey, 16-bit, palette, colour, CMYK, with or without alpha."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from desunt.errors import InputError
from desunt.scan import png

Pixels: TypeAlias = NDArray[np.uint8]
Resolution: TypeAlias = tuple[float, float]
SizeCheck: TypeAlias = Callable[[int, int], None]

COPY_OR_RESCAN = "copy the file again from its source, or scan the page again"
_PILLOW_FORMATS = ("PNG", "JPEG", "TIFF", "JPEG2000", "BMP", "WEBP", "GIF", "PPM")
IMAGE_SIGNATURES = (
    b"\x89PNG", b"\xff\xd8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51", b"BM", b"RIFF", b"GIF8",
    b"P4", b"P5", b"P6",
)  # fmt: skip
_ORIENTATION_TAG, _PHOTOMETRIC_TAG = 274, 262
_STRIP_TAGS, _TILE_TAGS = (273, 279), (324, 325)
_WHITE_IS_ZERO = 0
_UNDECODED_GRAY = 128  # what libjpeg fills in where data are missing
_MCU_PX = 8


def open_image(file: BinaryIO, where: str) -> Image.Image:
    """Open an image by its content; its name counts for nothing. Raises InputError, and Pillow's own errors over damaged files."""
    try:
        return Image.open(file, formats=_PILLOW_FORMATS)
    except UnidentifiedImageError:
        file.seek(0)
        if file.read(8).startswith(IMAGE_SIGNATURES):
            raise InputError(
                f"{where}: the image is damaged, or of a kind that is not supported", remedy=f"{COPY_OR_RESCAN}; or save it as PNG"
            ) from None
        raise InputError(f"{where}: this is not an image that can be read", remedy="give PNG, JPEG, TIFF, JPEG 2000 or PDF") from None


def read_frame(file: BinaryIO, frame: int, where: str, check: SizeCheck) -> tuple[Pixels, Resolution | None]:
    """Return the upright pixels of a frame (from 0) and the resolution that the file records, across and down in dpi.

    `check(width, height)` is called before anything is decoded. Raises InputError, and Pillow's own errors over damaged files.
    """
    with open_image(file, where) as image:
        is_tiff = image.format == "TIFF"
        if is_tiff:
            image.seek(frame)
            _check_strips(image, file, where)
        check(*image.size)
        recorded_dpi = _recorded_dpi(image)
        # Loading a TIFF turns it upright and drops the tag. Other formats are loaded first, for `getexif` may load a PNG, and a
        # failure in there, taken for one of the EXIF block, would leave the rest of the page black.
        orientation = _orientation(image) if is_tiff else 1
        image.load()
        if not is_tiff:
            orientation = _orientation(image)
        _check_rows(image, file, where)
        # Pillow inverts such frames of 1 and 8 bits, but not of 16.
        pixels = _to_pixels(image, inverted=is_tiff and _tag(image, _PHOTOMETRIC_TAG) == _WHITE_IS_ZERO)
    upright = pixels if is_tiff else _turn_upright(pixels, orientation)
    return upright, recorded_dpi[::-1] if recorded_dpi and orientation >= 5 else recorded_dpi


def contiguous(pixels: Pixels) -> Pixels:
    """Return the pixels contiguous and writable, as grey if their three channels are the same."""
    if pixels.ndim == 3 and all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2)):
        pixels = pixels[..., 0]
    return np.require(pixels, requirements=["C", "W"])


def is_cut_short(pixels: Pixels) -> bool:
    """Tell whether the last rows of a JPEG were never decoded: its end mark stands too early, and libjpeg fills in mid-grey."""
    return bool((pixels[-_MCU_PX:] == _UNDECODED_GRAY).all())


def _tag(image: Image.Image, tag: int) -> Any:
    return image.tag_v2.get(tag)  # type: ignore[attr-defined]


def _check_strips(image: Image.Image, file: BinaryIO, where: str) -> None:
    """Raise InputError if strips or tiles of a TIFF frame lie beyond the file's end.

    libtiff fails over most of them too, but tells why on the error stream only.
    """
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    for tags in (_STRIP_TAGS, _TILE_TAGS):
        offsets, counts = (np.atleast_1d(_tag(image, tag) or ()) for tag in tags)
        if any(int(offset) + int(count) > size for offset, count in zip(offsets, counts, strict=False)):
            raise InputError(f"{where}: the TIFF is cut short", remedy=COPY_OR_RESCAN)


def _check_rows(image: Image.Image, file: BinaryIO, where: str) -> None:
    """Raise InputError if the last rows of a JPEG or PNG were never there, which Pillow does not tell."""
    last = np.asarray(image.crop((0, max(0, image.height - _MCU_PX), image.width, image.height)))
    if image.format in ("JPEG", "MPO"):
        missing = is_cut_short(last)
    elif image.format == "PNG":
        missing = not last[-1].any() and png.lacks_rows(file)
    else:
        missing = False
    if missing:
        raise InputError(f"{where}: the lower part of the {image.format} is missing", remedy=COPY_OR_RESCAN)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1-8."""
    try:
        value = int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # A damaged EXIF block, in whatever way, must not cost the page.
        return 1
    return value if 1 <= value <= 8 else 1


def _recorded_dpi(image: Image.Image) -> Resolution | None:
    try:
        across, down = image.info["dpi"]
        return float(across), float(down)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (CIPA DC-008, tag 274)."""
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    down, right = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}[orientation]
    return pixels[::down, ::right]


def _to_pixels(image: Image.Image, inverted: bool) -> Pixels:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = _to_eight_bits(np.asarray(image))
        return 255 - values if inverted else values
    if image.has_transparency_data:
        return _composite_over_white(image)
    if image.mode == "LAB":  # Pillow cannot convert it; its first channel is lightness
        return np.array(image.getchannel(0))
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return np.array(image)


def _composite_over_white(image: Image.Image) -> Pixels:
    colours = image.convert("RGBA")
    alpha = colours.getchannel("A")
    # An alpha channel that hides everything was never meant as one.
    if alpha.getextrema() == (0, 0):
        return np.array(colours.convert("RGB"))
    page = Image.new("RGB", image.size, "white")
    page.paste(colours, mask=alpha)
    return np.array(page)


def _to_eight_bits(values: NDArray[Any]) -> Pixels:
    """Scale grey values to 0-255 by the depth they use (8, 10, 12, 14, 16 bits, more, or floats up to 1): nothing clips.

    Scanners store 10 or 12 bits in 16; dividing those by 256 would leave a black page.
    """
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        top = float(values.max())
        full = next((scale for scale in (1.0, 255.0, 65535.0) if top <= scale), top)
        return (values.clip(0) * (255 / full)).round().astype(np.uint8)
    bits = max(8, int(values.max()).bit_length())
    shift = (bits + 1) // 2 * 2 - 8 if bits <= 16 else bits - 8
    return (values.clip(0) >> shift).astype(np.uint8)
