"""Pictures of the pages, by id: the scan as it is, its light evened out, and single lines of it; made once, kept within a bound."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from desunt.export.wording import find_setting
from desunt.record.document import Box, ImageRef
from desunt.record.files import Record
from desunt.record.scan_files import find_scan_files
from desunt.settings import Settings

ImageKind: TypeAlias = Literal["original", "cleaned"]

# Some hundred pages at 300 dpi.
JPEG_CACHE_BYTES = 256 * 2**20
# Decoded pages in memory, from which lines are cut.
CACHED_PAGES = 4
# Wide enough to read typescript on a page image beside the text, and what is shown first.
SMALL_IMAGE_WIDTH_PX = 1400
JPEG_QUALITY = 88
# A line's picture comes over a slow network with every gap: so many bytes at most, at less quality first, and then at a smaller size.
MAX_LINE_JPEG_BYTES = 60_000
LINE_JPEG_QUALITIES = (JPEG_QUALITY, 75, 60, 45)
LINE_JPEG_SHRINK = 0.75

Value = TypeVar("Value")


@dataclass(slots=True)
class LruCache(Generic[Value]):
    """Values by key, the least recently used given up when they weigh more than the limit; safe for threads."""

    max_weight: int
    weigh: Callable[[Value], int]
    weight: int = 0
    values: OrderedDict[object, Value] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: object) -> Value | None:
        with self.lock:
            if key in self.values:
                self.values.move_to_end(key)
            return self.values.get(key)

    def put(self, key: object, value: Value) -> None:
        with self.lock:
            if key in self.values:
                return
            self.values[key] = value
            self.weight += self.weigh(value)
            while self.weight > self.max_weight and len(self.values) > 1:
                _, evicted = self.values.popitem(last=False)
                self.weight -= self.weigh(evicted)


class PageImages:
    """Make and keep the pictures of pages; a scan that was moved is looked for in `scans` first."""

    def __init__(self, scans: Path | None = None) -> None:
        self.scans = scans
        self._jpegs: LruCache[bytes] = LruCache(JPEG_CACHE_BYTES, len)
        self._pages: LruCache[NDArray[np.uint8]] = LruCache(CACHED_PAGES, lambda _: 1)
        # Decoding a page takes memory and a core; two editors who ask for the same page get one decoding.
        self._decode_lock = threading.Lock()

    def page(self, record: Record, image: ImageRef, kind: ImageKind, *, width: int | None) -> bytes | None:
        """Return the page as a JPEG, at most `width` pixels wide (None: as the scan is); None if the scan is missing or has changed."""
        return self._cached_jpeg((image, kind, width), lambda: self._page_jpeg(record, image, kind, width))

    def line(self, record: Record, image: ImageRef, kind: ImageKind, box: Box) -> bytes | None:
        """Return the part of the page inside `box` as a JPEG of the scan's own pixels; None if the scan is missing or has changed."""
        return self._cached_jpeg((image, kind, box), lambda: self._line_jpeg(record, image, kind, box))

    def _cached_jpeg(self, key: object, make: Callable[[], bytes | None]) -> bytes | None:
        jpeg = self._jpegs.get(key)
        if jpeg is None:
            with self._decode_lock:
                jpeg = self._jpegs.get(key) or make()
            # A scan that is missing now may be there later, so nothing is kept for it.
            if jpeg is not None:
                self._jpegs.put(key, jpeg)
        return jpeg

    def _page_jpeg(self, record: Record, image: ImageRef, kind: ImageKind, width: int | None) -> bytes | None:
        if kind == "original":
            return self._scan_jpeg(record, image, width or image.width)
        pixels = self._cached_pixels(record, image, kind)
        return None if pixels is None else _encode_jpeg(pixels, width)

    def _line_jpeg(self, record: Record, image: ImageRef, kind: ImageKind, box: Box) -> bytes | None:
        pixels = self._cached_pixels(record, image, kind)
        return None if pixels is None else _encode_line(pixels[box.top : box.bottom, box.left : box.right])

    def _scan_jpeg(self, record: Record, image: ImageRef, width: int) -> bytes | None:
        from desunt import scan

        paths = find_scan_files(record.document, image.path, self.scans)
        jpegs = (scan.display_jpeg(path, image, width=width, **_scan_limits(record)) for path in paths)
        return next((jpeg for jpeg in jpegs if jpeg is not None), None)

    def _cached_pixels(self, record: Record, image: ImageRef, kind: ImageKind) -> NDArray[np.uint8] | None:
        key = (image, kind)
        pixels = self._pages.get(key)
        if pixels is None:
            pixels = self._decode_scan(record, image) if kind == "original" else self._clean_page(record, image)
            if pixels is not None:
                self._pages.put(key, pixels)
        return pixels

    def _decode_scan(self, record: Record, image: ImageRef) -> NDArray[np.uint8] | None:
        from PIL import Image

        # Not through `page`: this runs while `_decode_lock` is held.
        jpeg = self._scan_jpeg(record, image, image.width)
        if jpeg is None:
            return None
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
            return np.asarray(opened)

    def _clean_page(self, record: Record, image: ImageRef) -> NDArray[np.uint8] | None:
        from desunt.ocr.preprocessing import filters

        pixels = self._cached_pixels(record, image, "original")
        return None if pixels is None else filters.normalize_background(filters.remove_border(filters.to_gray(pixels)))


def picture_version(image: ImageRef) -> str:
    """Return what the address of a picture carries, so that a browser may keep it for ever: another scan has another address."""
    return hashlib.sha256(f"{image.sha256} {image.frame}".encode()).hexdigest()[:12]


def _encode_line(pixels: NDArray[np.uint8]) -> bytes:
    """Return a line as a JPEG of at most `MAX_LINE_JPEG_BYTES`."""
    width = pixels.shape[1]
    while True:
        for quality in LINE_JPEG_QUALITIES:
            jpeg = _encode_jpeg(pixels, width, quality)
            if len(jpeg) <= MAX_LINE_JPEG_BYTES:
                return jpeg
        width = max(1, round(width * LINE_JPEG_SHRINK))


def _encode_jpeg(pixels: NDArray[np.uint8], width: int | None, quality: int = JPEG_QUALITY) -> bytes:
    from PIL import Image

    picture, buffer = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    if width is not None and width < picture.width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS)
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _scan_limits(record: Record) -> dict[str, int]:
    """Return the limits the scan was read under; the defaults where the record does not say."""
    fields = Settings.model_fields
    limits = {name: find_setting(record.steps, name) or "" for name in ("max_pixels", "pdf_dpi")}
    return {name: int(value) if value.isdecimal() else fields[name].default for name, value in limits.items()}
