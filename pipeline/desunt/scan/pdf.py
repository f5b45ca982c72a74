"""PDF pages as pixels: the embedded scan itself where the page is nothing else, otherwise a drawing of the page.

Text layers are never read: what stands on the page is read from its image. PDFium is not thread-safe: `scan` calls one at a time.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from desunt.errors import EncryptedInput, InputError
from desunt.scan.raster import Pixels, Resolution, SizeCheck, is_cut_short

_POINTS_PER_INCH = 72.0
_EDGE_SHARE = 0.02  # an image covers the page if each edge lies within this share of the page's size from the page's edge
_MAX_GRAY_DIFFERENCE = 32.0  # largest difference in grey levels between the embedded image and the drawn page, mean of a block
_BLOCK_PX = 16  # side of such a block, in pixels of a drawing _THUMBNAIL_WIDTH_PX wide
_THUMBNAIL_WIDTH_PX = 160
_TAIL_BYTES = 4096  # where PDFium itself looks for the end of a file
_SCALE_MARGIN = 1 - 1e-6  # pypdfium2 rounds up: 340.00001 pixels would become 341, and the whole page be resampled
_REPAIR_REMEDY = "repair it with `qpdf IN.pdf OUT.pdf`, or fetch the file again"


@contextmanager
def _open_pdf(path: Path, where: str) -> Iterator[Any]:
    """Open a PDF that is whole; raise EncryptedInput or InputError otherwise."""
    import pypdfium2

    _check_end(path, where)
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        raise _open_error(path, where) from None
    with closing(document):
        # Without this, what was filled into a form's fields is not drawn.
        if document.get_formtype() != pypdfium2.raw.FORMTYPE_NONE:
            document.init_forms()
        yield document


def _open_error(path: Path, where: str) -> InputError:
    """Return why PDFium does not open a PDF.

    Asked once more here, for pypdfium2 gives the reason of an earlier failure when a PDF opens but has no pages.
    """
    from pypdfium2 import raw

    handle = raw.FPDF_LoadDocument(os.fsencode(path) + b"\0", None)
    if handle:
        raw.FPDF_CloseDocument(handle)
        return InputError(f"{where}: the PDF has no pages", remedy=_REPAIR_REMEDY)
    if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD:
        return EncryptedInput(
            f"{where}: the PDF is locked with a password", remedy="unlock it with `qpdf --decrypt --password=... IN.pdf OUT.pdf`"
        )
    return InputError(f"{where}: the PDF is damaged", remedy=_REPAIR_REMEDY)


def _check_end(path: Path, where: str) -> None:
    # PDFium mends a PDF that is cut short, and its last pages are missing without a word.
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        if b"%%EOF" not in file.read():
            raise InputError(f"{where}: the PDF is cut short: its end mark is missing", remedy=_REPAIR_REMEDY)


def count_pages(path: Path, where: str) -> int:
    """Return the number of pages."""
    with _open_pdf(path, where) as document:
        return len(document)


def read_page(path: Path, index: int, where: str, dpi: int, check: SizeCheck) -> tuple[Pixels, Resolution]:
    """Return the pixels of page `index` (from 0) as the page is displayed, and their resolution across and down in dpi.

    If one image covers the page and nothing visible lies over it, these are the image's own pixels: grey (h, w) or RGB (h, w, 3).
    Vector drawings over an image (a redaction, a stamp) are part of the page, so that such a page is drawn at `dpi`.
    `check(width, height)` is called before anything is decoded or drawn.
    """
    import pypdfium2

    with _open_pdf(path, where) as document:
        try:
            with closing(document[index]) as page:
                image = _sole_image(page)
                embedded = _embedded_pixels(page, image, where, check) if image else None
                return embedded or _render(page, where, _image_dpi(page, image) or dpi, check)
        except pypdfium2.PdfiumError as error:
            raise InputError(f"{where}: the page is damaged ({error})", remedy=_REPAIR_REMEDY) from None


def _sole_image(page: Any) -> Any | None:
    """Return the one image that covers the page, unless something visible is painted over it."""
    from pypdfium2 import raw

    image = None
    for item in page.get_objects(max_depth=1):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            if image is not None:
                return None
            image = item
        elif image is not None and not _is_invisible(item):
            return None
    return image if image is not None and _covers_page(page, image) and not _has_visible_annotation(page) else None


def _is_invisible(item: Any) -> bool:
    from pypdfium2 import raw

    return bool(item.type == raw.FPDF_PAGEOBJ_TEXT and raw.FPDFTextObj_GetTextRenderMode(item.raw) == raw.FPDF_TEXTRENDERMODE_INVISIBLE)


def _covers_page(page: Any, image: Any) -> bool:
    a, b, c, d, *_ = image.get_matrix().get()
    straight = min(abs(a) + abs(d), abs(b) + abs(c)) <= 1e-3 * max(abs(a) + abs(d), abs(b) + abs(c))
    left, bottom, right, top = page.get_bbox()
    slack = (_EDGE_SHARE * (right - left), _EDGE_SHARE * (top - bottom)) * 2
    return straight and all(abs(x - y) <= s for x, y, s in zip(image.get_bounds(), (left, bottom, right, top), slack, strict=True))


def _has_visible_annotation(page: Any) -> bool:
    """Tell whether an annotation is drawn on the page: anything but links, notes and what is hidden."""
    from pypdfium2 import raw

    invisible_kinds = (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_TEXT)
    hidden = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
    for index in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, index)
        if annotation:
            visible = raw.FPDFAnnot_GetSubtype(annotation) not in invisible_kinds and not raw.FPDFAnnot_GetFlags(annotation) & hidden
            raw.FPDFPage_CloseAnnot(annotation)
            if visible:
                return True
    return False


def _embedded_pixels(page: Any, image: Any, where: str, check: SizeCheck) -> tuple[Pixels, Resolution] | None:
    """Return the image's own pixels, upright; None if they do not look like the page (a mask, a clip, transparency)."""
    check(*image.get_px_size())
    _check_image_data(image, where)
    pixels = _copy_bitmap(image.get_bitmap(render=False))
    if image.get_filters() == ["DCTDecode"] and is_cut_short(pixels):
        raise InputError(f"{where}: the embedded image is cut short", remedy=_REPAIR_REMEDY)
    pixels = _orient(pixels, image.get_matrix().get(), page.get_rotation())
    if not _looks_like_page(page, pixels):
        return None
    return pixels, _resolution(page, image)


