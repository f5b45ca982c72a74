"""Scans as pages of pixels: PNG, JPEG, TIFF (every frame), JPEG 2000 and PDF, upright, with their resolution, within limits."""

from __future__ import annotations

import hashlib
import io
import math
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile

from desunt.errors import DesuntError, ImageTooLarge, InputError
from desunt.record.document import ImageRef
from desunt.scan import image_encoding, pdf, raster, tiff
from desunt.scan.image_encoding import EmbeddedImage
from desunt.scan.raster import Pixels

# GIF is read when it is named, but in a folder it is more often a button of a web page than a scan.
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", ".bmp", ".webp", ".pdf"}
)
MIN_SIDE_PX = 16
ASSUMED_PAGE_INCHES = 8.4  # between A4 (8.27) and letter (8.5)

_PLACEHOLDER_DPI = (72, 96)
_USUAL_DPI = (75, 100, 150, 200, 240, 300, 400, 600)
_USUAL_DPI_TOLERANCE = 0.08
# What Pillow's and NumPy's readers raise over damaged files.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, AssertionError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
# What a foreign exception becomes, the first that fits: the error of desunt, its problem and its remedy.
_ERROR_TRANSLATIONS: tuple[tuple[type[Exception], tuple[type[DesuntError], str, str]], ...] = (
    (FileNotFoundError, (InputError, "the file does not exist", "check the path")),
    (PermissionError, (InputError, "the file may not be read", "change its permissions (`chmod u+r`)")),
    (MemoryError, (ImageTooLarge, "not enough memory for the page", "lower max_pixels, or run fewer jobs")),
    (Exception, (InputError, "the image is damaged or cut short ({error})", raster.COPY_OR_RESCAN)),
)
# Pillow's limit and the warning filters belong to the whole process, and PDFium is not thread-safe: one page at a time.
_DECODER_LOCK = threading.RLock()


@dataclass(frozen=True, slots=True)
class Scan:
    """One page's original pixels: grey (h, w) or RGB (h, w, 3), uint8, upright; `image` says where they came from."""

    image: ImageRef
    pixels: Pixels


def count_pages(path: Path) -> int:
    """Return the number of pages: frames of a TIFF, pages of a PDF, else 1. Decodes nothing.

    Raises InputError or EncryptedInput.
    """
    with _translate_errors(str(path)):
        return len(_page_frames(path, str(path)))


def read_page(path: Path, number: int, *, name: str, sha256: str, max_pixels: int, pdf_dpi: int) -> Scan:
    """Read page `number` (from 1).

    `name` stands for the file in the result and in messages. Raises InputError, EncryptedInput or ImageTooLarge.
    """
    where = f"{name}, page {number}"
    with _translate_errors(where):
        frames = _page_frames(path, where)
        if not 1 <= number <= len(frames):
            raise InputError(f"{where}: there is no such page", remedy=f"the file has {len(frames)}")
        frame = frames[number - 1]
        pixels, dpi = _read_frame(path, frame, where, max_pixels, pdf_dpi)
        height, width = pixels.shape[:2]
        return Scan(ImageRef(name, sha256, width, height, dpi, frame), pixels)


def display_jpeg(path: Path, image: ImageRef, *, width: int, max_pixels: int, pdf_dpi: int) -> bytes | None:
    """Return the page as a JPEG for display, at most `width` pixels wide; None if the scan is missing or has changed.

    The same scan gives the same bytes. Raises what `read_page` raises.
    """
    if not _is_unchanged(path, image):
        return None
    where = f"{image.path}, frame {image.frame + 1}"
    with _translate_errors(where):
        pixels, _ = _read_frame(path, image.frame, where, max_pixels, pdf_dpi)
    height = pixels.shape[0]
    scale = min(1.0, width / pixels.shape[1], 65_500 / height)  # JPEG ends at 65,535
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(height * scale)))
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def embedded_image(path: Path, image: ImageRef, *, max_pixels: int, pdf_dpi: int) -> EmbeddedImage | None:
    """Return the page's pixels in full size, coded for a PDF; None if the scan is missing or has changed.

    Raises what `read_page` raises.
    """
    if not _is_unchanged(path, image):
        return None
    where = f"{image.path}, frame {image.frame + 1}"
    with _translate_errors(where):
        passthrough = image_encoding.passthrough_jpeg(path, image)
        return passthrough or image_encoding.encode(_read_frame(path, image.frame, where, max_pixels, pdf_dpi)[0])


