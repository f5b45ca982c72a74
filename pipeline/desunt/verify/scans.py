"""Prove that scans and transcripts are the files the record was made from, and that page images show them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from desunt.errors import DesuntError
from desunt.export.wording import find_setting
from desunt.record.atomic import sha256_of
from desunt.record.document import Document, ImageRef
from desunt.record.files import Record
from desunt.record.scan_files import find_scan_files, scan_path
from desunt.scan.image_encoding import EmbeddedImage
from desunt.settings import Settings
from desunt.verify.findings import Breach, Finding, Remark
from desunt.verify.readback.html import html_page_images
from desunt.verify.readback.pdf import pdf_images

# Page images are compared in grey at about this width. Over 9 scans, other coders and scalers change no pixel by more than 0.03 of full
# scale there; one word painted over changes some by more than 0.3.
COMPARED_WIDTH_PX = 200
MAX_DIFFERENCE_SHARE = 0.1


def verify_scans(document: Document, file: str, scans: Path | None) -> Iterator[Finding]:
    """Compare each scan and transcript, where it can be found, with the hash in the record."""
    wanted = {(page.image.path, page.image.sha256): f"page {page.number}" for page in reversed(document.pages) if page.image}
    if document.transcript:
        wanted[(document.transcript.path, document.transcript.sha256)] = "transcript"
    for (path, sha256), place in wanted.items():
        paths = find_scan_files(document, path, scans)
        if place == "transcript":
            # The source of a scan with a transcript is the scan: it must not pass for a changed transcript.
            scan = scan_path(Path(document.source), path)
            paths = [found for found in paths if found != scan or scan == Path(path)]
        try:
            hashes = [sha256_of(found) for found in paths]
        except OSError as error:
            yield Remark(file, place, f"{path} cannot be read: {error}")
            continue
        if not paths:
            yield Remark(file, place, f"{path} was not found, so its hash was not checked; name its folder with --scans")
        elif sha256 not in hashes:
            yield Breach(str(paths[0]), place, f"is not the file that {file} was made from: it has another SHA-256")


@dataclass(frozen=True, slots=True)
class PdfImageSource:
    """The page images inside a PDF, as the exporter is given them."""

    images: dict[ImageRef, EmbeddedImage]

    def __call__(self, image: ImageRef) -> bytes | None:
        embedded = self.images.get(image)
        return embedded.data if embedded and embedded.coding == "jpeg" else None

    def full_size(self, image: ImageRef) -> EmbeddedImage | None:
        return self.images.get(image)


def pdf_image_source(content: bytes, record: Record) -> PdfImageSource:
    """Return the page images inside a PDF."""
    streams, images = pdf_images(content.decode("latin-1")), {}
    for page in record.document.pages:
        if page.image and page.number in streams:
            stream = streams[page.number]
            coding: Literal["jpeg", "g4"] = "jpeg" if stream["filter"] == "/DCTDecode" else "g4"
            images[page.image] = EmbeddedImage(coding, stream["data"], stream["/Width"], stream["/Height"], stream["channels"])
    return PdfImageSource(images)


def _images_to_compare(name: str, content: bytes, record: Record, scans: Path | None) -> dict[int, bytes]:
    """Return the page images to compare, as JPEG; of a PDF's black and white ones those that are not exactly their scan's."""
    if name == "html":
        return html_page_images(content.decode(errors="replace"))
    try:
        embedded_images = pdf_image_source(content, record).images
    except (ValueError, LookupError):
        return {}
    numbers = {page.image: page.number for page in record.document.pages if page.image}
    jpegs = {numbers[image]: embedded.data for image, embedded in embedded_images.items() if embedded.coding == "jpeg"}
    differing = {
        numbers[image]: b""
        for image, embedded in embedded_images.items()
        if embedded.coding == "g4" and not _is_exact(embedded, image, record, scans)
    }
    return jpegs | differing


def _is_exact(embedded: EmbeddedImage, image: ImageRef, record: Record, scans: Path | None) -> bool:
    """Say whether pixels are exactly the scan's, or the scan is not at hand."""
    from desunt import scan

    for place in find_scan_files(record.document, image.path, scans):
        try:
            expected = scan.embedded_image(place, image, **_reading_limits(record))
        except DesuntError:
            continue
        if expected is not None:
            return expected.data == embedded.data
    return True


def verify_page_images(name: str, content: bytes, record: Record, file: str, scans: Path | None) -> Iterator[Finding]:
    """Compare the page images inside a review page or a PDF with the scans, where they can be found unchanged."""
    images = _images_to_compare(name, content, record, scans)
    for page in record.document.pages:
        if page.image is None or page.number not in images:
            continue
        problem = _image_problem(images[page.number], page.image, record, scans)
        if problem:
            yield Breach(file, f"page {page.number}", problem)


def _image_problem(shown: bytes, image: ImageRef, record: Record, scans: Path | None) -> str:
    """Say what is wrong with a page image; nothing if it shows its scan, or the scan is not at hand."""
    from PIL import Image

    from desunt import scan

    try:
        with Image.open(io.BytesIO(shown), formats=["JPEG"]) as opened:
            grey = opened.convert("L")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        return f"its image cannot be opened: {error}"
    for place in find_scan_files(record.document, image.path, scans):
        try:
            expected = scan.display_jpeg(place, image, width=grey.width, **_reading_limits(record))
        except DesuntError:
            continue
        if expected is not None:
            return "" if expected == shown or _look_alike(grey, expected) else "shows another image than its scan"
    return ""


def _look_alike(grey: Any, jpeg: bytes) -> bool:
    from PIL import Image, ImageChops

    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
        other, factor = opened.convert("L"), max(4, grey.width // COMPARED_WIDTH_PX)
        if other.size != grey.size:
            return False
        differences = ImageChops.difference(grey.reduce(factor), other.reduce(factor)).tobytes()
    return max(differences) <= 255 * MAX_DIFFERENCE_SHARE


def _reading_limits(record: Record) -> dict[str, int]:
    """Return the limits the scan was read under; the defaults where the record does not say."""
    fields = Settings.model_fields
    values = {name: find_setting(record.steps, name) or str(fields[name].default) for name in ("max_pixels", "pdf_dpi")}
    return {name: int(value) if value.isdecimal() else fields[name].default for name, value in values.items()}