def _resolution(page: Any, image: Any) -> Resolution:
    a, b, c, d, *_ = image.get_matrix().get()
    width, height = image.get_px_size()
    across, down = _POINTS_PER_INCH * width / math.hypot(a, b), _POINTS_PER_INCH * height / math.hypot(c, d)
    is_sideways = (abs(b) > abs(a)) != (page.get_rotation() in (90, 270))
    return (down, across) if is_sideways else (across, down)


def _image_dpi(page: Any, image: Any | None) -> float | None:
    across = _resolution(page, image)[0] if image else 0
    return across if _POINTS_PER_INCH <= across <= 1200 else None


def _check_image_data(image: Any, where: str) -> None:
    """Raise InputError if the image's data end before its last row: PDFium would fill the rest with grey or white."""
    filters = image.get_filters()
    width, height = image.get_px_size()
    damaged = InputError(f"{where}: the embedded image is cut short", remedy=_REPAIR_REMEDY)
    if filters == ["DCTDecode"]:
        data = bytes(image.get_data())
        if not data.rstrip(b"\0\r\n ").endswith(b"\xff\xd9"):
            try:
                Image.open(BytesIO(data), formats=("JPEG",)).load()
            except (OSError, SyntaxError, ValueError):
                raise damaged from None
    elif filters in ([], ["FlateDecode"], ["LZWDecode"], ["RunLengthDecode"]):
        bits = image.get_metadata().bits_per_pixel
        if len(image.get_data(decode_simple=True)) < (width * bits + 7) // 8 * height:
            raise damaged


def _copy_bitmap(bitmap: Any) -> Pixels:
    """Copy a bitmap of PDFium (grey, BGR, BGRx or BGRA) to grey (h, w) or RGB (h, w, 3)."""
    array: Pixels = bitmap.to_numpy()
    if array.ndim == 2 or array.shape[2] == 1:
        return array.reshape(array.shape[:2]).copy()
    return array[:, :, 2::-1].copy()


def _orient(pixels: Pixels, matrix: tuple[float, ...], rotation: int) -> Pixels:
    """Bring an image into the place its matrix gives it (y up), then turn it clockwise by the page's /Rotate."""
    a, b, c, d, *_ = matrix
    if abs(b) > abs(a):  # its rows run up or down the page
        pixels = np.swapaxes(pixels, 0, 1)
        right, down = c < 0, b < 0
    else:
        right, down = a > 0, d > 0
    pixels = pixels[:: 1 if down else -1, :: 1 if right else -1]
    return np.rot90(pixels, -rotation // 90)


def _looks_like_page(page: Any, pixels: Pixels) -> bool:
    """Compare the pixels with a small drawing of the page, block by block."""
    rendered = _copy_bitmap(page.render(scale=_THUMBNAIL_WIDTH_PX / page.get_width() * _SCALE_MARGIN, grayscale=True, draw_annots=False))
    height, width = rendered.shape
    shrunk = Image.fromarray(np.ascontiguousarray(pixels)).convert("L").resize((width, height), Image.Resampling.BOX)
    error = rendered.astype(np.float32) - np.asarray(shrunk, np.float32)
    rows, columns = max(1, height // _BLOCK_PX), max(1, width // _BLOCK_PX)
    blocks = [part for band in np.array_split(error, rows) for part in np.array_split(band, columns, axis=1)]
    return bool(max(abs(float(block.mean())) for block in blocks) <= _MAX_GRAY_DIFFERENCE)


def _render(page: Any, where: str, dpi: float, check: SizeCheck) -> tuple[Pixels, Resolution]:
    scale = dpi / _POINTS_PER_INCH * _SCALE_MARGIN
    check(math.ceil(page.get_width() * scale), math.ceil(page.get_height() * scale))
    pixels = _copy_bitmap(page.render(scale=scale))
    if pixels.min() == pixels.max():
        _check_images(page, where)
    return pixels, (dpi, dpi)


def _check_images(page: Any, where: str) -> None:
    """Raise InputError if a page is empty only because PDFium left a damaged image out."""
    import pypdfium2

    for image in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]):
        try:
            image.get_bitmap(render=False)
        except pypdfium2.PdfiumError:
            raise InputError(f"{where}: an image of the page is damaged", remedy=_REPAIR_REMEDY) from None