def _is_unchanged(path: Path, image: ImageRef) -> bool:
    try:
        status = path.stat()
        return _cached_sha256(path, status.st_size, status.st_mtime_ns) == image.sha256
    except OSError:
        return False


@lru_cache(maxsize=16)
def _cached_sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Return the file's SHA-256; a scan of a thousand pages is read once for all of them, unless it changes meanwhile."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def true_dpi(recorded: tuple[float, float] | None, width: int, height: int) -> int:
    """Return the resolution of a page of `width` x `height` pixels, in dpi across the page.

    What the file records (across, down) holds if it lies in 50-1200; but 72 and 96, which programs write when they do not know,
    hold only if they do not make the page wider than 12 inches. Otherwise the page is taken to be 8.4 inches wide (a landscape
    page: high; a strip more than twice as wide as high: wide), the estimate moved to the next usual value (75, 100, 150, 200,
    240, 300, 400, 600) within 8 %, and kept within 72-1200.
    """
    short = min(width, height)
    for value in recorded or ():
        if math.isfinite(value) and 50 <= value <= 1200 and not (round(value) in _PLACEHOLDER_DPI and short > 12 * value):
            return round(value)
    guess = (height if height < width <= 2 * height else width) / ASSUMED_PAGE_INCHES
    nearest = min(_USUAL_DPI, key=lambda dpi: abs(dpi - guess))
    return nearest if abs(nearest - guess) <= _USUAL_DPI_TOLERANCE * nearest else round(min(max(guess, 72), 1200))


@contextmanager
def _translate_errors(where: str) -> Iterator[None]:
    """Let nothing out but the errors of desunt: no warning, no exception of a library, no changed limit of Pillow's."""
    with _DECODER_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limits = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Sizes are checked here against `max_pixels`, before anything is decoded.
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
        try:
            yield
        except DesuntError:
            raise
        except (*_DECODER_ERRORS, MemoryError) as error:
            kind, problem, remedy = next(own for foreign, own in _ERROR_TRANSLATIONS if isinstance(error, foreign))
            raise kind(f"{where}: {problem.format(error=error)}", remedy=remedy) from None
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = limits


def _page_frames(path: Path, where: str) -> range | tuple[int, ...]:
    """Return the frames that are pages, counted from 0."""
    if _is_pdf(path, where):
        return range(pdf.count_pages(path, where))
    with path.open("rb") as file:
        if file.read(4) in tiff.MAGIC:
            return tiff.page_frames(file, where)
        raster.open_image(file, where).close()
    return range(1)


def _is_pdf(path: Path, where: str) -> bool:
    """Tell by content whether the file is a PDF; refuse what is no file or empty."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{where}: this is not a file", remedy="name a scan, or search a folder with `desunt run FOLDER`")
    if status.st_size == 0:
        raise InputError(f"{where}: the file is empty", remedy="copy it again from its source")
    with path.open("rb") as file:
        head = file.read(1024)
    return b"%PDF-" in head and not head.startswith(raster.IMAGE_SIGNATURES)


def _read_frame(path: Path, frame: int, where: str, max_pixels: int, pdf_dpi: int) -> tuple[Pixels, int]:
    """Return the upright pixels of a frame (from 0), contiguous, and its true dpi."""
    recorded: tuple[float, float] | None
    if _is_pdf(path, where):
        pixels, recorded = pdf.read_page(path, frame, where, pdf_dpi, partial(_check_size, where, max_pixels, ", or pdf_dpi lower"))
    else:
        with path.open("rb") as file:
            source, frame = _open_frame(file, frame, where)
            pixels, recorded = raster.read_frame(source, frame, where, partial(_check_size, where, max_pixels, ""))
    height, width = pixels.shape[:2]
    return raster.contiguous(pixels), true_dpi(recorded, width, height)


def _open_frame(file: BinaryIO, frame: int, where: str) -> tuple[BinaryIO, int]:
    """Return a file that shows the frame, and the frame's number in it."""
    is_tiff = file.read(4) in tiff.MAGIC
    source = tiff.single_frame(file, frame, where) if is_tiff else file
    source.seek(0)
    return source, frame if source is file else 0


def _check_size(where: str, max_pixels: int, extra_remedy: str, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise InputError(f"{where}: {width} x {height} pixels are too small to hold text", remedy="scan the page at 300 dpi")
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"{where}: {width} x {height} pixels are more than max_pixels = {max_pixels}",
            remedy=f"if the page is really so large, set max_pixels to {width * height} or more{extra_remedy}",
        )
