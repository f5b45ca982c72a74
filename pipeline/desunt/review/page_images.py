"""Pictures of the pages, by id: the scan as it is, its light evened out, and single lines of it; made once, kept within a bound."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.export.wording import setting
from desunt.record.document import Box, ImageRef
from desunt.record.files import Record
from desunt.record.scan_files import places_of
from desunt.settings import Settings

Kind: TypeAlias = Literal["original", "cleaned"]

# Bytes of JPEG kept: some hundred pages at 300 dpi.
KEPT_BYTES = 256 * 2**20
# Decoded pages kept, from which lines are cut.
KEPT_PAGES = 4
# Wide enough to read typescript on a page image beside the text, and what is shown first.
SMALL_WIDTH = 1400
QUALITY = 88


@dataclass(slots=True)
class Bounded:
    """Values by key, the least recently used given up when they weigh more than the bound; safe for threads."""

    bound: int
    weigh: Callable[[object], int]
    weight: int = 0
    values: OrderedDict[object, object] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: object) -> object | None:
        with self.lock:
            if key in self.values:
                self.values.move_to_end(key)
            return self.values.get(key)

    def put(self, key: object, value: object) -> None:
        with self.lock:
            if key in self.values:
                return
            self.values[key] = value
            self.weight += self.weigh(value)
            while self.weight > self.bound and len(self.values) > 1:
                _, given_up = self.values.popitem(last=False)
                self.weight -= self.weigh(given_up)


class Pictures:
    """Make and keep the pictures of pages; a scan that was moved is looked for in `scans` first."""

    def __init__(self, scans: Path | None = None) -> None:
        self.scans = scans
        self._jpegs = Bounded(KEPT_BYTES, lambda value: len(value) if isinstance(value, bytes) else 0)
        self._pages = Bounded(KEPT_PAGES, lambda _: 1)
        # Decoding a page takes memory and a core; two editors who ask for the same page get one decoding.
        self._making = threading.Lock()

    def page(self, record: Record, image: ImageRef, kind: Kind, *, width: int | None) -> bytes | None:
        """Return the page as a JPEG, at most `width` pixels wide (None: as the scan is); None if the scan is missing or has changed."""
        return self._kept((image, kind, width), lambda: self._page(record, image, kind, width))

    def line(self, record: Record, image: ImageRef, kind: Kind, box: Box) -> bytes | None:
        """Return the part of the page inside `box` as a JPEG of the scan's own pixels; None if the scan is missing or has changed."""
        return self._kept((image, kind, box), lambda: self._line(record, image, kind, box))

    def _kept(self, key: object, make: Callable[[], bytes | None]) -> bytes | None:
        found = self._jpegs.get(key)
        if found is None:
            with self._making:
                found = self._jpegs.get(key) or make()
            # A scan that is missing now may be there later, so nothing is kept for it.
            if found is not None:
                self._jpegs.put(key, found)
        assert found is None or isinstance(found, bytes)
        return found

    def _page(self, record: Record, image: ImageRef, kind: Kind, width: int | None) -> bytes | None:
        if kind == "original":
            return self._scan(record, image, width or image.width)
        pixels = self._pixels(record, image, kind)
        return None if pixels is None else _jpeg(pixels, width)

    def _line(self, record: Record, image: ImageRef, kind: Kind, box: Box) -> bytes | None:
        pixels = self._pixels(record, image, kind)
        return None if pixels is None else _jpeg(pixels[box.top : box.bottom, box.left : box.right], None)

    def _scan(self, record: Record, image: ImageRef, width: int) -> bytes | None:
        from desunt import scan

        for place in places_of(record.document, image.path, self.scans):
            made = scan.picture(place, image, width=width, **_limits(record))
            if made is not None:
                return made
        return None

    def _pixels(self, record: Record, image: ImageRef, kind: Kind) -> NDArray[np.uint8] | None:
        key = (image, kind)
        found = self._pages.get(key)
        if found is None:
            found = self._decoded(record, image) if kind == "original" else self._cleaned(record, image)
            if found is not None:
                self._pages.put(key, found)
        assert found is None or isinstance(found, np.ndarray)
        return found

    def _decoded(self, record: Record, image: ImageRef) -> NDArray[np.uint8] | None:
        from PIL import Image

        # Not through `page`: this runs while `_making` is held.
        jpeg = self._scan(record, image, image.width)
        if jpeg is None:
            return None
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
            return np.asarray(opened)

    def _cleaned(self, record: Record, image: ImageRef) -> NDArray[np.uint8] | None:
        from desunt.ocr.preprocessing import filters as retouch

        pixels = self._pixels(record, image, "original")
        return None if pixels is None else retouch.flattened(retouch.border_painted(retouch.grey(pixels)))


def picture_version(image: ImageRef) -> str:
    """Return what the address of a picture carries, so that a browser may keep it for ever: another scan has another address."""
    return hashlib.sha256(f"{image.sha256} {image.frame}".encode()).hexdigest()[:12]


def _jpeg(pixels: NDArray[np.uint8], width: int | None) -> bytes:
    from PIL import Image

    picture, buffer = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    if width is not None and width < picture.width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS)
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _limits(record: Record) -> dict[str, int]:
    """Return the limits the scan was read under; the defaults where the record does not say."""
    fields = Settings.model_fields
    found = {name: setting(record.steps, name) or str(fields[name].default) for name in ("max_pixels", "pdf_dpi")}
    return {name: int(value) if value.isdecimal() else fields[name].default for name, value in found.items()}
